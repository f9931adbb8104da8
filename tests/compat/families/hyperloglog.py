"""HyperLogLog. The registers are part of the data format, so the estimates must be equal, not only near."""

from grammar import Family
from plan import Step

family = Family('hyperloglog')
row = family.row


def key(dice):
    return dice.key('hll')


@row('PFADD', weight=8)
def pfadd(dice):
    return [b'PFADD', key(dice), *dice.some(dice.value, 0, 6)]


@row('PFADD', weight=0.3, mutate=False)
def pfadd_many(dice):
    """Enough elements to leave the sparse form."""
    start = dice.integer(0, 100_000)
    return [b'PFADD', key(dice), *(b'element:%d' % number for number in range(start, start + 1500))]


@row('PFCOUNT', weight=6)
def pfcount(dice):
    return [b'PFCOUNT', *dice.some(lambda: key(dice), 1, 3)]


@row('PFMERGE', weight=4)
def pfmerge(dice):
    return [b'PFMERGE', key(dice), *dice.some(lambda: key(dice), 0, 3)]


@row('GET', weight=2)
def get(dice):
    return [b'GET', key(dice)]


@row('DEL', weight=1)
def delete(dice):
    return [b'DEL', key(dice)]


@row('SET+PFCOUNT+PFADD', weight=1, mutate=False)
def strings_that_are_none(dice):
    name = key(dice)
    value = dice.pick([b'', b'HYLL', b'HYLL' + b'\0' * 12, b'HYLL' + b'\x02' + b'\0' * 11, b'hello'])
    return [Step([b'SET', name, value]), Step([b'PFCOUNT', name]), Step([b'PFADD', name, b'a']), Step([b'DEL', name])]
