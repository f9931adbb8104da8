"""Sorted sets."""

from compare import shape
from dice import KEYS
from grammar import Family
from plan import ScanWalk, Step

family = Family('zset')
row = family.row

MEMBERS = [b'a', b'b', b'c', b'd', b'aa', b'ab', b'B', b'', b'1', b'10', b'\x00', b'\xff', b'long' * 20]
SCORE_BOUNDS = [b'-inf', b'+inf', b'inf', b'(1', b'(-1', b'1', b'-1.5', b'(2.5', b'0', b'(', b'x', b'', b'(inf', b'nan', b'1e2']
LEX_BOUNDS = [b'-', b'+', b'[a', b'(a', b'[b', b'(c', b'[', b'(', b'a', b'', b'[aa', b'[\xff', b'+x', b'-x']


def key(dice):
    return dice.key('zset')


def member(dice):
    return dice.pick(MEMBERS)


def score(dice):
    if dice.chance(0.6):
        return dice.integer(-5, 5)
    return dice.pick([b'1.5', b'-2.25', b'0.1', b'1e20', b'-1e-7', b'+inf', b'-inf', b'3.0', b'17179869184', b'1e400'])  \
        if dice.chance(0.8) else dice.float()


@row('ZADD', weight=12)
def zadd(dice):
    flags = dice.options(*(lambda flag=flag: [dice.word(flag)] for flag in ('NX', 'XX', 'GT', 'LT', 'CH', 'INCR')), each=0.12)
    pairs = [word for _ in range(dice.pick([1, 1, 1, 2, 3])) for word in (score(dice), member(dice))]
    return [b'ZADD', key(dice), *flags, *pairs]


@row('ZADD', weight=4, mutate=False)
def zadd_with_equal_scores(dice):
    return [b'ZADD', dice.pick(KEYS['lex']), *(word for name in dice.some(lambda: member(dice), 1, 4) for word in (0, name))]


@row('SET', weight=0.5, mutate=False)
def wrong_type(dice):
    return [b'SET', b'lex:string', b'no sorted set']


@row('ZREM', weight=1, mutate=False)
def zrem_with_equal_scores(dice):
    return [b'ZREM', dice.lex_key(), *dice.some(lambda: member(dice), 1, 3)]


@row('ZADD', weight=0.2, mutate=False)
def zadd_many(dice):
    """Beyond the compact form, with scores that meet."""
    return [b'ZADD', key(dice), *(word for number in range(dice.integer(100, 300))
                                  for word in (b'%d' % (number // 3), b'member-%d' % number))]


@row('ZINCRBY', weight=4)
def zincrby(dice):
    return [b'ZINCRBY', key(dice), score(dice), member(dice)]


@row('ZREM', weight=4)
def zrem(dice):
    return [b'ZREM', key(dice), *dice.some(lambda: member(dice), 1, 3)]


@row('ZCARD', weight=2)
def zcard(dice):
    return [b'ZCARD', key(dice)]


@row('ZSCORE', weight=3)
def zscore(dice):
    return [b'ZSCORE', key(dice), member(dice)]


@row('ZMSCORE', weight=3)
def zmscore(dice):
    return [b'ZMSCORE', key(dice), *dice.some(lambda: member(dice))]


# WITHSCORE of ZRANK came with 7.2.
for _name in ('ZRANK', 'ZREVRANK'):
    @row(_name, weight=3, mutate=False)
    def rank(dice, name=_name.encode()):
        return [name, key(dice), member(dice)]


def bound(dice):
    return dice.pick(SCORE_BOUNDS)


def lex_bound(dice):
    return dice.pick(LEX_BOUNDS)


def limit(dice):
    return [dice.word('LIMIT'), dice.number(-1, 3), dice.number(-1, 4)]


@row('ZCOUNT', weight=3)
def zcount(dice):
    return [b'ZCOUNT', key(dice), bound(dice), bound(dice)]


@row('ZLEXCOUNT', weight=2, kept_words=2)
def zlexcount(dice):
    return [b'ZLEXCOUNT', dice.lex_key(), lex_bound(dice), lex_bound(dice)]


def key_and_range(dice, store=False):
    kind = dice.pick(['index', 'score', 'lex'])
    name = dice.lex_key() if kind == 'lex' else key(dice)
    words = {
        'index': [dice.index(), dice.index()],
        'score': [bound(dice), bound(dice), dice.word('BYSCORE')],
        'lex': [lex_bound(dice), lex_bound(dice), dice.word('BYLEX')],
    }[kind]
    makers = [lambda: [dice.word('REV')]]
    if kind != 'index' or dice.chance(0.1):
        makers.append(lambda: limit(dice))
    if not store or dice.chance(0.05):
        makers.append(lambda: [dice.word('WITHSCORES')])
    return [name] + words[:2] + dice.options(*makers, each=0.4) + words[2:]


@row('ZRANGE', weight=8, kept_words=2)
def zrange(dice):
    return [b'ZRANGE', *key_and_range(dice)]


@row('ZRANGESTORE', weight=4, kept_words=3)
def zrangestore(dice):
    return [b'ZRANGESTORE', key(dice), *key_and_range(dice, store=True)]


@row('ZREVRANGE', weight=3)
def zrevrange(dice):
    return [b'ZREVRANGE', key(dice), dice.index(), dice.index(), *dice.options(lambda: [dice.word('WITHSCORES')])]


for _name in ('ZRANGEBYSCORE', 'ZREVRANGEBYSCORE'):
    @row(_name, weight=3)
    def range_by_score(dice, name=_name.encode()):
        return [name, key(dice), bound(dice), bound(dice),
                *dice.options(lambda: [dice.word('WITHSCORES')], lambda: limit(dice))]


for _name in ('ZRANGEBYLEX', 'ZREVRANGEBYLEX'):
    @row(_name, weight=2, kept_words=2)
    def range_by_lex(dice, name=_name.encode()):
        return [name, dice.lex_key(), lex_bound(dice), lex_bound(dice), *dice.options(lambda: limit(dice))]


@row('ZREMRANGEBYRANK', weight=1)
def zremrangebyrank(dice):
    return [b'ZREMRANGEBYRANK', key(dice), dice.index(), dice.index()]


@row('ZREMRANGEBYSCORE', weight=1)
def zremrangebyscore(dice):
    return [b'ZREMRANGEBYSCORE', key(dice), bound(dice), bound(dice)]


@row('ZREMRANGEBYLEX', weight=1, kept_words=2)
def zremrangebylex(dice):
    return [b'ZREMRANGEBYLEX', dice.lex_key(), lex_bound(dice), lex_bound(dice)]


for _name in ('ZPOPMIN', 'ZPOPMAX'):
    @row(_name, weight=3)
    def pop(dice, name=_name.encode()):
        return [name, key(dice), *([dice.number(-1, 3)] if dice.chance(0.4) else [])]


def several_keys(dice):
    count = dice.integer(1, 3)
    names = [key(dice) if dice.chance(0.9) else dice.key('set') for _ in range(count)]
    return count, [count if dice.chance(0.92) else dice.number(-1, 4), *names]


def combination(dice, with_scores=True):
    count, words = several_keys(dice)
    makers = [lambda: [dice.word('WEIGHTS'), *(score(dice) for _ in range(count))],
              lambda: [dice.word('AGGREGATE'), dice.word(dice.pick(['SUM', 'MIN', 'MAX', 'AVG']))]]
    if with_scores:
        makers.append(lambda: [dice.word('WITHSCORES')])
    return words + dice.options(*makers)


for _name in ('ZUNION', 'ZINTER'):
    @row(_name, weight=3)
    def combine(dice, name=_name.encode()):
        return [name, *combination(dice)]

    @row(_name + 'STORE', weight=3)
    def combine_and_store(dice, name=_name.encode() + b'STORE'):
        return [name, key(dice), *combination(dice, with_scores=False)]


@row('ZDIFF', weight=3)
def zdiff(dice):
    return [b'ZDIFF', *several_keys(dice)[1], *dice.options(lambda: [dice.word('WITHSCORES')])]


@row('ZDIFFSTORE', weight=2)
def zdiffstore(dice):
    return [b'ZDIFFSTORE', key(dice), *several_keys(dice)[1]]


@row('ZINTERCARD', weight=3)
def zintercard(dice):
    return [b'ZINTERCARD', *several_keys(dice)[1], *dice.options(lambda: [dice.word('LIMIT'), dice.number(-1, 3)])]


@row('ZMPOP', weight=3)
def zmpop(dice):
    return [b'ZMPOP', *several_keys(dice)[1], dice.word(dice.pick(['MIN', 'MAX', 'MIN', 'MAX', 'MID'])),
            *dice.options(lambda: [dice.word('COUNT'), dice.number(-1, 3)])]


@row('BZPOPMIN+ZADD', weight=1, mutate=False)
def blocking_forms_with_something_there(dice):
    name = dice.key('free')
    command = dice.pick([[b'BZPOPMIN', name, 1], [b'BZPOPMAX', name, b'0.5'], [b'BZMPOP', 1, 1, name, b'MIN'],
                         [b'BZPOPMIN', name, b'-1'], [b'BZPOPMIN', name, b'x']])
    return [Step([b'DEL', name]), Step([b'ZADD', name, dice.integer(-5, 5), b'a', 5, b'b']), Step(command)]


# Which members come is random; how many is not. Without mutation: a count of -4294967296 would be answered.
@row('ZRANDMEMBER', weight=2, compare=shape, mutate=False)
def zrandmember(dice):
    words = [b'ZRANDMEMBER', key(dice)]
    if dice.chance(0.7):
        words.append(dice.pick([0, 1, 3, 100, -1, -5, b'x', b'', b'-9223372036854775808', b'9223372036854775808']))
        words += dice.options(lambda: [dice.word('WITHSCORES')], lambda: [b'BAD'], each=0.2)
    return words


@row('ZSCAN', weight=1, mutate=False)
def zscan(dice):
    options = dice.options(lambda: [dice.word('MATCH'), dice.pick([b'*', b'a*', b'member-1*'])],
                           lambda: [dice.word('COUNT'), dice.pick([1, 10, 1000])])
    return [ScanWalk([b'ZSCAN', key(dice), b'CURSOR', *options], pair_size=2)]


@row('SADD', weight=1)
def sadd(dice):
    """ZUNION and its like take sets, too."""
    return [b'SADD', dice.key('set'), *dice.some(lambda: member(dice))]


@row('DEL', weight=1)
def delete(dice):
    return [b'DEL', key(dice)]


@row('OBJECT|ENCODING', weight=2)
def encoding(dice):
    return [b'OBJECT', b'ENCODING', key(dice)]


@row('CONFIG|SET', weight=0.3, mutate=False)
def thresholds(dice):
    """All commands with packed and with large forms, and across the conversion."""
    name, values = dice.pick([(b'zset-max-listpack-entries', [0, 1, 3, 128]), (b'zset-max-listpack-value', [0, 2, 64])])
    return [b'CONFIG', b'SET', name, dice.pick(values)]
