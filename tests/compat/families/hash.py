"""Hashes."""

from compare import shape, unordered, unordered_pairs
from grammar import Family
from plan import ScanWalk, Step

family = Family('hash')
row = family.row


def key(dice):
    return dice.key('hash')


def fields_and_values(dice):
    words = [word for _ in range(dice.integer(1, 4)) for word in (dice.field(), dice.value())]
    return words[:-1] if dice.chance(0.04) else words


@row('HSET', weight=10)
def hset(dice):
    return [b'HSET', key(dice), *fields_and_values(dice)]


@row('HMSET', weight=2)
def hmset(dice):
    return [b'HMSET', key(dice), *fields_and_values(dice)]


@row('HSETNX', weight=3)
def hsetnx(dice):
    return [b'HSETNX', key(dice), dice.field(), dice.value()]


@row('HSET', weight=0.2, mutate=False)
def hset_many(dice):
    """Beyond the compact form."""
    return [b'HSET', key(dice), *(word for number in range(dice.integer(100, 300))
                                  for word in (b'field-%d' % number, b'%d' % number))]


for _name in ('HGET', 'HEXISTS', 'HSTRLEN'):
    @row(_name, weight=3)
    def read_one(dice, name=_name.encode()):
        return [name, key(dice), dice.field()]


@row('HMGET', weight=3)
def hmget(dice):
    return [b'HMGET', key(dice), *dice.some(dice.field)]


@row('HDEL', weight=4)
def hdel(dice):
    return [b'HDEL', key(dice), *dice.some(dice.field, 1, 3)]


@row('HLEN', weight=3)
def hlen(dice):
    return [b'HLEN', key(dice)]


@row('HGETALL', weight=3, compare=unordered_pairs)
def hgetall(dice):
    return [b'HGETALL', key(dice)]


for _name in ('HKEYS', 'HVALS'):
    @row(_name, weight=2, compare=unordered)
    def read_all(dice, name=_name.encode()):
        return [name, key(dice)]


@row('HINCRBY', weight=4)
def hincrby(dice):
    return [b'HINCRBY', key(dice), dice.field(), dice.number()]


@row('HINCRBYFLOAT', weight=4)
def hincrbyfloat(dice):
    return [b'HINCRBYFLOAT', key(dice), dice.field(), dice.float()]


@row('HSET+HINCRBYFLOAT', weight=2)
def hincrbyfloat_of_a_number(dice):
    name, field = key(dice), dice.field()
    return [Step([b'HSET', name, field, dice.float()]), Step([b'HINCRBYFLOAT', name, field, dice.float()]),
            Step([b'HGET', name, field])]


# Which fields come is random; how many is not. Without mutation: a count of -4294967296 would be answered.
@row('HRANDFIELD', weight=2, compare=shape, mutate=False)
def hrandfield(dice):
    words = [b'HRANDFIELD', key(dice)]
    if dice.chance(0.7):
        words.append(dice.pick([0, 1, 3, 100, -1, -5, b'x', b'', b'-9223372036854775808', b'9223372036854775808']))
        words += dice.options(lambda: [dice.word('WITHVALUES')], lambda: [b'BAD'], each=0.2)
    return words


@row('HSCAN', weight=1, mutate=False)
def hscan(dice):
    options = dice.options(lambda: [dice.word('MATCH'), dice.pick([b'*', b'f*', b'field-1*', b'[^f]*'])],
                           lambda: [dice.word('COUNT'), dice.pick([1, 10, 1000])])
    return [ScanWalk([b'HSCAN', key(dice), b'CURSOR', *options], pair_size=2)]


@row('DEL', weight=1)
def delete(dice):
    return [b'DEL', key(dice)]


@row('OBJECT|ENCODING', weight=2)
def encoding(dice):
    return [b'OBJECT', b'ENCODING', key(dice)]
