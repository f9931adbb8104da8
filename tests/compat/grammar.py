"""The grammar of the random commands: one module a family, one function (a row) a command.

    family = Family('string')

    @family.row('GETRANGE', weight=2)
    def getrange(dice):
        return [b'GETRANGE', dice.key('string'), dice.index(), dice.index()]

A row returns the words of one command, or a list of parts (plan.py) when one command is not enough. Its name is the
command that both servers must have, with `|` before a subcommand; a row whose command one of them lacks is left out,
and the report says so.

To add a family: write families/<name>.py with a `family`, and add the name to NAMES.

This is not families/__init__.py because modules named list and set would hide the built-in names there.
"""

import importlib

from compare import exact
from dice import ODD_FLOATS, ODD_INTEGERS
from plan import Step, Unit

NAMES = ['string', 'bitmap', 'geo', 'hyperloglog', 'generic', 'keyspace', 'connection', 'server', 'protocol',
         'list', 'hash', 'set', 'zset', 'stream', 'script']


class Row:
    def __init__(self, name, make, weight, compare, mutate, kept_words):
        self.name = name
        self.label = f'{name}/{make.__name__.strip("_")}'  # several rows may have one command
        self.make = make
        self.weight = weight
        self.compare = compare
        self.mutate = mutate
        self.kept_words = kept_words

    @property
    def commands(self):
        """Every command that the servers must have, `|` before a subcommand."""
        return self.name.split('+')


class Family:
    """`mixed` says that the rows may run among those of other families (they touch keys, not the connection).

    `share` makes the number of commands smaller for a family whose units are slow.
    """

    def __init__(self, name, mixed=True, share=1.0):
        self.name = name
        self.mixed = mixed
        self.share = share
        self.rows = []

    def row(self, name, weight=2, compare=exact, mutate=True, kept_words=1):
        """`mutate=False` keeps a row's words as they are, where a random change could do harm (a pause, a kill);
        `kept_words` keeps so many at the front (with a subcommand, at least two), where a key must be of its pool.
        """

        def register(make):
            self.rows.append(Row(name, make, weight, compare, mutate, kept_words))
            return make

        return register


def load(name):
    return importlib.import_module('families.' + name).family


def make_unit(row, dice):
    made = row.make(dice)
    if isinstance(made[0], bytes):
        # A container without its subcommand is another command.
        first = max(row.kept_words, 2 if '|' in row.name else 1)
        words = mutated(made, first, dice) if row.mutate and dice.chance(0.06) else made
        if dice.chance(0.2):
            words = [other_case(words[0], dice), *words[1:]]
        made = [Step(words, row.compare)]
    return Unit(row.label, made)


def other_case(word, dice):
    return dice.pick([word.lower(), word.capitalize(), word.swapcase()])


def mutated(words, first, dice):
    """A command that is probably wrong: a word too few or too many, twice, or one that does not belong.

    The words before `first` stay.
    """
    words = list(words)
    at = dice.integer(first, len(words) - 1) if len(words) > first else 0
    kind = dice.pick(['drop', 'add', 'twice', 'odd', 'odd', 'bare'])
    if kind == 'drop' and at:
        del words[at]
    elif kind == 'add':
        words.append(dice.pick([b'', b'extra', b'NX', b'XX', b'GET', b'COUNT', b'LIMIT', b'-1', b'WITHSCORES']))
    elif kind == 'twice' and at:
        words.insert(at, words[at])
    elif kind == 'odd' and at:
        words[at] = dice.pick(ODD_VALUES)
    elif kind == 'bare':
        del words[first:]
    return words


# Small positive numbers are missing: in the place of an expiry they would make the run depend on the clock.
ODD_VALUES = [value for value in ODD_INTEGERS + ODD_FLOATS
              if value.strip(b' +0') not in (b'1', b'1.', b'3.', b'1.5', b'5.')] + [b'syntax', b'\x00', b'NX', b'EX']
