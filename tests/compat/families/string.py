"""Strings: every string command of 7.0 with all its options."""

from dice import ODD_INTEGERS
from grammar import Family
from plan import Pause, Step

family = Family('string')
row = family.row


def key(dice):
    return dice.key('string')


# Offsets of SETRANGE: near, and beyond the limit. Nothing between, because that would allocate it.
SETRANGE_OFFSETS = [0, 1, 3, 10, 50, 300, 2000, -1, 536870912, 536870911000] + ODD_INTEGERS


def expiry_options(dice):
    makers = [
        lambda: [dice.word('EX'), dice.seconds()],
        lambda: [dice.word('PX'), dice.milliseconds()],
        lambda: [dice.word('EXAT'), dice.timestamp()],
        lambda: [dice.word('PXAT'), dice.timestamp_ms()],
        lambda: [dice.word(dice.pick(['EX', 'PX', 'EXAT', 'PXAT']))],
    ]
    weights = [4, 4, 3, 3, 1]
    return dice.random.choices(makers, weights)[0]()


@row('SET', weight=14)
def set_(dice):
    options = dice.options(
        lambda: expiry_options(dice),
        lambda: [dice.word('NX')],
        lambda: [dice.word('XX')],
        lambda: [dice.word('GET')],
        lambda: [dice.word('KEEPTTL')],
        each=0.18)
    return [b'SET', key(dice), dice.value(), *options]


@row('GET', weight=8)
def get(dice):
    return [b'GET', key(dice)]


@row('GETSET')
def getset(dice):
    return [b'GETSET', key(dice), dice.value()]


@row('GETDEL')
def getdel(dice):
    return [b'GETDEL', key(dice)]


@row('GETEX', weight=4)
def getex(dice):
    options = dice.options(lambda: expiry_options(dice), lambda: [dice.word('PERSIST')], each=0.45)
    return [b'GETEX', key(dice), *options]


@row('SETNX')
def setnx(dice):
    return [b'SETNX', key(dice), dice.value()]


@row('SETEX')
def setex(dice):
    return [b'SETEX', key(dice), dice.seconds(), dice.value()]


@row('PSETEX')
def psetex(dice):
    return [b'PSETEX', key(dice), dice.milliseconds(), dice.value()]


@row('APPEND', weight=4)
def append(dice):
    return [b'APPEND', key(dice), dice.value()]


@row('STRLEN')
def strlen(dice):
    return [b'STRLEN', key(dice)]


@row('GETRANGE', weight=4)
def getrange(dice):
    return [b'GETRANGE', key(dice), dice.index(), dice.index()]


@row('SUBSTR', weight=1)
def substr(dice):
    return [b'SUBSTR', key(dice), dice.index(), dice.index()]


@row('SETRANGE', weight=4)
def setrange(dice):
    return [b'SETRANGE', key(dice), dice.pick(SETRANGE_OFFSETS), dice.value()]


@row('MGET', weight=3)
def mget(dice):
    return [b'MGET', *dice.some(lambda: key(dice))]


def keys_and_values(dice):
    words = [word for _ in range(dice.integer(1, 4)) for word in (key(dice), dice.value())]
    return words[:-1] if dice.chance(0.04) else words


@row('MSET', weight=3)
def mset(dice):
    return [b'MSET', *keys_and_values(dice)]


@row('MSETNX')
def msetnx(dice):
    return [b'MSETNX', *keys_and_values(dice)]


@row('INCR', weight=3)
def incr(dice):
    return [b'INCR', key(dice)]


@row('DECR', weight=3)
def decr(dice):
    return [b'DECR', key(dice)]


@row('INCRBY', weight=3)
def incrby(dice):
    return [b'INCRBY', key(dice), dice.number()]


@row('DECRBY', weight=3)
def decrby(dice):
    return [b'DECRBY', key(dice), dice.number()]


@row('INCRBYFLOAT', weight=4)
def incrbyfloat(dice):
    return [b'INCRBYFLOAT', key(dice), dice.float()]


@row('SET+INCRBYFLOAT', weight=3)
def incrbyfloat_of_a_number(dice):
    """The value is a number here, which a random key seldom holds."""
    name = key(dice)
    return [Step([b'SET', name, dice.float()]), Step([b'INCRBYFLOAT', name, dice.float()]), Step([b'GET', name])]


@row('SET+INCR', weight=2)
def counters_at_their_ends(dice):
    name = key(dice)
    start = dice.pick(ODD_INTEGERS + [dice.number(-10**18, 10**18)])
    command = dice.pick([[b'INCR', name], [b'DECR', name]])
    return [Step([b'SET', name, start]), Step(command), Step([b'GET', name])]


@row('LCS', weight=3)
def lcs(dice):
    options = dice.options(
        lambda: [dice.word('LEN')],
        lambda: [dice.word('IDX')],
        lambda: [dice.word('MINMATCHLEN'), dice.number(-1, 5)],
        lambda: [dice.word('WITHMATCHLEN')],
        each=0.4)
    return [b'LCS', key(dice), key(dice), *options]


@row('PSETEX+GET+EXISTS', weight=0.05, mutate=False)
def expiry_passes(dice):
    """A key that really expires. EXISTS removes it on both sides, so that DBSIZE agrees afterwards."""
    name = key(dice)
    return [Step([b'PSETEX', name, 1, dice.value()]), Pause(0.01), Step([dice.pick([b'GET', b'EXISTS']), name]),
            Step([b'EXISTS', name])]
