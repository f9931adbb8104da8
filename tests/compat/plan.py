"""What a run is made of: units, each a short list of parts that stay together when a failure is shrunk.

A row of a family (see grammar.py) makes one unit. Most units are a single Step. The other parts exist
because some commands cannot be compared in a pipeline: a key that shall expire needs a pause, a SCAN a loop.
"""

import dataclasses

from compare import exact
from resp import to_bytes


class Step:
    """One command, and how the two replies to it are compared."""

    __slots__ = ('arguments', 'compare')

    def __init__(self, arguments, compare=exact):
        self.arguments = [to_bytes(argument) for argument in arguments]
        self.compare = compare


@dataclasses.dataclass
class Pause:
    """Lets time pass on both servers, after everything before it was answered."""
    seconds: float


@dataclasses.dataclass
class ScanWalk:
    """A SCAN-like command driven to completion; `arguments` holds b'CURSOR' where the cursor goes.

    The cursors differ between servers and so does the order; what must agree is the set of elements.
    `pair_size` is 2 where an element is a field with its value.
    """
    arguments: list
    pair_size: int = 1

    def __post_init__(self):
        self.arguments = [to_bytes(argument) for argument in self.arguments]


@dataclasses.dataclass
class RawExchange:
    """Bytes sent as they are on a fresh connection, in pieces; the bytes that come back must be equal.

    `ends` says that the server may close the connection; then the answer ends there, or where both stay silent.
    Otherwise an ECHO behind the bytes shows where the answer ends, so that nothing has to wait for silence.
    """
    pieces: list
    ends: bool
    normalise: object = None


class Unit:
    """Parts that make sense together, and the label of the row they came from."""

    __slots__ = ('row_label', 'parts')

    def __init__(self, row_label, parts):
        self.row_label = row_label
        self.parts = parts
