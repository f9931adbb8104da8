"""Geo: points in sorted sets.

No two members share a position: the order of equal distances is open where a COUNT cuts them off.
"""

from dice import KEYS, ODD_FLOATS
from grammar import Family
from plan import Step

family = Family('geo')
row = family.row

GEO_KEYS = [b'geo:%d' % number for number in range(4)]
# Where distances are stored. They are no cells, and as cells many are the same one: nothing searches here.
DISTANCE_KEYS = [b'distances:%d' % number for number in range(2)]
MEMBERS = [b'm%d' % number for number in range(60)] + [b'', b'10', b'-3', b'\x00\xff', b'long' * 20]
# Cities, the equator, the antimeridian and what is near the edges of the grid.
PLACES = [(13.361389, 38.115556), (15.087269, 37.502669), (0, 0), (2.35, 48.85), (-73.98, 40.75), (139.69, 35.68),
          (179.9, 1.5), (-179.9, 1.0), (179.95, -45.0), (-179.7, -45.2), (25.0, 66.5), (25.0, 71.0), (-25, -64.0)]
UNITS = ['m', 'km', 'ft', 'mi', 'km', 'km', 'km']


def key(dice):
    if dice.chance(0.9):
        return dice.pick(GEO_KEYS)
    return dice.key('zset') if dice.chance(0.3) else dice.any_key()


def member(dice):
    return dice.pick(MEMBERS)


def coordinate(value):
    return b'%.9g' % value


def place(dice):
    """Anywhere near one of the places; wide of it now and then."""
    longitude, latitude = dice.pick(PLACES)
    spread = dice.pick([0.001, 0.1, 1, 5, 20])
    longitude = (longitude + dice.random.uniform(-spread, spread) + 180) % 360 - 180
    latitude = min(max(latitude + dice.random.uniform(-spread, spread), -75), 75)
    return [coordinate(longitude), coordinate(latitude)]


def coordinates(dice):
    if dice.chance(0.96):
        return place(dice)
    # Not 180 and 85.05112878, the edges of the grid: what lies there the oracle finds only from the same edge, and from
    # there it leaves out what lies to the east.
    return [dice.pick(ODD_FLOATS + [b'179.999999', b'-180', b'181']), dice.pick(ODD_FLOATS + [b'85.0511287', b'86', b'-85'])]


def unit(dice):
    return dice.word(dice.pick(UNITS)) if dice.chance(0.97) else dice.pick([b'yd', b'', b'kmm'])


def size(dice):
    if dice.chance(0.05):
        return dice.pick(ODD_FLOATS)
    return dice.pick([0, 1, 10, 50, 100, 250, 400, 900]) if dice.chance(0.6) else b'%.3f' % dice.random.uniform(0, 1500)


def count(dice):
    words = [dice.word('COUNT'), dice.number(1, 12)]
    if dice.chance(0.4):
        words.append(dice.word('ANY'))
    return words


def shown(dice):
    return dice.options(lambda: [dice.word('WITHCOORD')], lambda: [dice.word('WITHDIST')], lambda: [dice.word('WITHHASH')])


def order(dice):
    return dice.options(lambda: [dice.word(dice.pick(['ASC', 'DESC']))], lambda: count(dice), each=0.4)


@row('GEOADD', weight=10)
def geoadd(dice):
    flags = dice.options(*(lambda flag=flag: [dice.word(flag)] for flag in ('NX', 'XX', 'CH')), each=0.12)
    points = [word for _ in range(dice.pick([1, 1, 2, 4])) for word in (*coordinates(dice), member(dice))]
    return [b'GEOADD', key(dice), *flags, *points]


@row('GEOADD', weight=0.3, mutate=False)
def geoadd_many(dice):
    """Beyond the compact form."""
    start = dice.integer(0, 1000)
    return [b'GEOADD', dice.pick(GEO_KEYS),
            *(word for number in range(start, start + 200) for word in (*place(dice), b'many:%d' % number))]


@row('GEODIST', weight=4)
def geodist(dice):
    return [b'GEODIST', key(dice), member(dice), member(dice), *([unit(dice)] if dice.chance(0.6) else [])]


@row('GEOHASH', weight=2)
def geohash(dice):
    return [b'GEOHASH', key(dice), *dice.some(lambda: member(dice), 0, 4)]


@row('GEOPOS', weight=2)
def geopos(dice):
    return [b'GEOPOS', key(dice), *dice.some(lambda: member(dice), 0, 4)]


def store(dice):
    if dice.chance(0.5):
        return [dice.word('STORE'), dice.pick(GEO_KEYS)]
    return [dice.word('STOREDIST'), dice.pick(DISTANCE_KEYS)]


@row('GEORADIUS', weight=3)
def georadius(dice):
    options = order(dice) + (store(dice) if dice.chance(0.25) else shown(dice))
    return [b'GEORADIUS', key(dice), *coordinates(dice), size(dice), unit(dice), *options]


@row('GEORADIUS_RO', weight=2)
def georadius_ro(dice):
    return [b'GEORADIUS_RO', key(dice), *coordinates(dice), size(dice), unit(dice), *order(dice), *shown(dice)]


@row('GEORADIUSBYMEMBER', weight=3)
def georadiusbymember(dice):
    options = order(dice) + (store(dice) if dice.chance(0.25) else shown(dice))
    return [b'GEORADIUSBYMEMBER', key(dice), member(dice), size(dice), unit(dice), *options]


@row('GEORADIUSBYMEMBER_RO', weight=2)
def georadiusbymember_ro(dice):
    return [b'GEORADIUSBYMEMBER_RO', key(dice), member(dice), size(dice), unit(dice), *order(dice), *shown(dice)]


def area(dice):
    center = [dice.word('FROMMEMBER'), member(dice)] if dice.chance(0.4) else [dice.word('FROMLONLAT'), *coordinates(dice)]
    if dice.chance(0.5):
        shape = [dice.word('BYRADIUS'), size(dice), unit(dice)]
    else:
        shape = [dice.word('BYBOX'), size(dice), size(dice), unit(dice)]
    parts = dice.shuffled([center, shape])
    if dice.chance(0.04):
        parts.append(dice.pick(parts))
    if dice.chance(0.03):
        parts.pop()
    return [word for part in parts for word in part]


@row('GEOSEARCH', weight=10)
def geosearch(dice):
    return [b'GEOSEARCH', key(dice), *area(dice), *order(dice), *shown(dice)]


@row('GEOSEARCHSTORE', weight=4)
def geosearchstore(dice):
    if dice.chance(0.6):
        return [b'GEOSEARCHSTORE', dice.pick(GEO_KEYS + KEYS['free']), key(dice), *area(dice), *order(dice)]
    return [b'GEOSEARCHSTORE', dice.pick(DISTANCE_KEYS), key(dice), *area(dice), *order(dice), dice.word('STOREDIST')]


@row('ZRANGE', weight=1, mutate=False)
def distances(dice):
    return [b'ZRANGE', dice.pick(DISTANCE_KEYS), 0, -1, b'WITHSCORES']


@row('GEOADD+ZRANGE', weight=2, mutate=False)
def cells(dice):
    name = dice.pick(GEO_KEYS)
    return [Step([b'GEOADD', name, *place(dice), member(dice)]), Step([b'ZRANGE', name, 0, -1, b'WITHSCORES'])]


@row('ZREM', weight=3, mutate=False)
def zrem(dice):
    return [b'ZREM', dice.pick(GEO_KEYS), *dice.some(lambda: member(dice), 1, 5)]


@row('ZADD+GEOPOS+GEOHASH+GEODIST', weight=0.5, mutate=False)
def scores_that_are_no_cells(dice):
    """Not searched: some lie on the edges of the grid, where the oracle finds only what lies on the same one."""
    score = dice.pick([b'-5', b'1.5', b'1e300', b'-inf', b'inf', b'4503599627370496', b'9007199254740992', b'3.9e15'])
    name, other = b'scores', dice.pick([b'a', b'b'])
    return [Step([b'ZADD', name, score, b'a', dice.integer(0, 1 << 52), b'b']), Step([b'GEOPOS', name, b'a', b'b']),
            Step([b'GEOHASH', name, b'a', b'b']), Step([b'GEODIST', name, b'a', other])]


@row('DEL', weight=0.5)
def delete(dice):
    return [b'DEL', dice.pick(GEO_KEYS)]
