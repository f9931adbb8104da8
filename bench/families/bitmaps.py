"""Bitmaps: one large one, many small ones, and what reads all of eight."""

from rows import Fill, Row, once

MEBIBYTE = 1 << 20
EIGHT = tuple(Fill(f"SET bits:{number} __data__", 1, data_bytes=MEBIBYTE) for number in range(8))

ROWS = (
    Row("SETBIT", "SETBIT bits 1__rand_6__ 1", prepare=(once("SETBIT bits 8388607 1"),)),
    Row("SETBIT in 1 M keys", "SETBIT key:__rand_int__ 100 1", prepare=(Fill("SETBIT key:__rand_int__ 100 0", 1_000_000),)),
    Row("GETBIT", "GETBIT bits 1__rand_6__", prepare=(once("SETBIT bits 8388607 1"),)),
    Row("GETBIT in 1 M keys", "GETBIT key:__rand_int__ 100", prepare=(Fill("SETBIT key:__rand_int__ 100 0", 1_000_000),)),
    Row("BITCOUNT of 1 MiB", "BITCOUNT bits:0", prepare=EIGHT, cost=50),
    Row("BITPOS behind 1 MiB", "BITPOS bits 1", prepare=(once("SETBIT bits 8388607 1"),), cost=50),
    Row("BITOP of 8 × 1 MiB", "BITOP OR d " + " ".join(f"bits:{number}" for number in range(8)), prepare=EIGHT, cost=500),
    Row("BITFIELD", "BITFIELD fields INCRBY u16 1__rand_6__ 1",
        prepare=(once("SETBIT fields 16777215 1"),)),
)
