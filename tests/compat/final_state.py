"""Everything that is left on a server at the end of a sequence, in a form that can be compared and read."""

import resp

DATABASES = 16

# How the value of a type is read, and whether its order is part of it.
READERS = {
    b'string': ([b'GET'], []),
    b'list': ([b'LRANGE'], [b'0', b'-1']),
    b'hash': ([b'HGETALL'], []),
    b'set': ([b'SMEMBERS'], []),
    b'zset': ([b'ZRANGE'], [b'0', b'-1', b'WITHSCORES']),
    b'stream': ([b'XRANGE'], [b'-', b'+']),
}
EXPIRY_TOLERANCE_MS = 5000


def pipeline(connection, commands):
    connection.send(b''.join(map(resp.encode_command, commands)))
    return [resp.to_python(connection.read_reply()) for _ in commands]


def read_state(server, has_command):
    """{(database, key): {'type', 'value', 'expires', 'encoding'}}; keys that are expired do not count.

    What the servers have no command for is left out: `has_command(name)` tells.
    """
    state = {}
    if not has_command('KEYS') or not has_command('TYPE'):
        return state
    with server.connect() as connection:
        for database in range(DATABASES if has_command('SELECT') else 1):
            if database and connection.call('SELECT', database) != b'OK':
                break
            keys = connection.call('KEYS', '*')
            columns = {'type': pipeline(connection, [[b'TYPE', key] for key in keys])}
            if has_command('PEXPIRETIME'):
                columns['expires'] = pipeline(connection, [[b'PEXPIRETIME', key] for key in keys])
            if has_command('OBJECT|ENCODING'):
                columns['encoding'] = pipeline(connection, [[b'OBJECT', b'ENCODING', key] for key in keys])
            commands = []
            for key, type_name in zip(keys, columns['type']):
                before, after = READERS.get(type_name, ([b'TYPE'], []))
                commands.append([*before, key, *after])
            values = pipeline(connection, commands)
            columns['value'] = [in_order(type_name, value) for type_name, value in zip(columns['type'], values)]
            for index, key in enumerate(keys):
                if columns['type'][index] != b'none':
                    state[database, key] = {name: column[index] for name, column in columns.items()}
    return state


def in_order(type_name, value):
    if type_name == b'set':
        return sorted(value)
    if type_name == b'hash':
        return sorted(zip(value[::2], value[1::2]))
    return value


def unsigned_zeros(members_and_scores):
    return [b'0' if index % 2 and word == b'-0' else word for index, word in enumerate(members_and_scores)]


def differences(kvick, oracle, is_intended_encoding):
    """One line for each key that is not the same. `is_intended_encoding(type, kvick, oracle)` excuses an encoding."""
    lines = []
    for place in sorted(kvick.keys() | oracle.keys()):
        database, key = place
        mine, theirs = kvick.get(place), oracle.get(place)
        name = f'db {database} key {key!r}'
        if mine is None or theirs is None:
            lines.append(f'{name}: only on {"kvick" if theirs is None else "the oracle"}: {str(mine or theirs)[:300]}')
            continue
        for what in ('type', 'value', 'encoding'):
            if mine.get(what) == theirs.get(what):
                continue
            if what == 'encoding' and is_intended_encoding(theirs['type'], mine[what], theirs[what]):
                continue
            if what == 'value' and theirs['type'] == b'zset' and unsigned_zeros(mine[what]) == unsigned_zeros(theirs[what]):
                continue  # intended_differences.py says why
            lines.append(f'{name}: {what}: kvick {str(mine[what])[:300]}, oracle {str(theirs[what])[:300]}')
        both = (mine.get('expires', -1), theirs.get('expires', -1))
        if (min(both) < 0 and both[0] != both[1]) or abs(both[0] - both[1]) > EXPIRY_TOLERANCE_MS:
            lines.append(f'{name}: expires: kvick {both[0]}, oracle {both[1]}')
    return lines
