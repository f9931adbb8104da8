"""HyperLogLogs: dense ones, and small sparse ones."""

from rows import Fill, Row

DENSE = tuple(Fill(f"PFADD hll:{number} {number}:__rand_int__", 20_000) for number in range(16))

ROWS = (
    Row("PFADD", "PFADD hll:0 __rand_int__", prepare=DENSE[:1], numbers=10_000_000),
    Row("PFADD, 100,000 keys", "PFADD small:__rand_int__ element:__rand_int__", numbers=100_000),
    Row("PFCOUNT", "PFCOUNT hll:0", prepare=DENSE[:1]),
    Row("PFCOUNT of 2", "PFCOUNT hll:0 hll:1", prepare=DENSE[:2], cost=20),
    Row("PFMERGE of 16", "PFMERGE d " + " ".join(f"hll:{number}" for number in range(16)), prepare=DENSE, cost=50),
)
