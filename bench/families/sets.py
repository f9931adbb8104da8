"""Sets: members that come and go, and the intersection of two sets that share half their members."""

from rows import Fill, Held, Row, once

MEMBERS = 1_000_000
MEMBER = "memb__rand_int__"  # 16 bytes
MANY = 100_000

MILLION = (Fill(f"SADD set {MEMBER}", MEMBERS),)
# Half of the numbers below 20,000, which are about half of those below 10,000.
TWO_OF_TEN_THOUSAND = (Fill(f"SADD set:1 {MEMBER}", 10_000), Fill(f"SADD set:2 {MEMBER}", 10_000, numbers=20_000))

ROWS = (
    Row("SADD", f"SADD set {MEMBER}", before=(once("DEL set"),)),
    Row("SPOP", "SPOP set", before=(once("DEL set"), Fill(f"SADD set {MEMBER}"))),
    Row("SISMEMBER", f"SISMEMBER set {MEMBER}", prepare=MILLION, numbers=2 * MEMBERS),
    Row("SADD in 100k sets", "SADD set:__rand_int__ __data____rand_6__", before=(once("FLUSHALL"),), numbers=MANY),
    Row("SINTER of 10,000", "SINTER set:1 set:2", prepare=TWO_OF_TEN_THOUSAND, cost=1000),
    Row("SINTERCARD of 10,000", "SINTERCARD 2 set:1 set:2", prepare=TWO_OF_TEN_THOUSAND, cost=500),
)

HELD = (Held("set of 1 M members of 16 bytes", "member", MEMBERS, MILLION),)
