"""INFO keysizes and topkeys: what they say must be what is there."""

import collections
import pathlib
import random
import sys
import threading

import pytest

from waiting import assert_becomes, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'compat'))

import grammar  # noqa: E402  (the path comes first)
from dice import Dice  # noqa: E402

ROWS = {'string': ('strings_sizes', 'STRLEN'), 'list': ('lists_items', 'LLEN'), 'set': ('sets_items', 'SCARD'),
        'zset': ('zsets_items', 'ZCARD'), 'hash': ('hashes_items', 'HLEN'), 'stream': ('streams_items', 'XLEN')}
FAMILIES = ('string', 'bitmap', 'geo', 'hyperloglog', 'generic', 'keyspace', 'list', 'hash', 'set', 'zset', 'stream')
DATABASES = 3


def label(size):
    if size == 0:
        return '0'
    exponent = size.bit_length() - 1
    return str(1 << exponent % 10) + ('', 'K', 'M', 'G')[exponent // 10]


def info(client, section):
    lines = client.call('INFO', section).decode().splitlines()
    return dict(line.split(':', 1) for line in lines if ':' in line)


def shown(client):
    return {name: dict(pair.split('=') for pair in text.split(',')) for name, text in info(client, 'keysizes').items()}


def counted(client):
    counts = {}
    for index in range(DATABASES):
        client.call('SELECT', str(index))
        cursor, keys = None, set()
        while cursor != b'0':
            cursor, batch = client.call('SCAN', cursor or b'0', 'COUNT', '1000')
            keys.update(batch)
        for key in keys:
            row = ROWS.get(client.call('TYPE', key).decode())
            if row is None:  # it has expired by now, or is of a type that is not counted
                continue
            size = client.call(row[1], key)
            counts.setdefault(f'db{index}_distrib_{row[0]}', collections.Counter())[label(size)] += 1
    client.call('SELECT', '0')
    return {name: {bucket: str(count) for bucket, count in row.items()} for name, row in counts.items()}


def assert_true(client, what):
    """Keys may expire between the two answers: what stays different is wrong."""
    wait_until(lambda: counted(client) == shown(client),
               lambda: f'{what}: there is {counted(client)}, it says {shown(client)}')


def may_run(row):
    """Not what waits for others, ends the server or is another server's."""
    name = row.name.upper()
    return not (name.startswith(('B', 'DEBUG', 'WAIT', 'MIGRATE', 'SHUTDOWN', 'FLUSH', 'XREAD')) and
                not name.startswith('BIT'))


def own_rows(dice):
    """What the grammar leaves out, since the server that it compares with has none of it."""
    hash_key, set_key = dice.key('hash'), dice.key('set')
    fields = [b'f%d' % number for number in range(dice.integer(1, 5))]
    pairs = [word for field in fields for word in (field, dice.value())]
    return dice.pick([
        [b'HSETEX', hash_key, b'PX', b'%d' % dice.integer(1, 40), b'FIELDS', b'%d' % len(fields), *pairs],
        [b'HPEXPIRE', hash_key, b'%d' % dice.integer(1, 40), b'FIELDS', b'%d' % len(fields), *fields],
        [b'HGETDEL', hash_key, b'FIELDS', b'%d' % len(fields), *fields],
        [b'HGETEX', hash_key, b'PX', b'1', b'FIELDS', b'%d' % len(fields), *fields],
        [b'DELEX', dice.key('string')],
        [b'PEXPIRE', dice.key('free'), b'%d' % dice.integer(1, 30)],
        [b'COPY', hash_key, set_key, b'DB', b'%d' % dice.integer(0, DATABASES - 1), b'REPLACE'],
        [b'MOVE', set_key, b'%d' % dice.integer(0, DATABASES - 1)],
        [b'RENAME', hash_key, set_key],
        [b'SWAPDB', b'%d' % dice.integer(0, DATABASES - 1), b'%d' % dice.integer(0, DATABASES - 1)],
        [b'SELECT', b'%d' % dice.integer(0, DATABASES - 1)],
        [b'SORT', dice.key('set'), b'ALPHA', b'STORE', dice.key('list')],
    ])


def run_random_commands(client, dice, rows, count):
    for _ in range(count):
        if dice.chance(0.1):
            client.call(*own_rows(dice))
            continue
        made = dice.random.choice(rows).make(dice)
        if isinstance(made[0], bytes):
            client.call(*made)


def mixed_rows():
    return [row for name in FAMILIES for row in grammar.load(name).rows if may_run(row)]


@pytest.mark.parametrize('threads', ['1', '3'])
def test_sizes_are_true_after_random_commands(make_server, kvick_only, threads):
    seed = random.randrange(10**9)
    print(f'seed {seed}')
    server = make_server({'threads': threads, 'enable-debug-command': 'yes', 'databases': str(DATABASES)}).start()
    rows = mixed_rows()
    with server.connect() as client:
        for turn in range(6):
            runners = []
            for number in range(int(threads)):
                dice = Dice(f'{seed}/{turn}/{number}')

                def run(dice=dice):
                    with server.connect() as own:
                        run_random_commands(own, dice, rows, 1500)

                runners.append(threading.Thread(target=run))
            for runner in runners:
                runner.start()
            for runner in runners:
                runner.join()
            assert_true(client, f'turn {turn}')
        assert client.call('DEBUG', 'RELOAD') == b'OK'
        assert_true(client, 'reloaded')
        client.call('SELECT', '1')
        client.call('FLUSHDB')
        assert not any(name.startswith('db1_') for name in shown(client))
        assert_true(client, 'one database emptied')
        client.call('FLUSHALL')
        assert shown(client) == {}


def test_sizes_are_true_after_eviction_and_restore(make_server, kvick_only):
    server = make_server({'threads': '2', 'databases': str(DATABASES)}).start()
    with server.connect() as client:
        for number in range(3000):
            client.call('SET', f'string:{number}', b'v' * (number % 2000))
            client.call('RPUSH', f'list:{number % 50}', b'item' * 20)
        payload = client.call('DUMP', 'list:7')
        client.call('RESTORE', 'restored', '0', payload)
        assert_true(client, 'restored')
        used = int(info(client, 'memory')['used_memory'])
        client.call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random')
        client.call('CONFIG', 'SET', 'maxmemory', str(used - 1_000_000))
        for number in range(3000, 4000):
            client.call('SET', f'string:{number}', b'v' * 500)
        assert int(info(client, 'stats')['evicted_keys']) > 0
        client.call('CONFIG', 'SET', 'maxmemory', '0')
        assert_true(client, 'evicted')


def test_sizes_are_labelled_by_powers_of_two(make_server, kvick_only):
    with make_server().start() as server, server.connect() as client:
        for size in (0, 1, 3, 4, 1023, 1024, 3_000_000):
            client.call('SET', f'key:{size}', b'x' * size)
        assert info(client, 'keysizes') == {'db0_distrib_strings_sizes': '0=1,1=1,2=1,4=1,512=1,1K=1,2M=1'}
        assert 'keysizes' not in client.call('INFO').decode().lower()
        assert '# Keysizes' in client.call('INFO', 'all').decode()


def top_keys(client, prefix):
    return [text.rsplit('key=', 1)[1] for name, text in info(client, 'topkeys').items() if name.startswith(prefix)]


def test_the_biggest_keys_are_known(make_server, kvick_only):
    with make_server({'threads': '2'}).start() as server, server.connect() as client:
        for number in range(500):
            client.call('SET', f'small:{number}', 'x' * 40)
            client.call('SADD', f'set:{number}', 'a', 'b')
        client.call('APPEND', 'grown', 'y')
        client.call('APPEND', 'grown', 'y' * 100_000)
        client.call('SETRANGE', 'bigger', '200000', 'z')
        client.call('SADD', 'crowd', *range(1000))
        assert top_keys(client, 'big_string_')[:2] == ['"bigger"', '"grown"']
        assert top_keys(client, 'big_set_')[0] == '"crowd"'
        assert info(client, 'topkeys')['big_string_1'] == 'db=0,bytes=200001,key="bigger"'
        client.call('DEL', 'bigger')
        client.call('RENAME', 'grown', 'renamed')
        assert top_keys(client, 'big_string_')[0] == '"renamed"'
        client.call('FLUSHALL')
        assert top_keys(client, 'big_') == []


def test_the_keys_used_most_are_known(make_server, kvick_only):
    with make_server({'threads': '2'}).start() as server, server.connect() as client:
        client.call('SET', 'hot', 'x')
        for number in range(20_000):
            client.send(b'*2\r\n$3\r\nGET\r\n$3\r\nhot\r\n' if number % 3 == 0 else
                        b'*2\r\n$3\r\nGET\r\n$8\r\nk:%06d\r\n' % number)
            if number % 100 == 99:
                for _ in range(100):
                    client.read_reply()
        shown_keys = top_keys(client, 'hot_key_')
        assert shown_keys[0] == '"hot"'
        fields = dict(pair.split('=') for pair in info(client, 'topkeys')['hot_key_1'].split(','))
        assert 0.15 < float(fields['share']) < 0.5
        assert 2000 < int(fields['uses']) < 12000
        client.call('CONFIG', 'SET', 'top-keys-sample-ratio', '0')
        assert top_keys(client, 'hot_key_') == []


def test_memory_of_collections_is_counted_while_it_is_asked_for(make_server, kvick_only):
    for threads in ('1', '2'):
        with make_server({'threads': threads, 'key-memory-histograms': 'yes'}).start() as server:
            with server.connect() as client:
                client.call('RPUSH', 'list', 'a')
                client.call('HSET', 'hash', *range(14_000))  # well between two powers of two
                client.call('ZADD', 'zset', '1', 'a')
                client.call('SADD', 'set', 'a')
                client.call('SET', 'string', 'a')
                # Small ones lie in their entries, of which MEMORY USAGE counts the place in the table as well.
                hash_size = label(client.call('MEMORY', 'USAGE', 'hash'))
                expected = {'db0_distrib_lists_sizes': '16=1', 'db0_distrib_sets_sizes': '16=1',
                            'db0_distrib_hashes_sizes': f'{hash_size}=1', 'db0_distrib_zsets_sizes': '16=1'}

                def told():
                    names = info(client, 'keysizes')
                    return {name: text for name, text in names.items()
                            if name.endswith('_sizes') and 'strings' not in name}

                assert_becomes(told, expected)
                client.call('CONFIG', 'SET', 'key-memory-histograms', 'no')
                assert_becomes(told, {})


def test_what_clients_hold_is_told(make_server, kvick_only):
    with make_server({'threads': '2'}).start() as server, server.connect() as client, server.connect() as other:
        assert_becomes(lambda: 0 < int(info(client, 'memory')['mem_clients_normal']) < 100_000, True)
        before = int(info(client, 'memory')['mem_clients_normal'])
        other.send(b'*2\r\n$4\r\nECHO\r\n$20000\r\n' + b'x' * 15_000)
        assert_becomes(lambda: int(info(client, 'clients')['client_recent_max_input_buffer']) > 14_000, True)
        assert_becomes(lambda: int(info(client, 'memory')['mem_clients_normal']) > before + 14_000, True)
        stats = info(client, 'stats')
        assert int(stats['commands_per_parse_batch_sum']) >= int(stats['commands_per_parse_batch_cnt']) > 0
        assert float(stats['commands_per_parse_batch_avg']) >= 1
        assert int(stats['total_client_processing_events']) >= int(stats['eventloop_cycles_with_clients_processing']) > 0
