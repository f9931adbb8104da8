"""Streams: adding, reading by ids and as a consumer, acknowledging; what entries and pending ones occupy."""

from rows import Fill, Held, Row, once

ENTRY = "XADD stream * sensor 1234 temperature 19.8"
FIVE_FIELDS = "name sensor-1 temperature 21 humidity 55 pressure 1013 station __data__"

EMPTY = (once("DEL stream"),)
THOUSAND = (Fill(ENTRY, 1_000),)
# Of a group that has read nothing, and of one whose consumer has everything pending.
UNREAD = (once("DEL stream"), Fill(ENTRY), once("XGROUP CREATE stream group 0"))
# Ids that a request can name by its number, all of them pending.
PENDING = (once("DEL stream"), Fill("XADD stream 0-* sensor 1234 temperature 19.8"), once("XGROUP CREATE stream group 0"),
           once("XREADGROUP GROUP group consumer COUNT 1000000000 STREAMS stream >"))  # fmt: skip

ROWS = (
    Row("XADD", ENTRY, before=EMPTY),
    Row("XADD MAXLEN ~ 1000", "XADD stream MAXLEN ~ 1000 * sensor 1234 temperature 19.8", before=EMPTY),
    Row("XADD of 5 fields", f"XADD stream * {FIVE_FIELDS}", before=EMPTY),
    Row("XREAD COUNT 100", "XREAD COUNT 100 STREAMS stream 0", prepare=THOUSAND, cost=20),
    Row("XRANGE COUNT 100", "XRANGE stream - + COUNT 100", prepare=THOUSAND, cost=20),
    Row("XREVRANGE COUNT 100", "XREVRANGE stream + - COUNT 100", prepare=THOUSAND, cost=20),
    Row("XREADGROUP COUNT 1", "XREADGROUP GROUP group consumer COUNT 1 STREAMS stream >", before=UNREAD, cost=2),
    Row("XREADGROUP COUNT 10", "XREADGROUP GROUP group consumer COUNT 10 STREAMS stream >", before=UNREAD, cost=10),
    Row("XACK", "XACK stream group 0-__rand_int__", before=PENDING, in_order=True),
    Row("XLEN", "XLEN stream", prepare=THOUSAND),
)

HELD = (
    Held("stream of 1 M entries of 5 fields", "entry", 1_000_000,
         (Fill(f"XADD stream * {FIVE_FIELDS}", 1_000_000),)),
    Held("10,000 pending entries in each of 10 groups", "pending entry", 100_000,
         (Fill("XADD stream * a 1", 10_000),
          *(once(f"XGROUP CREATE stream group:{i} 0") for i in range(10)),
          *(Fill(f"XREADGROUP GROUP group:{i} consumer COUNT 100 STREAMS stream >", 100) for i in range(10)))),
)  # fmt: skip
