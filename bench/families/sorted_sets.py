"""Sorted sets: a million members with random scores."""

from rows import Fill, Held, Row, once

MEMBERS = 1_000_000
MEMBER = "memb__rand_int__"  # 16 bytes

# The members are the numbers below a million, the scores the same in another order.
MILLION = (Fill(f"ZADD zset __rand_int__ {MEMBER}", MEMBERS),)
AS_MANY_AS_POPPED = (once("DEL zset"), Fill(f"ZADD zset __rand_int__ {MEMBER}"))

ROWS = (
    Row("ZADD", f"ZADD zset __rand_int__ {MEMBER}", before=(once("DEL zset"),), cost=2),
    Row("ZRANGE 0 99 WITHSCORES", "ZRANGE zset 0 99 WITHSCORES", prepare=MILLION, cost=30),
    Row("ZRANK", f"ZRANK zset {MEMBER}", prepare=MILLION, cost=2),
    Row("ZINCRBY", f"ZINCRBY zset 1 {MEMBER}", prepare=MILLION, cost=2),
    Row("ZPOPMIN", "ZPOPMIN zset", before=AS_MANY_AS_POPPED),
)

HELD = (Held("sorted set of 1 M members of 16 bytes", "member", MEMBERS, MILLION),)
