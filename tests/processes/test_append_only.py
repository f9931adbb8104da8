"""The append-only file: what comes back after the process ended, well or not, and files that cross between servers.

KVICK_KILL_ROUNDS says how often servers are killed under load (for soak: some hundreds)."""

import os
import pathlib
import random
import shutil
import threading
import time

import pytest
from resp import Closed, encode_command, to_python
from server_process import ServerProcess
from waiting import wait_until

KILL_ROUNDS = int(os.environ.get('KVICK_KILL_ROUNDS', '2'))
STOCK = shutil.which('redis-server')
SYNC_RULES = ['always', 'everysec', 'no']
SET_A = b'*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n'
SET_B = b'*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n2\r\n'


@pytest.fixture(autouse=True)
def _only_kvick(kvick_only):
    pass


def files_of(server):
    return server.folder / 'appendonlydir'


def manifest_of(server):
    return (files_of(server) / 'appendonly.aof.manifest').read_text()


def info(connection, field):
    for line in connection.call('INFO', 'persistence').decode().splitlines():
        if line.startswith(field + ':'):
            return line.split(':', 1)[1]
    return None


def wait_for_rewrite(connection):
    wait_until(lambda: info(connection, 'aof_rewrite_in_progress') == info(connection, 'aof_rewrite_scheduled') == '0')
    assert info(connection, 'aof_last_bgrewrite_status') == 'ok'


def kill(server):
    server.process.kill()
    server.process.wait()
    server.log_path.write_bytes(b'')


def write_files(server, manifest, files):
    files_of(server).mkdir()
    (files_of(server) / 'appendonly.aof.manifest').write_text(manifest)
    for name, content in files.items():
        (files_of(server) / name).write_bytes(content)


ONE_FILE = 'file appendonly.aof.1.incr.aof seq 1 type i\n'


@pytest.mark.parametrize('rule', SYNC_RULES)
def test_a_restart_keeps_the_data(make_server, rule):
    server = make_server({'appendonly': 'yes', 'appendfsync': rule}).start()
    with server.connect() as client:
        for i in range(100):
            assert client.call('SET', f'key:{i}', i) == b'OK'
        client.call('MULTI')
        client.call('RPUSH', 'list', 'a', 'b')
        client.call('EXPIRE', 'list', 1000)
        client.call('EXEC')
    server.restart()
    with server.connect() as client:
        assert client.call('DBSIZE') == 101
        assert client.call('GET', 'key:99') == b'99'
        assert client.call('LRANGE', 'list', 0, -1) == [b'a', b'b']
        assert 990 < client.call('TTL', 'list') <= 1000


class Load(threading.Thread):
    """Counts up on one key, and remembers what was acknowledged last, with the time."""

    def __init__(self, server, key):
        super().__init__()
        self.server = server
        self.key = key
        self.acknowledged = []  # (value, monotonic time)

    def run(self):
        try:
            with self.server.connect() as client:
                value = 0
                while True:
                    value = client.call('INCR', self.key)
                    if not isinstance(value, int):
                        return
                    self.acknowledged.append((value, time.monotonic()))
        except (OSError, Closed):
            pass


@pytest.mark.parametrize('rule', SYNC_RULES)
def test_kill_under_load(make_server, rule):
    server = make_server({'appendonly': 'yes', 'appendfsync': rule, 'auto-aof-rewrite-min-size': '20kb'}).start()
    dice = random.Random()
    for round_number in range(KILL_ROUNDS):
        loads = [Load(server, f'counter:{i}') for i in range(4)]
        for load in loads:
            load.start()
        time.sleep(dice.uniform(0.05, 0.4))
        if round_number % 2 == 0:
            with server.connect() as client:
                client.call('BGREWRITEAOF')
        killed = time.monotonic()
        kill(server)
        for load in loads:
            load.join()
        server.start()
        with server.connect() as client:
            for load in loads:
                loaded = int(client.call('GET', load.key) or 0)
                # What the file may lack: nothing with always, else what was acknowledged in the last two seconds.
                due = [value for value, when in load.acknowledged if rule == 'always' or when < killed - 2]
                assert loaded >= (due[-1] if due else 0), server.log()
                assert loaded <= load.acknowledged[-1][0] + 1 if load.acknowledged else True


def test_the_end_of_the_process_alone_loses_nothing_acknowledged(make_server):
    """Without `always`, replies wait until the system has what they acknowledge, unless the file is being synced or goes
    over to another one: neither happens here."""
    server = make_server({'appendonly': 'yes', 'appendfsync': 'no', 'auto-aof-rewrite-percentage': '0'}).start()
    for _ in range(max(5, KILL_ROUNDS)):
        loads = [Load(server, f'counter:{i}') for i in range(4)]
        for load in loads:
            load.start()
        time.sleep(random.uniform(0.02, 0.2))
        kill(server)
        for load in loads:
            load.join()
        server.start()
        with server.connect() as client:
            for load in loads:
                loaded = int(client.call('GET', load.key) or 0)
                assert loaded >= (load.acknowledged[-1][0] if load.acknowledged else 0), server.log()


def test_replies_of_a_pipeline_come_in_order_and_readers_do_not_wait(make_server):
    server = make_server({'appendonly': 'yes', 'appendfsync': 'always'}).start()
    with server.connect() as client:
        for i in range(200):
            client.send(encode_command(['SET', f'key:{i}', i]) + encode_command(['GET', f'key:{i}']))
        for i in range(200):
            assert to_python(client.read_reply()) == b'OK'
            assert to_python(client.read_reply()) == str(i).encode()
        assert client.call('WAITAOF', 1, 0, 0) == [1, 0]


def test_a_blocked_client_is_answered_when_its_element_is_safe(make_server):
    server = make_server({'appendonly': 'yes', 'appendfsync': 'always'}).start()
    with server.connect() as waiter, server.connect() as client:
        waiter.send(encode_command(['BLPOP', 'list', 0]))
        wait_until(lambda: b'blocked_clients:1\r\n' in client.call('INFO', 'clients'))
        assert client.call('RPUSH', 'list', 'x') == 1
        assert to_python(waiter.read_reply()) == [b'list', b'x']
    kill(server)
    server.start()
    with server.connect() as client:
        assert client.call('EXISTS', 'list') == 0


def test_switched_on_and_off_while_serving(make_server):
    server = make_server().start()
    with server.connect() as client:
        client.call('SET', 'a', 1)
        assert client.call('CONFIG', 'SET', 'appendonly', 'yes') == b'OK'
        client.call('SET', 'b', 2)
        wait_for_rewrite(client)
        client.call('SET', 'c', 3)
        assert info(client, 'aof_enabled') == '1'
        assert client.call('CONFIG', 'SET', 'appendonly', 'no') == b'OK'
        assert info(client, 'aof_enabled') == '0'
        client.call('SET', 'd', 4)
    server.options['appendonly'] = 'yes'
    server.restart()
    with server.connect() as client:
        assert client.call('MGET', 'a', 'b', 'c', 'd') == [b'1', b'2', b'3', None]


def test_a_single_file_of_an_old_server_is_taken_over(make_server):
    server = make_server({'appendonly': 'yes'})
    (server.folder / 'appendonly.aof').write_bytes(SET_A)
    server.start()
    server.wait_log('Successfully migrated an old-style AOF')
    assert manifest_of(server) == ('file appendonly.aof seq 1 type b\n'
                                   'file appendonly.aof.1.incr.aof seq 1 type i\n')
    with server.connect() as client:
        assert client.call('GET', 'a') == b'1'


def test_a_torn_tail_is_cut_off_or_refused(make_server):
    group = b'*1\r\n$5\r\nMULTI\r\n' + SET_B + b'*1\r\n$4\r\nEXEC\r\n'
    for size in (1, 10, 20, len(group) - 1):
        server = make_server({'appendonly': 'yes'})
        write_files(server, ONE_FILE, {'appendonly.aof.1.incr.aof': SET_A + group[:size]})
        server.start()
        assert 'Truncating the AOF appendonly.aof.1.incr.aof at offset 27' in server.log()
        with server.connect() as client:
            assert client.call('MGET', 'a', 'b') == [b'1', None]
        server.dispose()
    server = make_server({'appendonly': 'yes', 'aof-load-truncated': 'no'})
    write_files(server, ONE_FILE, {'appendonly.aof.1.incr.aof': SET_A + group[:10]})
    server.spawn()
    assert server.wait() == 1
    assert 'Unexpected end of file reading the append only file' in server.log()


@pytest.mark.parametrize('manifest,line', [
    ('', 'Found an empty AOF manifest'),
    (ONE_FILE[:-1], 'The AOF manifest file contains too long line'),
    (ONE_FILE[:20] + '\n', 'Invalid AOF manifest file format'),
    (ONE_FILE.replace('type i', 'type x'), 'Unknown AOF file type'),
    (ONE_FILE + ONE_FILE, 'Found a non-monotonic sequence number'),
    (ONE_FILE.replace('.1.incr', '.7.incr'), 'Unable to obtain the AOF file appendonly.aof.7.incr.aof length'),
])
def test_a_bad_manifest_ends_the_start(make_server, manifest, line):
    server = make_server({'appendonly': 'yes'})
    write_files(server, manifest, {'appendonly.aof.1.incr.aof': SET_A})
    server.spawn()
    assert server.wait() == 1
    assert line in server.log()


@pytest.mark.parametrize('content,line', [
    (SET_A + b'hello', 'Bad file format reading the append only file'),
    (SET_A + b'*1\r\n$3\r\nFOO\r\n', "Unknown command 'FOO' reading the append only file"),
    (b'REDIS0011xxxx', 'Error reading the RDB base file appendonly.aof.1.incr.aof, AOF loading aborted'),
])
def test_bad_content_ends_the_start(make_server, content, line):
    server = make_server({'appendonly': 'yes'})
    write_files(server, ONE_FILE, {'appendonly.aof.1.incr.aof': content})
    server.spawn()
    assert server.wait() == 1
    assert line in server.log()


def test_a_corrupt_tail_is_cut_off_when_it_may_be(make_server):
    server = make_server({'appendonly': 'yes', 'aof-load-corrupt-tail-max-size': '10'})
    write_files(server, ONE_FILE, {'appendonly.aof.1.incr.aof': SET_A + b'hello'})
    server.start()
    assert (files_of(server) / 'appendonly.aof.1.incr.aof').read_bytes() == SET_A


def fill(client):
    """One of each type that the stock server has, and what its files must say of it."""
    client.call('SET', 'text', b'\x00\r\n \xff')
    client.call('SET', 'number', -17)
    client.call('SET', 'leaving', 'soon', 'EX', 10000)
    for i in range(200):
        client.call('RPUSH', 'list', i, f'item-{i}')
        client.call('SADD', 'set', f'member-{i}')
        client.call('SADD', 'numbers', i)
        client.call('ZADD', 'scores', i / 3, f'member-{i}')
        client.call('HSET', 'hash', f'field-{i}', i)
        client.call('HSET', 'large', f'field-{i}' * 10, 'x' * 100)
    client.call('XADD', 'stream', '1-1', 'f', 'v')
    client.call('XADD', 'stream', '1-2', 'g', 'w')
    client.call('XADD', 'stream', '2-1', 'f', 'v')
    client.call('XDEL', 'stream', '1-2')
    client.call('XGROUP', 'CREATE', 'stream', 'group', '0')
    client.call('XREADGROUP', 'GROUP', 'group', 'alice', 'COUNT', 1, 'STREAMS', 'stream', '>')
    client.call('SELECT', 9)
    client.call('SET', 'elsewhere', 1)
    client.call('SELECT', 0)


def contents(client):
    found = {}
    for key in client.call('KEYS', '*'):
        kind = client.call('TYPE', key)
        value = {
            b'string': lambda: client.call('GET', key),
            b'list': lambda: client.call('LRANGE', key, 0, -1),
            b'set': lambda: sorted(client.call('SMEMBERS', key)),
            b'zset': lambda: client.call('ZRANGE', key, 0, -1, 'WITHSCORES'),
            b'hash': lambda: sorted(zip(*[iter(client.call('HGETALL', key))] * 2)),
            b'stream': lambda: [client.call('XRANGE', key, '-', '+'), client.call('XPENDING', key, 'group'),
                                client.call('XINFO', 'STREAM', key)[13]],
        }[kind]()
        found[key] = (kind, value, client.call('PEXPIRETIME', key))
    client.call('SELECT', 9)
    found['elsewhere'] = client.call('GET', 'elsewhere')
    client.call('SELECT', 0)
    return found


@pytest.mark.skipif(STOCK is None, reason='there is no stock server here')
@pytest.mark.parametrize('preamble', ['yes', 'no'])
@pytest.mark.parametrize('direction', ['to the stock server', 'from the stock server'])
def test_files_cross(make_server, server_binary, direction, preamble):
    options = {'appendonly': 'yes', 'aof-use-rdb-preamble': preamble, 'aof-timestamp-enabled': 'yes'}
    binaries = [server_binary, STOCK] if direction.startswith('to') else [STOCK, server_binary]
    with ServerProcess(binaries[0], options).start() as first:
        with first.connect() as client:
            fill(client)
            client.call('BGREWRITEAOF')
            wait_for_rewrite(client)
            client.call('APPEND', 'number', 5)
            client.call('LPOP', 'list', 3)
            client.call('MULTI')
            client.call('SPOP', 'set')
            client.call('PEXPIRE', 'hash', 5000000)
            client.call('EXEC')
            expected = contents(client)
        first.stop()
        with ServerProcess(binaries[1], options) as second:
            shutil.copytree(files_of(first), files_of(second))
            second.start()
            with second.connect() as client:
                assert contents(client) == expected


def test_what_a_crash_left_behind_is_removed(make_server):
    server = make_server({'appendonly': 'yes'}).start()
    left_behind = files_of(server) / 'temp-rewriteaof-bg-1.aof'
    left_behind.write_bytes(b'x')
    server.restart()
    assert not left_behind.exists()
    assert pathlib.Path(files_of(server) / 'appendonly.aof.manifest').exists()


def test_a_start_at_an_earlier_second(make_server):
    server = make_server({'appendonly': 'yes', 'aof-timestamp-enabled': 'yes'}).start()
    with server.connect() as client:
        client.call('SET', 'a', 1)
        earlier = int(time.time())
        wait_until(lambda: time.time() >= earlier + 2)
        client.call('SET', 'a', 2)
    server.stop()
    files = {path.name: path.read_bytes() for path in files_of(server).iterdir()}
    server.options['aof-load-until'] = str(earlier)
    server.restart()
    with server.connect() as client:
        assert client.call('GET', 'a') == b'1'
        assert client.call('CONFIG', 'GET', 'appendonly')[1] == b'no'
        assert info(client, 'aof_enabled') == '0'
        client.call('SET', 'b', 1)
    assert 'the append-only file stays as it is and is off' in server.log()
    server.stop()
    assert files == {path.name: path.read_bytes() for path in files_of(server).iterdir()}
    del server.options['aof-load-until']
    server.restart()
    with server.connect() as client:
        assert client.call('MGET', 'a', 'b') == [b'2', None]
    server.options['aof-load-until'] = str(earlier)
    server.restart()
    with server.connect() as client:
        client.call('CONFIG', 'SET', 'appendonly', 'yes')  # now the past is the present
        wait_for_rewrite(client)
        client.call('SET', 'b', 1)
    del server.options['aof-load-until']
    server.restart()
    with server.connect() as client:
        assert client.call('MGET', 'a', 'b') == [b'1', b'1']


def test_a_start_before_the_base_is_refused(make_server):
    server = make_server({'appendonly': 'yes', 'aof-timestamp-enabled': 'yes'}).start()
    server.stop()
    server.options['aof-load-until'] = str(int(time.time()) - 100)
    server.log_path.write_bytes(b'')
    server.spawn()
    assert server.wait() == 1
    assert 'later than what is wanted' in server.log()


def test_debug_loadaof(make_server):
    server = make_server({'appendonly': 'yes', 'enable-debug-command': 'yes', 'threads': '2'}).start()
    with server.connect() as client:
        for i in range(1000):
            client.call('RPUSH', 'list', i)
        client.call('SELECT', 2)
        client.call('SET', 'x', 1, 'EX', 1000)
        digest = client.call('DEBUG', 'DIGEST')
        for _ in range(3):
            assert client.call('DEBUG', 'LOADAOF') == b'OK'
            assert client.call('DEBUG', 'DIGEST') == digest
        client.call('INCR', 'x')
        digest = client.call('DEBUG', 'DIGEST')
        (files_of(server) / 'appendonly.aof.manifest').rename(server.folder / 'manifest')
        (files_of(server) / 'appendonly.aof.manifest').write_text('nonsense\n')
        reply = client.call('DEBUG', 'LOADAOF')
        assert isinstance(reply, RuntimeError) and 'Error trying to load the AOF files' in str(reply)
        (server.folder / 'manifest').rename(files_of(server) / 'appendonly.aof.manifest')
        assert client.call('DEBUG', 'LOADAOF') == b'OK'
        assert client.call('DEBUG', 'DIGEST') == digest
        client.call('MULTI')
        client.call('DEBUG', 'LOADAOF')
        assert 'not possible in a transaction' in str(client.call('EXEC')[0])
    server.restart()
    with server.connect() as client:
        assert client.call('DEBUG', 'DIGEST') == digest
