"""Streams, with groups and consumers.

Ids are given, never made from the clock: `N-*` and `N-M` with small numbers. What is idle for long was made so by IDLE
or TIME and is then asked for with a time that is far from both.
"""

import functools

from compare import as_pairs, exact, is_error, shape
from dice import KEYS
from grammar import Family
from plan import Step

family = Family('stream')
row = family.row

# Nothing is ever removed from these, so that everything that is counted can be compared.
WHOLE_KEYS = [b'whole:%d' % number for number in range(3)]
GROUPS = [b'g1', b'g2', b'']
CONSUMERS = [b'alice', b'bob', b'']
FIELDS = [[b'a', b'b'], [b'a', b'b'], [b'a'], [b'temp', b'wind', b'rain'], [b'', b'\x00'], [b'1', b'-5', b'long' * 30]]
LONG_IDLE_MS = 100_000_000
BETWEEN_MS = 10_000_000

# Fields that the oracle lacks, and those that are a time or belong to its own tree.
NEWER = {b'active-time', b'inactive', b'nacked-count'}
INCOMPARABLE = {b'seen-time', b'idle', b'radix-tree-nodes'}
# What the oracle counts otherwise after a removal; it also keeps nodes of which nothing is left after a trim.
COUNTED = {b'lag', b'entries-read', b'max-deleted-entry-id', b'radix-tree-keys'}


def key(dice):
    return dice.pick(WHOLE_KEYS) if dice.chance(0.2) else dice.key('stream')


def loose_key(dice):
    return dice.key('stream')


def group(dice):
    return dice.pick(GROUPS) if dice.chance(0.97) else b'nobody'


def consumer(dice):
    return dice.pick(CONSUMERS)


def stream_id(dice):
    roll = dice.random.random()
    if roll < 0.75:
        return b'%d-%d' % (dice.integer(0, 12), dice.integer(0, 12))
    if roll < 0.93:
        return b'%d' % dice.integer(0, 14)
    return dice.pick([b'0-0', b'-', b'+', b'', b'1-', b'-1', b'x', b'1-x', b'18446744073709551615-18446744073709551615',
                      b'18446744073709551615', b'18446744073709551616', b'1-1-1', b'01-1', b' 1-1', b'1-+1', b'(1', b'1-*', b'$', b'>'])


def bound(dice):
    roll = dice.random.random()
    if roll < 0.3:
        return dice.pick([b'-', b'+'])
    return (b'(' if dice.chance(0.2) else b'') + stream_id(dice)


def new_id(dice):
    return b'%d-*' % dice.integer(0, 12) if dice.chance(0.7) else stream_id(dice)


def text(dice):
    return dice.value() if dice.chance(0.5) else b'%d' % dice.integer(-1000, 1000)


def fields(dice):
    names = dice.pick(FIELDS) if dice.chance(0.9) else dice.some(dice.field, 1, 5)
    return [word for name in names for word in (name, text(dice))]


def trim(dice):
    words = [dice.word('MAXLEN'), *dice.pick([[], [b'='], [b'~']]), dice.number(0, 30)] if dice.chance(0.6) else \
        [dice.word('MINID'), *dice.pick([[], [b'='], [b'~']]), stream_id(dice)]
    if dice.chance(0.2):
        words += [dice.word('LIMIT'), dice.number(0, 300)]
    return words


def without_times(comparable):
    """XINFO: maps by name, times left out. `comparable(name)` says which fields are compared."""

    def canonical(reply):
        pairs = as_pairs(reply)
        if pairs and all(name[0] == '$' for name, _ in pairs) and pairs[0][0][1] in (b'length', b'name'):
            return {name[1]: pending(value) if name[1] == b'pending' else canonical(value)
                    for name, value in pairs if name[1] not in NEWER and comparable(name[1])}
        if reply[0] == '*' and reply[1] is not None:
            return [canonical(item) for item in reply[1]]
        return reply

    def compare(kvick, oracle):
        if is_error(kvick) or is_error(oracle):
            return kvick == oracle
        return canonical(kvick) == canonical(oracle)

    return compare


def pending(reply):
    """[id, consumer, time, count] or [id, time, count], without the time."""
    if reply[0] != '*' or reply[1] is None:
        return reply
    return [item[1][:-2] + item[1][-1:] for item in reply[1]]


def pending_without_times(kvick, oracle):
    if is_error(kvick) or is_error(oracle) or kvick[1] is None or oracle[1] is None:
        return kvick == oracle
    return pending(kvick) == pending(oracle)


@functools.lru_cache(maxsize=None)
def info_rule(is_whole):
    return without_times(lambda name: name not in INCOMPARABLE and (is_whole or name not in COUNTED))


def info_step(words, name):
    return Step(words, info_rule(name in WHOLE_KEYS))


@row('XADD', weight=30)
def xadd(dice):
    return [b'XADD', key(dice), new_id(dice), *fields(dice)]


@row('XADD', weight=3, mutate=False)
def xadd_many(dice):
    """Several nodes, with fields that change now and then."""
    name = key(dice)
    same = fields(dice)
    return [Step([b'XADD', name, b'%d-*' % dice.integer(0, 3), *(same if dice.chance(0.95) else fields(dice))])
            for _ in range(dice.integer(20, 150))]


@row('XADD', weight=8)
def xadd_with_options(dice):
    options = dice.options(lambda: [dice.word('NOMKSTREAM')], lambda: trim(dice), each=0.6)
    return [b'XADD', loose_key(dice), *options, new_id(dice), *fields(dice)]


@row('XADD', weight=1, mutate=False)
def xadd_auto(dice):
    return [Step([b'XADD', b'clock', b'*', b'a', b'1'], shape), Step([b'XADD', b'clock', b'NOMKSTREAM', b'*', b'a', b'1'], shape),
            Step([b'XLEN', b'clock']), Step([b'XADD', b'clock', b'5-5', b'a', b'1']), Step([b'XREAD', b'STREAMS', b'clock', b'0'], shape),
            Step([b'DEL', b'clock'])]


@row('XTRIM', weight=5)
def xtrim(dice):
    return [b'XTRIM', loose_key(dice), *trim(dice)]


@row('XDEL', weight=8)
def xdel(dice):
    return [b'XDEL', loose_key(dice), *dice.some(lambda: stream_id(dice), 1, 4)]


@row('XLEN', weight=2)
def xlen(dice):
    return [b'XLEN', key(dice)]


def count(dice):
    return [dice.word('COUNT'), dice.number(-1, 12)]


@row('XRANGE', weight=8)
def xrange(dice):
    return [b'XRANGE', key(dice), bound(dice), bound(dice), *dice.options(lambda: count(dice))]


@row('XREVRANGE', weight=8)
def xrevrange(dice):
    return [b'XREVRANGE', key(dice), bound(dice), bound(dice), *dice.options(lambda: count(dice))]


@row('XREAD', weight=6)
def xread(dice):
    keys = dice.some(lambda: key(dice), 1, 3)
    ids = [stream_id(dice) if dice.chance(0.9) else b'$' for _ in keys]
    return [b'XREAD', *dice.options(lambda: count(dice)), dice.word('STREAMS'), *keys, *ids]


@row('XGROUP|CREATE', weight=6)
def xgroup_create(dice):
    options = dice.options(lambda: [dice.word('MKSTREAM')], each=0.6)
    return [b'XGROUP', b'CREATE', key(dice), group(dice), dice.pick([b'0', b'0-0', b'$', stream_id(dice)]), *options]


@row('XGROUP|CREATE', weight=8, mutate=False)
def xgroup_with_consumers(dice):
    """All consumers at once: newer servers make them sooner than the oracle does."""
    name, group_name = key(dice), group(dice)
    return [Step([b'XGROUP', b'CREATE', name, group_name, b'0']),
            *(Step([b'XGROUP', b'CREATECONSUMER', name, group_name, one]) for one in CONSUMERS)]


@row('XGROUP|SETID', weight=3)
def xgroup_setid(dice):
    return [b'XGROUP', b'SETID', loose_key(dice), group(dice), dice.pick([b'0', b'$', stream_id(dice)])]


@row('XGROUP|DESTROY', weight=1)
def xgroup_destroy(dice):
    return [b'XGROUP', b'DESTROY', key(dice), group(dice)]


@row('XGROUP|CREATECONSUMER', weight=2)
def xgroup_createconsumer(dice):
    return [b'XGROUP', b'CREATECONSUMER', key(dice), group(dice), consumer(dice)]


@row('XGROUP|DELCONSUMER', weight=2, mutate=False)
def xgroup_delconsumer(dice):
    words = [key(dice), group(dice), consumer(dice)]
    return [Step([b'XGROUP', b'DELCONSUMER', *words]), Step([b'XGROUP', b'CREATECONSUMER', *words])]


def as_consumer(dice, name, group_name, consumer_name, words, compare=exact):
    """A command that may make its consumer, when it is there already."""
    return [Step([b'XGROUP', b'CREATECONSUMER', name, group_name, consumer_name]), Step(words, compare)]


@row('XREADGROUP', weight=20, mutate=False)
def xreadgroup(dice):
    name, group_name, one = key(dice), group(dice), consumer(dice)
    options = dice.options(lambda: count(dice), lambda: [dice.word('NOACK')], each=0.5)
    after = b'>' if dice.chance(0.7) else stream_id(dice)
    words = [b'XREADGROUP', dice.word('GROUP'), group_name, one, *options, dice.word('STREAMS'), name, after]
    return as_consumer(dice, name, group_name, one, words)


@row('XREADGROUP', weight=2)
def xreadgroup_of_several(dice):
    keys = dice.some(lambda: key(dice), 1, 3)
    ids = [stream_id(dice) for _ in keys]
    return [b'XREADGROUP', b'GROUP', group(dice), consumer(dice), *dice.options(lambda: count(dice)), b'STREAMS', *keys, *ids]


@row('XACK', weight=8)
def xack(dice):
    return [b'XACK', key(dice), group(dice), *dice.some(lambda: stream_id(dice), 1, 5)]


@row('XPENDING', weight=4)
def xpending(dice):
    return [b'XPENDING', key(dice), group(dice)]


@row('XPENDING', weight=8, compare=pending_without_times)
def xpending_range(dice):
    idle = [dice.word('IDLE'), dice.pick([0, BETWEEN_MS, b'-1', b'x'])] if dice.chance(0.3) else []
    last = [consumer(dice)] if dice.chance(0.3) else []
    return [b'XPENDING', key(dice), group(dice), *idle, bound(dice), bound(dice), dice.number(-1, 10), *last]


def min_idle(dice):
    return dice.pick([0, 0, BETWEEN_MS, -5, b'x'] if dice.chance(0.1) else [0, BETWEEN_MS])


@row('XCLAIM', weight=12, mutate=False)
def xclaim(dice):
    name, group_name, one = key(dice), group(dice), consumer(dice)
    options = dice.options(lambda: [dice.word('FORCE')], lambda: [dice.word('JUSTID')],
                           lambda: [dice.word('IDLE'), dice.pick([0, LONG_IDLE_MS, LONG_IDLE_MS, -1, b'x'])],
                           lambda: [dice.word('TIME'), dice.pick([b'1000000000000', b'0', b'9223372036854775807', b'-1', b'x'])],
                           lambda: [dice.word('RETRYCOUNT'), dice.pick([0, 3, 7, -1, 5_000_000_000, 9223372036854770000, b'x'])],
                           lambda: [dice.word('LASTID'), stream_id(dice)], each=0.3)
    words = [b'XCLAIM', name, group_name, one, min_idle(dice), *dice.some(lambda: stream_id(dice), 1, 5), *options]
    return as_consumer(dice, name, group_name, one, words)


@row('XAUTOCLAIM', weight=8, mutate=False)
def xautoclaim(dice):
    name, group_name, one = key(dice), group(dice), consumer(dice)
    options = dice.options(lambda: [dice.word('COUNT'), dice.number(1, 4)], lambda: [dice.word('JUSTID')])
    words = [b'XAUTOCLAIM', name, group_name, one, min_idle(dice), bound(dice), *options]
    return as_consumer(dice, name, group_name, one, words)


@row('XINFO|STREAM', weight=6, mutate=False)
def xinfo_stream(dice):
    name = key(dice)
    full = [dice.word('FULL'), *dice.options(lambda: [dice.word('COUNT'), dice.number(-2, 12)], each=0.6)] \
        if dice.chance(0.7) else []
    return [info_step([b'XINFO', b'STREAM', name, *full], name)]


@row('XINFO|GROUPS', weight=4, mutate=False)
def xinfo_groups(dice):
    name = key(dice)
    return [info_step([b'XINFO', b'GROUPS', name], name)]


@row('XINFO|CONSUMERS', weight=3, mutate=False)
def xinfo_consumers(dice):
    name = key(dice)
    return [info_step([b'XINFO', b'CONSUMERS', name, group(dice)], name)]


@row('XINFO|STREAM', weight=1, compare=lambda kvick, oracle: is_error(kvick) == is_error(oracle))
def xinfo_words(dice):
    return [b'XINFO', dice.pick([b'STREAM', b'GROUPS', b'CONSUMERS']), loose_key(dice), *dice.options(lambda: [b'FULL'], lambda: [b'COUNT', b'x'])]


@row('XSETID', weight=3, mutate=False)
def xsetid(dice):
    """Once for each stream: newer servers refuse an id in front of one that was deleted."""
    options = dice.options(lambda: [dice.word('ENTRIESADDED'), dice.number(0, 5)],
                           lambda: [dice.word('MAXDELETEDID'), stream_id(dice)])
    name = b'setid'
    before = [Step([b'SET', name, b'text'])] if dice.chance(0.1) else []
    return [*before, *(Step([b'XADD', name, new_id(dice), b'a', b'1']) for _ in range(dice.integer(0, 3))),
            Step([b'XSETID', name, stream_id(dice), *options]), Step([b'XINFO', b'STREAM', name], info_rule(name == b'setid')),
            Step([b'XADD', name, b'NOMKSTREAM', new_id(dice), b'a', b'1']), Step([b'DEL', name])]


@row('DEL', weight=2)
def delete(dice):
    return [b'DEL', key(dice)]


@row('COPY', weight=1, mutate=False)
def copy(dice):
    """A copy is compared like what it was made of, groups included."""
    name = dice.pick(KEYS['stream'])
    return [Step([b'COPY', name, b'copied', b'REPLACE']), info_step([b'XINFO', b'STREAM', b'copied', b'FULL'], b'copied'),
            Step([b'DEL', b'copied'])]


@row('RENAME', weight=0.5, mutate=False)
def rename(dice):
    return [b'RENAME', dice.pick(KEYS['stream']), dice.pick(KEYS['stream'])]


@row('OBJECT|ENCODING', weight=0.5)
def encoding(dice):
    return [b'OBJECT', b'ENCODING', key(dice)]


@row('TYPE', weight=0.5)
def type_of(dice):
    return [b'TYPE', key(dice)]
