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


INFO_FIELDS_WITHOUT_MEANING = {
    b'client_recent_max_input_buffer', b'client_recent_max_output_buffer', b'clients_in_timeout_table',
    b'expire_cycle_cpu_milliseconds', b'expired_time_cap_reached_count', b'mem_clients_normal', b'reply_buffer_expands',
    b'reply_buffer_shrinks', b'used_cpu_sys_main_thread', b'used_cpu_user_main_thread',
}


def _option_names(reply):
    """The names in CONFIG GET's reply."""
    return {name[1] for name, _ in reply[1]} if reply[0] == '%' else {item[1] for item in reply[1][::2]}


def _info_fields(reply):
    """The names of INFO's fields, without those that exist only now and then and the allocator's."""
    optional = (b'cmdstat_', b'errorstat_', b'latency_percentiles_', b'db', b'allocator_')
    names = {line.partition(b':')[0].removeprefix(b'txt') for line in reply[1].split(b'\r\n') if b':' in line}
    return {name for name in names if not name.startswith(optional)}


def _without_signs_of_zeros(reply):
    kind, payload = reply
    if isinstance(kind, tuple):  # a pair of a map
        return _without_signs_of_zeros(kind), _without_signs_of_zeros(payload)
    if isinstance(payload, list):
        return kind, [_without_signs_of_zeros(item) for item in payload]
    return kind, b'0' if payload == b'-0' else payload


ZSET_READERS = ('zrange', 'zrangebyscore', 'zrangebylex', 'zrevrange', 'zrevrangebyscore', 'zrevrangebylex', 'zscore',
                'zmscore', 'zpopmin', 'zpopmax', 'zmpop', 'bzpopmin', 'bzpopmax', 'bzmpop', 'zunion', 'zinter', 'zdiff',
                'zincrby', 'zadd', 'zrank', 'zrevrank', 'zscan', 'zrandmember')

DIFFERENCES = [
    Difference(
        ('bitcount', 'bitpos'),
        lambda arguments, kvick, oracle: _is_error(kvick, b'ERR')
        and (oracle in ((':', 0), (':', -1)) or _is_error(oracle, b'WRONGTYPE')),
        'Since 7.4 arguments are looked at before the key is: wrong ones are an error whatever it holds.'),
    Difference(
        ('object encoding',),
        lambda arguments, kvick, oracle: is_intended_encoding(None, kvick[1], oracle[1]),
        'Since 7.2 small lists and small sets of strings are listpacks.'),
    Difference(
        ('blpop', 'brpop', 'blmove', 'brpoplpush', 'blmpop', 'bzpopmin', 'bzpopmax', 'bzmpop'),
        lambda arguments, kvick, oracle: kvick[1] == b'ERR timeout is out of range'
        and oracle[1] == b'ERR timeout is negative',
        'Since 7.2 a time that is too long is told from a negative one.'),
    Difference(
        ('lpos',),
        lambda arguments, kvick, oracle: b'-9223372036854775808' in arguments
        and _is_error(kvick, b'ERR value is out of range, value must between -9223372036854775807 and'),
        'Since 7.2 a rank without a positive counterpart is an error.'),
    Difference(
        ('client info', 'client list'),
        lambda arguments, kvick, oracle: b' flags=N ' in (kvick[1] or b'') and b' flags=e ' in (oracle[1] or b''),
        'Since 7.2 RESET ends CLIENT NO-EVICT; the oracle keeps the flag.'),
    Difference(
        ('config set',),
        lambda arguments, kvick, oracle: kvick[1].endswith(b"'maxmemory-samples') - argument must be between 1 and 64 inclusive")
        and _is_error(oracle, b"ERR CONFIG SET failed (possibly related to argument 'maxmemory-samples')"),
        'The range of maxmemory-samples has become narrower.'),
    Difference(
        ('config set',),
        lambda arguments, kvick, oracle: kvick[1].partition(b'following: ')[0] == oracle[1].partition(b'following: ')[0]
        and any(name in kvick[1] for name in (b"'maxmemory-policy'", b"'loglevel'")),
        'There are two policies more since 8.6 (volatile-lrm, allkeys-lrm), and the log level nothing.'),
    Difference(
        ('config set',),
        lambda arguments, kvick, oracle: kvick[1].partition(b" Use '")[0] == oracle[1].partition(b" Use '")[0]
        and b"'notify-keyspace-events'" in kvick[1],
        'There are more classes of events since 8.2.'),
    Difference(
        ('config get',),
        lambda arguments, kvick, oracle: kvick[0] == oracle[0] in '*%'
        and _option_names(oracle) - _option_names(kvick) <= {b'aof-disable-auto-gc'},
        'Directives of 8.10 beside those of 7.0; aof-disable-auto-gc is hidden since 8.0.'),
    Difference(
        ('config set',),
        lambda arguments, kvick, oracle: b'nothing' in (argument.lower() for argument in arguments)
        and b"'loglevel'" in oracle[1],
        'The log level nothing is newer than the oracle.'),
    Difference(
        ('command getkeys', 'command getkeysandflags'),
        lambda arguments, kvick, oracle: len(arguments) == 4 and arguments[2].lower() == b'pfmerge'
        and _is_error(oracle, b'ERR Invalid arguments specified for command'),
        'PFMERGE of a destination alone is a valid request, and that is its key.'),
    Difference(
        ('command getkeys', 'command getkeysandflags'),
        lambda arguments, kvick, oracle: any(a.lower() == b.lower() == b'store' for a, b in zip(arguments, arguments[1:])),
        'SORT ... STORE STORE: the oracle takes the destination for an option. The key that SORT writes is ours.'),
    Difference(
        ('command getkeys', 'command getkeysandflags'),
        lambda arguments, kvick, oracle: _is_error(kvick, b'ERR Invalid arguments specified for command')
        and any(not argument.isdigit() for argument in arguments[3:5]),
        'A count of keys must be an integer; the oracle reads the digits it begins with.'),
    Difference(
        ('command getkeys', 'command getkeysandflags'),
        lambda arguments, kvick, oracle: len(arguments) == 3 and _is_error(kvick, b'ERR ')
        and _is_error(oracle, b"ERR wrong number of arguments for 'command|getkeys"),
        'Their arity is -3 in 8.10; the oracle wants one argument more.'),
    Difference(
        ('dbsize',),
        lambda arguments, kvick, oracle: kvick[0] == oracle[0] == ':' and kvick[1] < oracle[1],
        'Keys that have expired leave sooner; the oracle still counts them. What is really there is compared at the end.'),
    Difference(
        ZSET_READERS,
        lambda arguments, kvick, oracle: _without_signs_of_zeros(kvick) == _without_signs_of_zeros(oracle),
        'A score of -0 becomes 0 when its set is packed. Since 7.2 ZRANGESTORE of many begins with a set that is not.'),
    Difference(
        ('ttl', 'pttl', 'persist'),
        lambda arguments, kvick, oracle: len(arguments) == 3 and _is_error(oracle, b'ERR wrong number of arguments'),
        'A member of a set or a field of a hash may follow the key.'),
    Difference(
        ('lolwut',),
        lambda arguments, kvick, oracle: len(arguments) > 3 and not _is_error(kvick) and _is_error(oracle),
        'The art is our own and takes no sizes.'),
    Difference(
        ('xread',),
        lambda arguments, kvick, oracle: b'+' in arguments
        and _is_error(oracle, b'ERR Invalid stream ID specified as stream command argument'),
        'Since 7.4 "+" stands for the last entry.'),
    Difference(
        ('info',),
        lambda arguments, kvick, oracle: not (_info_fields(oracle) - _info_fields(kvick) - INFO_FIELDS_WITHOUT_MEANING),
        'Figures of a single main thread, of its reply buffers and of sampled expiry have no meaning here.'),
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
