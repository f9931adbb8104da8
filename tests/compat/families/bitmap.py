"""Bitmaps: bits of strings, and BITFIELD."""

from dice import ODD_INTEGERS
from grammar import Family

family = Family('bitmap')
row = family.row

# Near bits, and those beyond the limit; between them a SETBIT would allocate up to 512 MiB.
OFFSETS = [0, 1, 2, 7, 8, 9, 63, 64, 100, 1000, -1, 4294967296, 4294967296000] + ODD_INTEGERS
TYPES = [b'u1', b'u8', b'i8', b'u5', b'i16', b'u31', b'i32', b'u63', b'i64', b'i1', b'u64', b'i65', b'u0', b'x8', b'',
         b'U8', b'u', b'i-1', b'u8x']


def key(dice):
    return dice.key('string') if dice.chance(0.3) else dice.key('bitmap')


def bit(dice):
    return dice.pick([0, 1, 0, 1, 0, 1, 2, b'x', b''])


def unit(dice):
    return dice.word(dice.pick(['BYTE', 'BIT', 'BYTE', 'BIT', 'BITS']))


@row('SETBIT', weight=8)
def setbit(dice):
    return [b'SETBIT', key(dice), dice.pick(OFFSETS), bit(dice)]


@row('GETBIT', weight=4)
def getbit(dice):
    return [b'GETBIT', key(dice), dice.pick(OFFSETS)]


@row('BITCOUNT', weight=6)
def bitcount(dice):
    words = [b'BITCOUNT', key(dice)]
    if dice.chance(0.75):
        words += [dice.index(), dice.index()]
        if dice.chance(0.5):
            words.append(unit(dice))
    return words


@row('BITPOS', weight=6)
def bitpos(dice):
    words = [b'BITPOS', key(dice), bit(dice)]
    if dice.chance(0.7):
        words.append(dice.index())
        if dice.chance(0.6):
            words.append(dice.index())
            if dice.chance(0.5):
                words.append(unit(dice))
    return words


@row('BITOP', weight=5)
def bitop(dice):
    operation = dice.word(dice.pick(['AND', 'OR', 'XOR', 'NOT', 'AND', 'OR', 'XOR', 'NOT', 'NAND']))
    return [b'BITOP', operation, key(dice), *dice.some(lambda: key(dice), 1, 3)]


def field_type(dice):
    return dice.pick(TYPES[:9] if dice.chance(0.9) else TYPES)


def field_offset(dice):
    """Offsets stay small, because `u64 #33554432` is a string of 256 MiB; errors come from the odd ones."""
    offset = str(dice.integer(0, 200)).encode() if dice.chance(0.9) else dice.pick([b'-1', b'abc', b'', b'#', b'#-1'])
    return b'#' + offset if dice.chance(0.3) else offset


def field_value(dice):
    return dice.number(-300, 300)


def field_operation(dice):
    kind = dice.pick(['GET', 'GET', 'SET', 'SET', 'INCRBY', 'INCRBY', 'OVERFLOW', 'odd'])
    if kind == 'GET':
        return [dice.word('GET'), field_type(dice), field_offset(dice)]
    if kind == 'OVERFLOW':
        return [dice.word('OVERFLOW'), dice.word(dice.pick(['WRAP', 'SAT', 'FAIL', 'WRAP', 'SAT', 'FAIL', 'NONE']))]
    if kind == 'odd':
        return dice.pick([[b'GET', b'u8'], [b'MUL', b'u8', b'0', b'2'], []])
    return [dice.word(kind), field_type(dice), field_offset(dice), field_value(dice)]


@row('BITFIELD', weight=8, mutate=False)
def bitfield(dice):
    words = [b'BITFIELD', key(dice)]
    for _ in range(dice.integer(0, 5)):
        words += field_operation(dice)
    return words


@row('BITFIELD_RO', weight=3, mutate=False)
def bitfield_ro(dice):
    words = [b'BITFIELD_RO', key(dice)]
    for _ in range(dice.integer(0, 3)):
        words += [dice.word('GET'), field_type(dice), field_offset(dice)] if dice.chance(0.9) else field_operation(dice)
    return words


@row('GET', weight=3)
def get(dice):
    return [b'GET', key(dice)]


@row('SET', weight=2)
def set_(dice):
    return [b'SET', key(dice), dice.value()]
