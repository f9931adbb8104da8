"""When two replies count as equal. Each function takes (kvick reply, oracle reply) in the form of resp.py.

`exact` is the rule; everything else here says in its comment why exactness would be wrong.
"""

import functools

ERROR_KINDS = '-!'


def exact(kvick, oracle):
    return kvick == oracle


def is_error(reply):
    return reply[0] in ERROR_KINDS


def or_same_error(rule):
    """Errors always compare exactly; `rule` sees only replies that are no errors."""

    @functools.wraps(rule)
    def compare(kvick, oracle):
        if is_error(kvick) or is_error(oracle):
            return kvick == oracle
        return rule(kvick, oracle)

    return compare


def within(tolerance):
    """Numbers that depend on the moment of execution. Negative answers (-1 no expiry, -2 no key) are exact."""

    @or_same_error
    def compare(kvick, oracle):
        if kvick[0] != ':' or oracle[0] != ':':
            return kvick == oracle
        if kvick[1] < 0 or oracle[1] < 0:
            return kvick == oracle
        return abs(kvick[1] - oracle[1]) <= tolerance

    return compare


seconds_left = within(2)
milliseconds_left = within(2000)


@or_same_error
def unordered(kvick, oracle):
    """Elements whose order is the hash table's."""
    if kvick[0] != oracle[0] or kvick[0] not in '*~' or kvick[1] is None or oracle[1] is None:
        return kvick == oracle
    return sorted(kvick[1], key=repr) == sorted(oracle[1], key=repr)


def as_pairs(reply):
    """The pairs of a map, or of the flat array that stands for it in RESP2; None when it is neither."""
    kind, payload = reply
    if kind == '%':
        return payload
    if kind == '*' and payload is not None and len(payload) % 2 == 0:
        return list(zip(payload[::2], payload[1::2]))
    return None


@or_same_error
def unordered_pairs(kvick, oracle):
    kvick_pairs, oracle_pairs = as_pairs(kvick), as_pairs(oracle)
    if kvick[0] != oracle[0] or kvick_pairs is None or oracle_pairs is None:
        return kvick == oracle
    return sorted(kvick_pairs, key=repr) == sorted(oracle_pairs, key=repr)


@or_same_error
def shape(kvick, oracle):
    """Random or server-specific: only the types must agree, down to the elements."""
    if kvick[0] != oracle[0]:
        return False
    if (kvick[1] is None) != (oracle[1] is None):
        return False
    if kvick[0] in '*~>' and kvick[1] is not None:
        return len(kvick[1]) == len(oracle[1]) and all(map(shape, kvick[1], oracle[1]))
    if kvick[0] == '%':
        return len(kvick[1]) == len(oracle[1])
    return True


@or_same_error
def same_kind(kvick, oracle):
    """Same type, whatever the content and length (texts for people, lists of everything there is)."""
    return kvick[0] == oracle[0] and (kvick[1] is None) == (oracle[1] is None)


@or_same_error
def hello(kvick, oracle):
    """HELLO names the server and the connection; the fields, their order and proto, mode and role must agree."""
    kvick_pairs, oracle_pairs = as_pairs(kvick), as_pairs(oracle)
    if kvick[0] != oracle[0] or kvick_pairs is None or oracle_pairs is None:
        return False
    if [key for key, _ in kvick_pairs] != [key for key, _ in oracle_pairs]:
        return False
    free = (b'server', b'version', b'id', b'modules')
    return all(mine == theirs for mine, theirs in zip(kvick_pairs, oracle_pairs) if theirs[0][1] not in free)


def client_fields(names):
    """CLIENT INFO and CLIENT LIST: `key=value` words of which only `names` say the same on both servers.

    Every field that the oracle has must be there.
    """

    def parse(reply):
        return [dict(word.partition(b'=')[::2] for word in line.split(b' '))
                for line in _text(reply).strip().split(b'\n')]

    @or_same_error
    def compare(kvick, oracle):
        if kvick[0] != oracle[0] or kvick[1] is None:
            return False
        mine, theirs = parse(kvick), parse(oracle)
        if len(mine) != len(theirs):
            return False
        return all(not theirs_one.keys() - mine_one.keys()
                   and all(mine_one.get(name) == theirs_one.get(name) for name in names)
                   for mine_one, theirs_one in zip(mine, theirs))

    return compare


def config_values(comparable):
    """CONFIG GET: every directive that the oracle names must be known; values of `comparable` must be equal."""

    @or_same_error
    def compare(kvick, oracle):
        kvick_pairs, oracle_pairs = as_pairs(kvick), as_pairs(oracle)
        if kvick[0] != oracle[0] or kvick_pairs is None or oracle_pairs is None:
            return False
        mine = {name[1]: value for name, value in kvick_pairs}
        return all(name[1] in mine and (name[1] not in comparable or mine[name[1]] == value)
                   for name, value in oracle_pairs)

    return compare


@or_same_error
def info_fields(kvick, oracle):
    """INFO: every section and field that the oracle has must be there. Values are the process's own.

    Fields that stand for something that exists only now and then (cmdstat_x, db0) are left out, and so are the
    allocator's, which belong to the oracle's jemalloc.
    """

    def names(reply):
        found = set()
        for line in _text(reply).split(b'\r\n'):
            name = line.partition(b':')[0]
            if not name.startswith((b'cmdstat_', b'errorstat_', b'latency_percentiles_', b'db', b'allocator_')):
                found.add(name)
        return found

    return kvick[0] == oracle[0] and not names(oracle) - names(kvick)


@or_same_error
def time_of_day(kvick, oracle):
    """TIME: two bulk strings; the seconds are the machine's."""
    if not shape(kvick, oracle) or len(kvick[1]) != 2:
        return False
    return abs(int(kvick[1][0][1]) - int(oracle[1][0][1])) <= 2 and 0 <= int(kvick[1][1][1]) < 1_000_000


def _text(reply):
    """A bulk or verbatim string without the verbatim string's `txt:`."""
    return reply[1][4:] if reply[0] == '=' else reply[1]
