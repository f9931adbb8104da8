"""Where a family's rows get their keys, values, numbers and words from. One seed, one sequence.

The pools are small on purpose: keys meet other keys, values repeat, and the odd ones come often.
"""

import random

# One pool of names a type. A row asks for its own type and now and then gets a key of another, which is how
# wrong-type errors come about; `free` keys start out absent and take whatever lands in them.
KEY_KINDS = ('string', 'list', 'hash', 'set', 'zset', 'stream', 'bitmap', 'hll', 'free')
KEYS = {kind: [b'%s:%d' % (kind.encode(), number) for number in range(4)] for kind in KEY_KINDS}
# Sorted sets of equal scores. Not among the kinds, so that nothing else gets at them: ranges by name mean nothing when
# the scores differ, and then the answer depends on how the tree was built.
KEYS['lex'] = [b'lex:%d' % number for number in range(3)]
# Lists and sets of text without NUL: SORT compares C strings, and where two are equal for it the order is open.
KEYS['sortable'] = [b'sortable:%d' % number for number in range(3)]
ODD_KEYS = [b'', b'\x00\xff\r\n', b'key with space', b'{tag}a', b'*', b'a' * 200]

INT64_MAX = 9223372036854775807
INT64_MIN = -9223372036854775808

ODD_INTEGERS = [
    b'0', b'-0', b'1', b'-1', b'+1', b'01', b'00', b' 1', b'1 ', b'', b'-', b'+', b'1.0', b'1e3', b'0x10', b'abc',
    b'9223372036854775807', b'-9223372036854775808', b'9223372036854775808', b'-9223372036854775809',
    b'18446744073709551615', b'18446744073709551616', b'4294967296', b'-4294967296', b'1\x00', b'\xff',
    b'99999999999999999999999999999999', b'nan', b'inf', b'-9223372036854775807', b'9223372036854775806',
]
ODD_FLOATS = [
    b'0', b'-0', b'0.0', b'-0.0', b'1', b'-1', b'1.5', b'-2.25', b'3.0', b'1e3', b'1e-3', b'1E5', b'.5', b'5.', b'-.5',
    b'0.1', b'0.2', b'3.141592653589793238462643', b'1e308', b'-1e308', b'1e309', b'1e-320', b'1e4000', b'1e5000',
    b'inf', b'-inf', b'+inf', b'Infinity', b'nan', b'NaN', b'-nan', b'', b' 1', b'1 ', b'abc', b'0x10', b'0x1p3', b'1e',
    b'9007199254740993', b'9223372036854775807', b'17179869184', b'1\x002', b'5.0e3', b'100000000000000000000',
]
VALUES = [
    b'', b'a', b'b', b'hello', b'Hello World', b'0', b'1', b'-1', b'10', b'42', b'007', b'3.5', b'10.50', b'1e2',
    b'9223372036854775807', b'-9223372036854775808', b'9223372036854775808', b' 12', b'12 ', b'\x00', b'\x00\x01\x02',
    b'\xff\xfe\xfd', b'\r\n', b'"quoted"', b"'single'", b'\\x41', b'na\xc3\xafve', b'x' * 43, b'x' * 44, b'x' * 45,
    b'y' * 63, b'y' * 64, b'y' * 65, b'z' * 300, b'inf', b'nan', b'ohmytext', b'mynewtext', b'aaaaaaaaaa',
]
FIELDS = [b'f%d' % number for number in range(8)] + [b'', b'10', b'-3', b'\x00\xff', b'long' * 20]


class Dice:
    """`has_command(name)` tells what both servers have, for rows that use commands as arguments."""

    def __init__(self, seed, has_command=lambda name: True):
        self.random = random.Random(seed)
        self.has_command = has_command

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, choices):
        return choices[int(self.random.random() * len(choices))]

    def integer(self, low, high):
        """Between low and high, both included."""
        return self.random.randint(low, high)

    def some(self, make, low=1, high=4):
        """A list of low to high results of make()."""
        return [make() for _ in range(self.integer(low, high))]

    # Keys

    def key(self, kind):
        roll = self.random.random()
        if roll < 0.82:
            return self.pick(KEYS[kind])
        if roll < 0.90:
            return self.pick(KEYS['free'])
        if roll < 0.98:
            return self.any_key()
        return self.pick(ODD_KEYS)

    def lex_key(self):
        return self.pick(KEYS['lex']) if self.chance(0.95) else b'lex:string'

    def any_key(self):
        return self.pick(KEYS[self.pick(KEY_KINDS)])

    def database(self):
        return self.pick([0, 0, 0, 1, 1, 2, 3])

    # Values

    def value(self):
        if self.chance(0.9):
            return self.pick(VALUES)
        if self.chance(0.9):
            return self.random.randbytes(self.integer(1, 80))
        return self.random.randbytes(self.integer(1000, 5000))

    def field(self):
        return self.pick(FIELDS)

    def number(self, low=-20, high=20):
        """A number a command expects, seldom an odd one."""
        return self.integer(low, high) if self.chance(0.85) else self.pick(ODD_INTEGERS)

    def float(self):
        if self.chance(0.5):
            return self.pick(ODD_FLOATS)
        return b'%.*f' % (self.integer(0, 17), self.random.uniform(-1000, 1000))

    def index(self):
        """A position in a value: small, negative, or far outside."""
        return self.number(-12, 12)

    # Time. A relative time that is near would expire on one server and not yet on the other, and two equal ones make
    # GT and LT depend on the millisecond. So: far away, and hardly ever the same twice; or in the past.

    def seconds(self):
        if self.chance(0.85):
            return self.integer(100, 10_000_000) * 10
        return self.pick([0, -1, -1000] + ODD_TIMES)

    def milliseconds(self):
        if self.chance(0.85):
            return self.integer(100, 10_000_000) * 10_000
        return self.pick([0, -1, -100000] + ODD_TIMES)

    def timestamp(self):
        """Seconds since 1970 in the next century; a past one now and then, or an odd one."""
        if self.chance(0.85):
            return 4_102_444_800 + self.integer(0, 10_000_000)
        return self.pick([0, 1, -1, 1_000_000_000] + ODD_TIMES)

    def timestamp_ms(self):
        if self.chance(0.85):
            return 4_102_444_800_000 + self.integer(0, 10_000_000_000)
        return self.pick([0, 1, -1, 1_000_000_000_000] + ODD_TIMES)

    # Words

    def word(self, text):
        """A keyword in one of the spellings that must all be understood."""
        roll = self.random.random()
        if roll < 0.6:
            return text.encode()
        if roll < 0.9:
            return text.lower().encode()
        return text.swapcase().encode() if roll < 0.95 else text.capitalize().encode()

    def shuffled(self, items):
        items = list(items)
        self.random.shuffle(items)
        return items

    def options(self, *makers, each=0.3):
        """Some of the options in any order, flattened. A maker returns a list of words."""
        chosen = [maker() for maker in makers if self.chance(each)]
        if chosen and self.chance(0.03):
            chosen.append(self.pick(chosen))
        return [word for option in self.shuffled(chosen) for word in option]


# None of these is a small positive number: see the remark about time above.
ODD_TIMES = [
    b'9223372036854775807', b'-9223372036854775808', b'9223372036854775', b'9223372036854776', b'9223370000000000',
    b'9223372036854775808', b'abc', b'', b'1.5', b' 100', b'1e9', b'nan',
]
