"""Arrays of a million items. redis-server 7.0 has none."""

from rows import Fill, Held, Row

FILLED = Fill("ARSET array 1__rand_6__ value:__rand_6__", 1_000_000)

ROWS = (
    Row("ARSET", "ARSET array 1__rand_6__ value", prepare=(FILLED,), in_stock=False),
    Row("ARGET", "ARGET array 1__rand_6__", prepare=(FILLED,), in_stock=False),
    Row("ARINSERT", "ARINSERT log value:__rand_6__", in_stock=False),
    Row("ARRING of 1000", "ARRING ring 1000 value:__rand_6__", in_stock=False),
    Row("AROP SUM of 1000", "AROP numbers 0 999 SUM", prepare=(Fill("ARINSERT numbers 1__rand_6__", 1000),), cost=50,
        in_stock=False),
)
HELD = (Held("array of 1 M items", "item", 1_000_000, (FILLED,), in_stock=False),)
