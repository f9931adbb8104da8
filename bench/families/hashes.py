"""Hashes: one with a million fields, one with fifty, and many small ones."""

from rows import Fill, Held, Row, once

FIELDS = 1_000_000
FIELD = "fiel__rand_int__"  # 16 bytes
KEYS = 200_000
PERSON = 'name "Ada Lovelace" e-mail ada@example.com age 36 city London plan free'

MILLION = (Fill(f"HSET hash {FIELD} __data__", FIELDS),)
PERSONS = (Fill(f"HSET user:__rand_int__ {PERSON}", KEYS),)
FIFTY = (Fill("HSET hash field:__rand_int__ __data__", 50),)

ROWS = (
    Row("HSET", f"HSET hash {FIELD} __data__"),
    Row("HGET", f"HGET hash {FIELD}", prepare=MILLION),
    Row("HSET in 200k hashes", "HSET user:__rand_int__ age __rand_6__", prepare=PERSONS, numbers=KEYS),
    Row("HGET in 200k hashes", "HGET user:__rand_int__ city", prepare=PERSONS, numbers=KEYS),
    Row("HGETALL of 50", "HGETALL hash", prepare=FIFTY, cost=10),
    Row("HINCRBY", f"HINCRBY hash {FIELD} 1"),
)

HELD = (
    Held("hash of 1 M fields, 16 and 16 bytes", "field", FIELDS, MILLION),
    Held("200,000 hashes of 5 short fields", "hash", KEYS, PERSONS),
    Held(
        "200,000 compact hashes of the same",
        "hash",
        KEYS,
        (once("CONFIG SET hash-min-template-entries 5"), *PERSONS),
        in_stock=False,
    ),
)
