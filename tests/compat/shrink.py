"""Delta debugging: the shortest sub-sequence of units that still fails."""

import copy
import time


def shrink(units, still_fails, seconds_max=60.0):
    """`still_fails(units)` runs a candidate from scratch. Returns a sequence from which no single unit can be taken,
    or the best one when the time is over.
    """
    deadline = time.monotonic() + seconds_max
    piece_count = 2
    while len(units) > 1 and time.monotonic() < deadline:
        size = max(1, len(units) // piece_count)
        for start in range(0, len(units), size):
            candidate = units[:start] + units[start + size:]
            if candidate and still_fails(candidate):
                units = candidate
                piece_count = max(2, piece_count - 1)
                break
            if time.monotonic() > deadline:
                break
        else:
            if size == 1:
                return units
            piece_count = min(len(units), piece_count * 2)
    return units


def only_the_same_keys(units, failing):
    """A first guess that is often right: the units that share an argument with the failing one."""
    words = {word for part in failing.parts for word in getattr(part, 'arguments', [])[1:] if len(word) > 2}
    return [unit for unit in units[:-1]
            if any(words.intersection(getattr(part, 'arguments', [])[1:]) for part in unit.parts)] + [failing]


def with_short_arguments(units, still_fails, seconds_max=10.0):
    """Replaces long arguments by one letter where the failure stays, so that the conversation can be read."""
    deadline = time.monotonic() + seconds_max
    for unit_index, unit in enumerate(units):
        for part_index, part in enumerate(unit.parts):
            for word_index, word in enumerate(getattr(part, 'arguments', [])):
                if len(word) <= 24 or time.monotonic() > deadline:
                    continue
                shorter = copy.deepcopy(unit)
                shorter.parts[part_index].arguments[word_index] = b'v'
                candidate = [*units[:unit_index], shorter, *units[unit_index + 1:]]
                if still_fails(candidate):
                    units, unit = candidate, shorter
    return units
