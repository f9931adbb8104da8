"""Several databases: choosing, swapping, moving, emptying."""

from compare import milliseconds_left
from grammar import Family
from plan import Step

family = Family('keyspace')
row = family.row


def flush_mode(dice):
    if dice.chance(0.6):
        return []
    return [dice.word(dice.pick(['ASYNC', 'SYNC', 'SYNC', 'ASYNC', 'NOW']))]


@row('SELECT', weight=6)
def select(dice):
    return [b'SELECT', dice.database() if dice.chance(0.9) else dice.number(-1, 16)]


@row('SWAPDB', weight=3)
def swapdb(dice):
    if dice.chance(0.8):
        return [b'SWAPDB', dice.database(), dice.database()]
    return [b'SWAPDB', dice.number(-1, 17), dice.number(-1, 17)]


@row('MOVE', weight=6)
def move(dice):
    return [b'MOVE', dice.any_key(), dice.database() if dice.chance(0.9) else dice.number(-1, 17)]


@row('DBSIZE', weight=4)
def dbsize(dice):
    return [b'DBSIZE']


@row('FLUSHDB', weight=0.7)
def flushdb(dice):
    return [b'FLUSHDB', *flush_mode(dice)]


@row('FLUSHALL', weight=0.3)
def flushall(dice):
    return [b'FLUSHALL', *flush_mode(dice)]


@row('SET', weight=8)
def set_(dice):
    words = [b'SET', dice.any_key(), dice.value()]
    return words + [b'EX', dice.seconds()] if dice.chance(0.3) else words


@row('GET', weight=4)
def get(dice):
    return [b'GET', dice.key('string')]


@row('COPY', weight=2)
def copy(dice):
    return [b'COPY', dice.any_key(), dice.any_key(), dice.word('DB'), dice.database(),
            *dice.options(lambda: [dice.word('REPLACE')])]


@row('EXISTS', weight=2)
def exists(dice):
    return [b'EXISTS', *dice.some(dice.any_key)]


@row('MOVE+PEXPIRETIME', weight=1, mutate=False)
def move_keeps_the_expiry(dice):
    name, database = dice.any_key(), dice.database()
    return [Step([b'SET', name, dice.value(), b'PXAT', 4_102_444_800_123]), Step([b'MOVE', name, database]),
            Step([b'SELECT', database]), Step([b'PEXPIRETIME', name], milliseconds_left)]
