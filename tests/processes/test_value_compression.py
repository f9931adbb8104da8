"""value-compression: no command shows it, memory does; whatever way values come in, and however they are changed."""

import random

import pytest

METHODS = ['lz4', 'zstd']
pytestmark = pytest.mark.usefixtures('kvick_only')


def compressed(client):
    """(count, bytes, plain bytes) of what is compressed."""
    lines = client.call('INFO', 'memory').decode().splitlines()
    fields = dict(line.split(':', 1) for line in lines if ':' in line)
    return tuple(int(fields['compressed_values' + tail]) for tail in ('', '_bytes', '_plain_bytes'))


def text(dice):
    """Of three lengths, of one byte, of words or of noise."""
    size = dice.choice((dice.randrange(200), dice.randrange(5000), dice.randrange(70_000)))
    kind = dice.randrange(3)
    if kind == 0:
        return bytes([dice.randrange(256)]) * size
    if kind == 1:
        return b''.join(b'{"id":%d,"state":"open"},' % i for i in range(size // 20))
    return dice.randbytes(size)


def random_command(dice):
    keys = [f'key:{i}' for i in range(6)]
    key, other = dice.choice(keys), dice.choice(keys)
    place = str(dice.randrange(40_000))
    bit = str(dice.randrange(300_000))
    start, end = str(dice.randrange(-5000, 5000)), str(dice.randrange(-5000, 5000))
    return dice.choice([
        lambda: ['SET', key, text(dice)],
        lambda: ['SET', key, text(dice), 'PX', '10000000'],
        lambda: ['SET', key, text(dice), 'GET', 'KEEPTTL'],
        lambda: ['SETEX', key, '10000', text(dice)],
        lambda: ['GETSET', key, text(dice)],
        lambda: ['SETNX', key, text(dice)],
        lambda: ['MSET', key, text(dice), other, text(dice)],
        lambda: ['GET', key],
        lambda: ['MGET', key, other, key],
        lambda: ['GETRANGE', key, start, end],
        lambda: ['STRLEN', key],
        lambda: ['APPEND', key, text(dice)[:100]],
        lambda: ['SETRANGE', key, place, text(dice)[:100]],
        lambda: ['SETBIT', key, bit, '1'],
        lambda: ['GETBIT', key, bit],
        lambda: ['BITCOUNT', key, start, end],
        lambda: ['BITPOS', key, '1', start],
        lambda: ['BITOP', dice.choice(['AND', 'OR', 'XOR']), key, other, dice.choice(keys)],
        lambda: ['BITFIELD', key, 'INCRBY', 'u8', bit, '7', 'GET', 'i16', place],
        lambda: ['PFADD', 'hll:' + key, str(dice.random())],
        lambda: ['PFCOUNT', 'hll:' + key, 'hll:' + other],
        lambda: ['PFMERGE', 'hll:' + key, 'hll:' + other],
        lambda: ['PFADD', key, 'x'],
        lambda: ['INCR', key],
        lambda: ['COPY', key, other, 'REPLACE'],
        lambda: ['RENAME', key, other],
        lambda: ['PERSIST', key],
        lambda: ['EXPIRE', key, '1000'],
        lambda: ['DEL', key],
        lambda: ['GETDEL', key],
        lambda: ['OBJECT', 'ENCODING', key],
        lambda: ['DEBUG', 'DIGEST-VALUE', key],
        lambda: ['DUMP', key],
        lambda: ['SORT', 'list', 'BY', 'nosort', 'GET', 'key:*', 'GET', '#'],
        lambda: ['EVAL', "local v = redis.call('GET', KEYS[1]) return v and redis.call('SET', KEYS[2], v .. v)", '2', key, other],
    ])()  # fmt: skip


@pytest.mark.parametrize('method', METHODS)
def test_no_command_tells_a_server_that_compresses(make_server, method):
    seed = random.randrange(1 << 30)
    print('seed', seed)
    dice = random.Random(seed)
    options = {'enable-debug-command': 'yes', 'proto-max-bulk-len': '1mb'}
    plain = make_server(options).start().connect()
    packing = make_server({**options, 'value-compression': method, 'value-compression-min-bytes': '0'}).start().connect()
    seen = 0
    for client in (plain, packing):
        client.call('RPUSH', 'list', '0', '1', '2', '3', '9')
    for step in range(3000):
        command = random_command(dice)
        replies = [str(reply) if isinstance(reply, Exception) else reply
                   for reply in (client.call(*command) for client in (packing, plain))]
        assert replies[0] == replies[1], (seed, step, command[:2])
        if step % 500 == 499:
            seen = max(seen, compressed(packing)[0])
            assert packing.call('DEBUG', 'DIGEST') == plain.call('DEBUG', 'DIGEST'), seed
            assert packing.call('DEBUG', 'RELOAD') == plain.call('DEBUG', 'RELOAD')
    assert seen > 0
    assert compressed(plain) == (0, 0, 0)
    for client in (plain, packing):
        client.call('FLUSHALL', 'SYNC')
    assert compressed(packing) == (0, 0, 0)


@pytest.mark.parametrize('method', METHODS)
def test_it_saves_memory_and_gives_it_back(make_server, method):
    server = make_server({'value-compression': method, 'threads': '2'}).start()
    client = server.connect()
    before = int(client.call('MEMORY', 'STATS')[3])
    value = b''.join(b'{"id":%d,"state":"open"},' % i for i in range(200))
    for i in range(2000):
        assert client.call('SET', f'key:{i}', value) == b'OK'
    count, held, plain = compressed(client)
    assert (count, plain) == (2000, 2000 * len(value))
    assert held < plain / 2
    used = int(client.call('MEMORY', 'STATS')[3]) - before
    assert used < plain / 2 + 1_000_000
    assert client.call('MEMORY', 'USAGE', 'key:1') < len(value) / 2
    # Only what is written as a whole, and is long enough, and later.
    assert client.call('SET', 'short', b'a' * 2047) == b'OK'
    assert client.call('SETRANGE', 'built', '0', b'a' * 5000) == 5000
    assert client.call('CONFIG', 'SET', 'value-compression', 'no') == b'OK'
    assert client.call('SET', 'later', value) == b'OK'
    assert compressed(client)[0] == 2000
    client.call('FLUSHALL', 'SYNC')
    assert compressed(client) == (0, 0, 0)


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('preamble', ['yes', 'no'])
def test_files_hold_what_was_written(make_server, method, preamble):
    server = make_server({'value-compression': method, 'appendonly': 'yes', 'enable-debug-command': 'yes',
                          'aof-use-rdb-preamble': preamble}).start()  # fmt: skip
    client = server.connect()
    value = b'{"state":"open"},' * 500
    for i in range(50):
        client.call('SET', f'before:{i}', value + b'%d' % i)
    client.call('BGREWRITEAOF')
    for i in range(50):
        client.call('SET', f'after:{i}', value + b'%d' % i)
        client.call('APPEND', f'before:{i}', 'x')
    digest = client.call('DEBUG', 'DIGEST')
    client = server.restart().connect()
    assert compressed(client)[0] >= 50
    assert client.call('DEBUG', 'DIGEST') == digest
    # Another that does not compress reads the same files.
    server.options['value-compression'] = 'no'
    client = server.restart().connect()
    assert client.call('DEBUG', 'DIGEST') == digest
    assert compressed(client)[0] == 0
