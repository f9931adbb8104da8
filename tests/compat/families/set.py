"""Sets."""

from compare import shape, unordered
from grammar import Family
from plan import ScanWalk, Step

family = Family('set')
row = family.row


def key(dice):
    return dice.key('set')


def member(dice):
    return dice.pick([b'a', b'b', b'c', b'd', b'1', b'2', b'3', b'-7', b'70000', b'5000000000', b'01', b'']) \
        if dice.chance(0.85) else dice.value()


@row('SADD', weight=10)
def sadd(dice):
    return [b'SADD', key(dice), *dice.some(lambda: member(dice), 1, 6)]


@row('SADD', weight=0.3, mutate=False)
def sadd_many(dice):
    """Beyond the compact forms: of numbers or of words."""
    form = dice.pick([b'%d', b'member-%d'])
    return [b'SADD', key(dice), *(form % number for number in range(dice.integer(100, 700)))]


@row('SREM', weight=5)
def srem(dice):
    return [b'SREM', key(dice), *dice.some(lambda: member(dice), 1, 3)]


@row('SCARD', weight=3)
def scard(dice):
    return [b'SCARD', key(dice)]


@row('SISMEMBER', weight=3)
def sismember(dice):
    return [b'SISMEMBER', key(dice), member(dice)]


@row('SMISMEMBER', weight=3)
def smismember(dice):
    return [b'SMISMEMBER', key(dice), *dice.some(lambda: member(dice))]


@row('SMEMBERS', weight=3, compare=unordered)
def smembers(dice):
    return [b'SMEMBERS', key(dice)]


@row('SMOVE', weight=4)
def smove(dice):
    return [b'SMOVE', key(dice), key(dice), member(dice)]


for _name in ('SINTER', 'SUNION', 'SDIFF'):
    @row(_name, weight=4, compare=unordered)
    def combine(dice, name=_name.encode()):
        return [name, *dice.some(lambda: key(dice), 1, 3)]

    @row(_name + 'STORE', weight=3)
    def combine_and_store(dice, name=_name.encode() + b'STORE'):
        return [name, key(dice), *dice.some(lambda: key(dice), 1, 3)]


@row('SINTERCARD', weight=4)
def sintercard(dice):
    count = dice.integer(1, 3)
    return [b'SINTERCARD', count if dice.chance(0.9) else dice.number(-1, 4), *(key(dice) for _ in range(count)),
            *dice.options(lambda: [dice.word('LIMIT'), dice.number(-1, 4)])]


# Which members come is random; how many is not.
@row('SRANDMEMBER', weight=2, compare=shape, mutate=False)
def srandmember(dice):
    count = [dice.pick([0, 1, 3, 100, -1, -5, b'x', b'', b'-9223372036854775808'])] if dice.chance(0.7) else []
    return [b'SRANDMEMBER', key(dice), *count]


@row('SPOP+SADD', weight=1, mutate=False)
def spop_of_one(dice):
    """The only member is no matter of luck. Popping more is, and would let the servers drift apart."""
    name = dice.key('free')
    return [Step([b'DEL', name]), Step([b'SADD', name, b'only']),
            Step([b'SPOP', name, *dice.pick([[], [1], [5], [0], [-1], [b'x']])]), Step([b'EXISTS', name])]


@row('SPOP+SADD', weight=1, mutate=False)
def spop_of_all(dice):
    name = dice.key('free')
    return [Step([b'DEL', name]), Step([b'SADD', name, *dice.some(lambda: member(dice), 1, 6)]),
            Step([b'SPOP', name, 100], unordered), Step([b'EXISTS', name])]


@row('SSCAN', weight=1, mutate=False)
def sscan(dice):
    options = dice.options(lambda: [dice.word('MATCH'), dice.pick([b'*', b'm*', b'[0-9]*', b'a'])],
                           lambda: [dice.word('COUNT'), dice.pick([1, 10, 1000])])
    return [ScanWalk([b'SSCAN', key(dice), b'CURSOR', *options])]


@row('DEL', weight=1)
def delete(dice):
    return [b'DEL', key(dice)]


@row('OBJECT|ENCODING', weight=2)
def encoding(dice):
    return [b'OBJECT', b'ENCODING', key(dice)]
