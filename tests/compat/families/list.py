"""Lists. The blocking forms are here only where they do not block."""

from grammar import Family
from plan import Step

family = Family('list')
row = family.row


def key(dice):
    return dice.key('list')


def side(dice):
    return dice.word(dice.pick(['LEFT', 'RIGHT', 'LEFT', 'RIGHT', 'LEFT', 'RIGHT', 'UP']))


def element(dice):
    """Few values, so that LREM, LPOS and LINSERT find some."""
    return dice.pick([b'a', b'b', b'c', b'1', b'2', b'-300', b'', b'70000']) if dice.chance(0.7) else dice.value()


for _name in ('RPUSH', 'LPUSH', 'RPUSHX', 'LPUSHX'):
    @row(_name, weight=6 if _name[-1] == 'H' else 2)
    def push(dice, name=_name.encode()):
        return [name, key(dice), *dice.some(lambda: element(dice), 1, 5)]


for _name in ('LPOP', 'RPOP'):
    @row(_name, weight=4)
    def pop(dice, name=_name.encode()):
        return [name, key(dice), *([dice.number(-1, 5)] if dice.chance(0.4) else [])]


@row('RPUSH', weight=0.2, mutate=False)
def push_many(dice):
    """Beyond one node."""
    return [b'RPUSH', key(dice), *(b'element-%d' % number for number in range(dice.integer(100, 400)))]


@row('LLEN', weight=3)
def llen(dice):
    return [b'LLEN', key(dice)]


@row('LRANGE', weight=6)
def lrange(dice):
    return [b'LRANGE', key(dice), dice.index(), dice.index()]


@row('LINDEX', weight=4)
def lindex(dice):
    return [b'LINDEX', key(dice), dice.index()]


@row('LSET', weight=4)
def lset(dice):
    return [b'LSET', key(dice), dice.number(-6, 6), element(dice)]


@row('LINSERT', weight=4)
def linsert(dice):
    where = dice.word(dice.pick(['BEFORE', 'AFTER', 'BEFORE', 'AFTER', 'BEHIND']))
    return [b'LINSERT', key(dice), where, element(dice), element(dice)]


@row('LREM', weight=4)
def lrem(dice):
    return [b'LREM', key(dice), dice.number(-3, 3), element(dice)]


@row('LTRIM', weight=2)
def ltrim(dice):
    return [b'LTRIM', key(dice), dice.index(), dice.index()]


@row('LPOS', weight=5)
def lpos(dice):
    return [b'LPOS', key(dice), element(dice), *dice.options(
        lambda: [dice.word('RANK'), dice.number(-3, 3)],
        lambda: [dice.word('COUNT'), dice.number(-1, 5)],
        lambda: [dice.word('MAXLEN'), dice.number(-1, 10)], each=0.4)]


@row('LMOVE', weight=4)
def lmove(dice):
    return [b'LMOVE', key(dice), key(dice), side(dice), side(dice)]


@row('RPOPLPUSH', weight=2)
def rpoplpush(dice):
    return [b'RPOPLPUSH', key(dice), key(dice)]


def several_keys(dice):
    count = dice.integer(1, 3)
    return [count if dice.chance(0.9) else dice.number(-1, 4), *(key(dice) for _ in range(count))]


@row('LMPOP', weight=4)
def lmpop(dice):
    return [b'LMPOP', *several_keys(dice), side(dice), *dice.options(lambda: [dice.word('COUNT'), dice.number(-1, 4)])]


@row('BLPOP+RPUSH', weight=2, mutate=False)
def blocking_forms_with_something_there(dice):
    name = dice.key('free')
    command = dice.pick([
        [b'BLPOP', name, 1], [b'BRPOP', name, b'0.5'], [b'BLMOVE', name, name, b'LEFT', b'RIGHT', 1],
        [b'BRPOPLPUSH', name, name, 1], [b'BLMPOP', 1, 1, name, b'LEFT'], [b'BLPOP', name, b'-1'], [b'BLPOP', name, b'x'],
        [b'BLMPOP', b'x', 1, name, b'LEFT'], [b'BLPOP', name, b'1e400'], [b'BLPOP', name, b'']])
    return [Step([b'DEL', name]), Step([b'RPUSH', name, *dice.some(lambda: element(dice))]), Step(command)]


@row('DEL', weight=1)
def delete(dice):
    return [b'DEL', key(dice)]


@row('OBJECT|ENCODING', weight=2)
def encoding(dice):
    return [b'OBJECT', b'ENCODING', key(dice)]
