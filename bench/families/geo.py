"""Geo: 100,000 points between 0 and 10 degrees east, 40 and 50 degrees north."""

from rows import Fill, Row

POINTS = Fill("GEOADD points 0.__rand_6__e1 4.__rand_6__e1 point:__rand_int__", 100_000, numbers=1_000_000)

ROWS = (
    Row("GEOADD", "GEOADD points 0.__rand_6__e1 4.5e1 point:__rand_6__", prepare=(POINTS,), numbers=100_000),
    Row("GEODIST", "GEODIST points point:__rand_int__ point:000000000000", prepare=(POINTS,), numbers=100_000),
    Row("GEOSEARCH 100 km", "GEOSEARCH points FROMLONLAT 5 45 BYRADIUS 100 km", prepare=(POINTS,), cost=500),
    Row("GEOSEARCH 100 km, 10 nearest", "GEOSEARCH points FROMLONLAT 5 45 BYRADIUS 100 km ASC COUNT 10 WITHDIST",
        prepare=(POINTS,), cost=500),
)
