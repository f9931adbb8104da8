"""A data set with every type and encoding, border values and times to live, and what a server says it holds: for tests
that move data between servers."""


def fill(client, streams_with_times=True):
    """Commands that redis-server 7.0 knows too."""

    def call(*arguments):
        reply = client.call(*arguments)
        assert not isinstance(reply, Exception), (arguments[:3], reply)
        return reply

    texts = [b'', b'0', b'-1', b'127', b'128', b'-128', b'-129', b'32767', b'32768', b'-32768', b'-32769', b'2147483647',
             b'2147483648', b'-2147483648', b'-2147483649', b'9223372036854775807', b'-9223372036854775808',
             b'9223372036854775808', b'007', b'+1', b'-0', b'1.5', b'12345678901', b'a' * 20, b'a' * 21, b'ab' * 10,
             b'x' * 63, b'x' * 64, b'y' * 16383, b'y' * 16384, bytes(range(256)) * 300, b'z' * 1_000_000]
    for index, text in enumerate(texts):
        call('SET', f'string:{index}', text)
        call('SET', b'key:' + text[:200], index)
    call('APPEND', 'string:appended', 'abc')
    call('SETBIT', 'string:bits', 1000, 1)
    call('PFADD', 'hll:sparse', 'a', 'b', 'c')
    call('PFADD', 'hll:dense', *range(3000))
    call('SET', 'expires:string', 1, 'PX', 10 ** 9)
    call('RPUSH', 'list:small', 'a', 1, -5, '', b'\x00\xff', 'x' * 100)
    call('RPUSH', 'list:long', *range(3000))
    call('RPUSH', 'list:huge', 'a', 'X' * 20000, 'b', 'Y' * 70000, 'c')
    call('RPUSH', 'list:nodes', *['q' * 200] * 300)
    call('SADD', 'set:16', *range(10))
    call('SADD', 'set:32', *[number * 100_000 for number in range(10)])
    call('SADD', 'set:64', *[number * 10 ** 12 for number in range(-5, 10)])
    call('SADD', 'set:integers', *range(2000))
    call('SADD', 'set:small', 'a', 'b', 5, '')
    call('SADD', 'set:large', *[f'member:{number}' for number in range(1000)])
    call('SADD', 'set:long', 'x' * 100, 'y')
    call('ZADD', 'zset:small', 1, 'a', 2.5, 'b', -1e300, 'c', '+inf', 'd', '-inf', 'e', 7, 7, 0, '')
    call('ZADD', 'zset:large', *[word for number in range(1000) for word in (number * 0.1, f'm{number}')])
    call('ZADD', 'zset:long', 1, 'x' * 100, 3e-310, 'y')
    call('HSET', 'hash:small', 'a', 1, 'b', '', '', 'x', 5, 6)
    call('HSET', 'hash:large', *[word for number in range(1000) for word in (f'f{number}', f'v{number}')])
    call('HSET', 'hash:long', 'f', 'v' * 100)
    call('EXPIRE', 'hash:large', 100_000)
    for number in range(300):
        call('XADD', 'stream', f'{1000 + number}-{number}', 'f', number, 'g', f't{number}')
    call('XDEL', 'stream', '1005-5', '1299-299')
    call('XADD', 'stream', '5000-0', 'other', 1, 'f', '')
    call('XADD', 'stream:emptied', '1-1', 'a', 'b')
    call('XDEL', 'stream:emptied', '1-1')
    call('XGROUP', 'CREATE', 'stream:made', 'g', '$', 'MKSTREAM')
    call('XGROUP', 'CREATE', 'stream', 'g1', 0)
    call('XREADGROUP', 'GROUP', 'g1', 'alice', 'COUNT', 10, 'STREAMS', 'stream', '>')
    call('XREADGROUP', 'GROUP', 'g1', 'bob', 'COUNT', 5, 'STREAMS', 'stream', '>')
    call('XACK', 'stream', 'g1', '1001-1')
    call('XDEL', 'stream', '1002-2')
    if streams_with_times:
        call('XGROUP', 'CREATECONSUMER', 'stream', 'g1', 'idle')
    call('GEOADD', 'geo', 13.36, 38.11, 'Palermo', 15.08, 37.5, 'Catania')
    call('SELECT', 3)
    call('SET', 'elsewhere', 'yes')
    call('SELECT', 0)



def _value(client, kind, key):
    call = client.call
    if kind == b'string':
        return call('GET', key)
    if kind == b'list':
        return call('LRANGE', key, 0, -1)
    if kind == b'set':
        return sorted(call('SMEMBERS', key))
    if kind == b'zset':
        return call('ZRANGE', key, 0, -1, 'WITHSCORES')
    if kind == b'hash':
        words = call('HGETALL', key)
        return sorted(zip(words[::2], words[1::2]))
    info = call('XINFO', 'STREAM', key)
    facts = dict(zip(info[::2], info[1::2]))
    groups = []
    for group in call('XINFO', 'GROUPS', key):
        named = dict(zip(group[::2], group[1::2]))
        consumers = [dict(zip(row[::2], row[1::2])) for row in call('XINFO', 'CONSUMERS', key, named[b'name'])]
        pending = [row[:2] + row[3:] for row in call('XPENDING', key, named[b'name'], '-', '+', 1000)]
        groups.append((named[b'name'], named[b'last-delivered-id'], named[b'entries-read'],
                       [(row[b'name'], row[b'pending']) for row in consumers], pending))
    kept = (b'length', b'last-generated-id', b'max-deleted-entry-id', b'entries-added', b'recorded-first-entry-id')
    return [facts[name] for name in kept], call('XRANGE', key, '-', '+'), groups


def contents(client, databases=(0, 3)):
    """{(database, key): (type, value, whether it expires)}"""
    found = {}
    for database in databases:
        client.call('SELECT', database)
        for key in client.call('KEYS', '*'):
            kind = _as_bytes(client.call('TYPE', key))
            found[database, key] = kind, _value(client, kind, key), client.call('PTTL', key) > 0
    client.call('SELECT', 0)
    return found


def _as_bytes(reply):
    return reply if isinstance(reply, bytes) else str(reply).encode()


