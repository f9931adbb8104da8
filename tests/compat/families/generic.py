"""Commands on keys of any type: existence, names, expiry, encodings, iteration."""

from compare import milliseconds_left, same_kind, seconds_left, shape, unordered, within
from dice import KEYS, VALUES
from grammar import Family
from plan import Pause, ScanWalk, Step

family = Family('generic')
row = family.row

PATTERNS = [b'*', b'*:1', b'string:*', b'?tring:0', b'[sl]*', b'[^s]*', b'[a-l]*:[0-2]', b'\\*', b'', b'**', b'*\\', b'[',
            b'[a', b'[^', b'nothing', b'*\x00*', b'[z-a]*', b'str\\ing:*', b'*:*']


def key(dice):
    return dice.any_key() if dice.chance(0.95) else dice.key('free')


def new_key(dice):
    return dice.key('free') if dice.chance(0.3) else key(dice)


# Something to work on: one command a type, used where both servers have it.

@row('SET', weight=10)
def set_(dice):
    words = [b'SET', dice.key('string'), dice.value()]
    return words + [b'EX', dice.seconds()] if dice.chance(0.2) else words


@row('RPUSH', weight=2)
def rpush(dice):
    return [b'RPUSH', dice.key('list'), *dice.some(dice.value)]


@row('HSET', weight=2)
def hset(dice):
    return [b'HSET', dice.key('hash'), dice.field(), dice.value()]


@row('SADD', weight=2)
def sadd(dice):
    return [b'SADD', dice.key('set'), *dice.some(dice.value)]


@row('ZADD', weight=2)
def zadd(dice):
    return [b'ZADD', dice.key('zset'), dice.integer(-100, 100), dice.value()]


@row('XADD', weight=1, mutate=False)
def xadd(dice):
    return [b'XADD', dice.key('stream'), b'%d-1' % dice.integer(1, 1000), b'field', dice.value()]


@row('DEL', weight=3)
def delete(dice):
    return [b'DEL', *dice.some(lambda: key(dice), 1, 3)]


@row('UNLINK')
def unlink(dice):
    return [b'UNLINK', *dice.some(lambda: key(dice), 1, 3)]


@row('EXISTS', weight=3)
def exists(dice):
    return [b'EXISTS', *dice.some(lambda: key(dice))]


@row('TOUCH')
def touch(dice):
    return [b'TOUCH', *dice.some(lambda: key(dice))]


@row('TYPE', weight=3)
def type_(dice):
    return [b'TYPE', key(dice)]


@row('RENAME', weight=3)
def rename(dice):
    return [b'RENAME', key(dice), new_key(dice)]


@row('RENAMENX', weight=3)
def renamenx(dice):
    return [b'RENAMENX', key(dice), new_key(dice)]


@row('COPY', weight=4)
def copy(dice):
    options = dice.options(lambda: [dice.word('DB'), dice.number(0, 3)], lambda: [dice.word('REPLACE')],
                           lambda: [dice.word('DB')] if dice.chance(0.1) else [])
    return [b'COPY', key(dice), new_key(dice), *options]


@row('KEYS', weight=2, compare=unordered)
def keys(dice):
    return [b'KEYS', dice.pick(PATTERNS)]


@row('RANDOMKEY', weight=1, compare=shape)
def randomkey(dice):
    return [b'RANDOMKEY']


def scan_options(dice):
    return dice.options(
        lambda: [dice.word('MATCH'), dice.pick(PATTERNS)],
        lambda: [dice.word('COUNT'), dice.pick([1, 2, 10, 100, 1000])],
        lambda: [dice.word('TYPE'), dice.pick([b'string', b'list', b'hash', b'set', b'zset', b'stream'])])


@row('SCAN', weight=0.4, mutate=False)
def scan(dice):
    return [ScanWalk([b'SCAN', b'CURSOR', *scan_options(dice)])]


@row('SCAN', weight=1, mutate=False, compare=same_kind)
def scan_errors(dice):
    """Odd cursors, and what is refused. Pages of right ones are a matter of ScanWalk."""
    return [b'SCAN', *dice.pick([
        [], [b'abc'], [b''], [b'-1'], [b'18446744073709551616'], [b'0', b'COUNT'], [b'0', b'COUNT', b'0'],
        [b'0', b'COUNT', b'-5'], [b'0', b'COUNT', b'x'], [b'0', b'MATCH'], [b'0', b'NOVALUES'], [b'0', b'BAD', b'1'],
        [b'1x', b'COUNT', b'1'], [b' 0'], [b'0 '],
    ])]


def expire_flags(dice):
    return dice.options(*(lambda flag=flag: [dice.word(flag)] for flag in ('NX', 'XX', 'GT', 'LT')), each=0.15)


@row('EXPIRE', weight=4)
def expire(dice):
    return [b'EXPIRE', key(dice), dice.seconds(), *expire_flags(dice)]


@row('PEXPIRE', weight=4)
def pexpire(dice):
    return [b'PEXPIRE', key(dice), dice.milliseconds(), *expire_flags(dice)]


@row('EXPIREAT', weight=4)
def expireat(dice):
    return [b'EXPIREAT', key(dice), dice.timestamp(), *expire_flags(dice)]


@row('PEXPIREAT', weight=4)
def pexpireat(dice):
    return [b'PEXPIREAT', key(dice), dice.timestamp_ms(), *expire_flags(dice)]


@row('TTL', weight=2, compare=seconds_left)
def ttl(dice):
    return [b'TTL', key(dice)]


@row('PTTL', weight=2, compare=milliseconds_left)
def pttl(dice):
    return [b'PTTL', key(dice)]


@row('EXPIRETIME', weight=2, compare=seconds_left)
def expiretime(dice):
    return [b'EXPIRETIME', key(dice)]


@row('PEXPIRETIME', weight=2, compare=milliseconds_left)
def pexpiretime(dice):
    return [b'PEXPIRETIME', key(dice)]


@row('PERSIST', weight=2)
def persist(dice):
    return [b'PERSIST', key(dice)]


@row('PEXPIRE+EXISTS', weight=0.05, mutate=False)
def expiry_passes(dice):
    name = key(dice)
    read = dice.pick([[b'TYPE', name], [b'TTL', name], [b'RENAME', name, b'free:0'], [b'PERSIST', name],
                      [b'COPY', name, b'free:1'], [b'DEL', name], [b'OBJECT', b'ENCODING', name]])
    return [Step([b'PEXPIRE', name, 1]), Pause(0.01), Step(read), Step([b'EXISTS', name])]


@row('OBJECT|ENCODING', weight=3)
def object_encoding(dice):
    return [b'OBJECT', dice.word('ENCODING'), key(dice)]


# The count depends on which small numbers a server shares, an implementation's own affair.
@row('OBJECT|REFCOUNT', weight=1, compare=shape)
def object_refcount(dice):
    return [b'OBJECT', dice.word('REFCOUNT'), key(dice)]


@row('OBJECT|IDLETIME', weight=1, compare=within(3))
def object_idletime(dice):
    return [b'OBJECT', dice.word('IDLETIME'), key(dice)]


@row('OBJECT|FREQ', weight=1, compare=shape)
def object_freq(dice):
    return [b'OBJECT', dice.word('FREQ'), key(dice)]


@row('OBJECT', weight=0.5)
def object_errors(dice):
    return [b'OBJECT', *dice.pick([[], [b'BAD'], [b'ENCODING'], [b'FREQ', b'a', b'b'], [b'bad\r\nword', b'x']])]


@row('MEMORY|USAGE', weight=1, compare=shape)
def memory_usage(dice):
    return [b'MEMORY', dice.word('USAGE'), key(dice),
            *dice.options(lambda: [dice.word('SAMPLES'), dice.number(0, 5)])]


# The oracle takes a number that was too large for an earlier command for one of its own; parsing a cursor makes it
# forget. So a scan of nothing goes before each.
FORGET_RANGE_ERRORS = Step([b'SSCAN', b'sortable:none', b'0'])

# Elements that compare as equal may come in any order, and those of a set do when nothing sorts them. So BY goes
# without ALPHA (equal weights are then put in the order of the elements), and `nosort` with lists only.
@row('RPUSH+SADD+DEL', weight=1, mutate=False)
def make_something_sortable(dice):
    name = dice.pick(KEYS['sortable'])
    words = dice.some(lambda: dice.pick([value for value in VALUES if b'\0' not in value]), 1, 6)
    return [Step([b'DEL', name]), Step([dice.pick([b'RPUSH', b'SADD']), name, *words])]


@row('SORT', weight=2, mutate=False)
def sort(dice):
    by = [dice.word('BY'), b'string:*'] if dice.chance(0.2) else [dice.word('ALPHA')] if dice.chance(0.8) else []
    options = dice.options(
        lambda: [dice.word('LIMIT'), dice.number(-1, 3), dice.number(-1, 3)],
        lambda: [dice.word(dice.pick(['ASC', 'DESC']))],
        lambda: by,
        lambda: [dice.word('GET'), dice.pick([b'#', b'string:*', b'hash:*->f1'])],
        lambda: [dice.word('STORE'), dice.key('free')], each=0.4)
    # No sorted sets: the oracle unpacks them for good.
    if dice.chance(0.05):
        name = b'sortable:string'
        return [Step([b'SET', name, b'x']), FORGET_RANGE_ERRORS, Step([b'SORT', name, *options])]
    return [FORGET_RANGE_ERRORS, Step([b'SORT', dice.pick(KEYS['sortable']), *options])]


@row('SORT+RPUSH+DEL', weight=1, mutate=False)
def sort_of_a_list_without_sorting(dice):
    name = dice.key('free')
    options = dice.options(lambda: [dice.word('LIMIT'), dice.number(-1, 3), dice.number(-1, 3)],
                           lambda: [dice.word('DESC')], lambda: [dice.word('GET'), b'#'],
                           lambda: [dice.word('BY'), b'nosort'], lambda: [dice.word('BY'), b'constant'])
    return [Step([b'DEL', name]), Step([b'RPUSH', name, *dice.some(lambda: dice.integer(-20, 20), 1, 8)]),
            Step([b'SORT', name, *options, dice.word('BY'), b'nosort'])]


@row('DUMP', weight=1, compare=shape)
def dump(dice):
    return [b'DUMP', key(dice)]


@row('RESTORE', weight=1, mutate=False)
def restore_errors(dice):
    """Payloads that must be refused, on any server."""
    payload = dice.pick([b'', b'abc', b'\x00' * 9, b'\x00\x01a\x0a\x00' + b'\x01' * 8])
    options = dice.options(lambda: [dice.word('REPLACE')], lambda: [dice.word('ABSTTL')],
                           lambda: [dice.word('IDLETIME'), dice.number(-1, 5)],
                           lambda: [dice.word('FREQ'), dice.number(-1, 300)])
    return [b'RESTORE', key(dice), dice.pick([0, 0, -1, b'x', 100000]), payload, *options]
