"""Where kvick answers otherwise than the oracle on purpose, each with its reason.

The oracle is Redis 7.0; kvick behaves like Redis 8.10. A difference that is not here is a failure. Entries are narrow:
they name the command and look at both replies, so that a third answer still fails.
"""

import dataclasses
import typing


@dataclasses.dataclass
class Difference:
    commands: tuple  # names of commands in lower case; with a space before a subcommand
    matches: typing.Callable  # (arguments, kvick reply, oracle reply) -> bool
    reason: str


def _is_error(reply, *prefixes):
    return reply[0] == '-' and reply[1].startswith(prefixes or (b'',))


DIFFERENCES = [
    Difference(
        ('bitcount', 'bitpos'),
        lambda arguments, kvick, oracle: _is_error(kvick, b'ERR') and oracle in ((':', 0), (':', -1)),
        'Since 7.4 wrong arguments are an error for a missing key too.'),
    Difference(
        ('object encoding',),
        lambda arguments, kvick, oracle: is_intended_encoding(None, kvick[1], oracle[1]),
        'Since 7.2 small lists and small sets of strings are listpacks.'),
    Difference(
        ('client info', 'client list'),
        lambda arguments, kvick, oracle: b' flags=N ' in (kvick[1] or b'') and b' flags=e ' in (oracle[1] or b''),
        'Since 7.2 RESET ends CLIENT NO-EVICT; the oracle keeps the flag.'),
    Difference(
        ('config set',),
        lambda arguments, kvick, oracle: kvick[1].endswith(b"'maxmemory-samples') - argument must be between 1 and 64 inclusive")
        and _is_error(oracle, b"ERR CONFIG SET failed (possibly related to argument 'maxmemory-samples')"),
        'The range of maxmemory-samples has become narrower.'),
]

# (oracle's encoding, kvick's encoding): since 7.2 a short list is one listpack and a small set of strings too, and what
# SINTERSTORE finds in tables stays one when it outgrows a listpack, even if all are integers.
ENCODINGS = {(b'quicklist', b'listpack'), (b'hashtable', b'listpack'), (b'intset', b'hashtable')}


def is_intended_encoding(type_name, kvick, oracle):
    if type_name is not None and type_name not in (b'list', b'set'):
        return False
    return (oracle, kvick) in ENCODINGS


def is_intended(arguments, kvick, oracle):
    words = [argument.lower().decode('latin-1') for argument in arguments[:2]]
    names = {words[0], ' '.join(words)}
    return any(names.intersection(difference.commands) and difference.matches(arguments, kvick, oracle)
               for difference in DIFFERENCES)
