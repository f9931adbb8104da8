"""Lists: pushes and pops at both ends, ranges from the front."""

from rows import Fill, Held, Row, once

KEYS = 200_000
ELEMENTS = " ".join(f"item:{i}" for i in range(10))  # ten of six bytes

MANY = 100_000

ALL_GONE = (once("FLUSHALL"),)
MANY_OF_TEN = (once("FLUSHALL"), Fill(f"RPUSH list:__rand_int__ {ELEMENTS}", MANY))
EMPTY = (once("DEL list"),)
AS_LONG_AS_POPPED = (once("DEL list"), Fill("RPUSH list __data__"))
THOUSAND = (Fill("RPUSH list __data__", 1_000),)

ROWS = (
    Row("LPUSH", "LPUSH list __data__", before=EMPTY),
    Row("RPUSH", "RPUSH list __data__", before=EMPTY),
    Row("LPOP", "LPOP list", before=AS_LONG_AS_POPPED),
    Row("RPOP", "RPOP list", before=AS_LONG_AS_POPPED),
    Row("LPUSH in 100k lists", "LPUSH list:__rand_int__ __data__", before=ALL_GONE, numbers=MANY),
    Row("RPUSH in 100k lists", "RPUSH list:__rand_int__ __data__", before=ALL_GONE, numbers=MANY),
    Row("LPOP in 100k lists", "LPOP list:__rand_int__", before=MANY_OF_TEN, numbers=MANY),
    Row("RPOP in 100k lists", "RPOP list:__rand_int__", before=MANY_OF_TEN, numbers=MANY),
    Row("LRANGE of 100", "LRANGE list 0 99", prepare=THOUSAND, cost=10),
    Row("LRANGE of 300", "LRANGE list 0 299", prepare=THOUSAND, cost=30),
    Row("LRANGE of 600", "LRANGE list 0 599", prepare=THOUSAND, cost=60),
)

HELD = (
    Held("200,000 lists of 10 elements of 6 bytes", "list", KEYS, (Fill(f"RPUSH list:__rand_int__ {ELEMENTS}", KEYS),)),
)
