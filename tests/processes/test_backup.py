"""BACKUP and preload-file: what was sealed comes back in another server, and nothing else does."""

import os
import re
import shutil
import threading
import time

import pytest
from resp import Closed
from server_process import ServerProcess
from waiting import wait_until

STOCK = shutil.which('redis-server')


@pytest.fixture(autouse=True)
def _only_kvick(kvick_only):
    pass


def status(connection):
    reply = connection.call('BACKUP', 'STATUS')
    return {name.decode(): value.decode() for name, value in zip(reply[::2], reply[1::2])}


def wait_for_state(connection, state):
    def reach():
        found = status(connection)
        assert found['state'] != 'failed', found
        return found if found['state'] == state else None

    return wait_until(reach, lambda: f'{state}: {status(connection)}')


def error_of(connection, *words):
    reply = connection.call(*words)
    assert isinstance(reply, RuntimeError), reply
    return str(reply)


def paths(connection):
    return [path.decode() for path in connection.call('BACKUP', 'LIST')]


def restored(make_server, manifest, **options):
    return make_server({'preload-file': f'aof:{manifest}', 'enable-debug-command': 'yes',
                        **{name.replace('_', '-'): value for name, value in options.items()}}).start()


def start(make_server, appendonly, **options):
    return make_server({'appendonly': appendonly, 'enable-debug-command': 'yes',
                        **{name.replace('_', '-'): value for name, value in options.items()}}).start()


class Transfers(threading.Thread):
    """Moves money between accounts in transactions: the sum stays, and a counter says how many there were."""

    ACCOUNTS = 20

    def __init__(self, server, number):
        super().__init__()
        self.server = server
        self.number = number
        self.done = 0
        self.is_over = False

    def run(self):
        try:
            with self.server.connect() as client:
                while not self.is_over:
                    source, target = self.done % self.ACCOUNTS, (self.done * 7 + self.number) % self.ACCOUNTS
                    client.call('MULTI')
                    client.call('DECRBY', f'account:{source}', 5)
                    client.call('INCRBY', f'account:{target}', 5)
                    client.call('INCR', f'transfers:{self.number}')
                    self.done = client.call('EXEC')[2]
        except (OSError, Closed):
            pass


@pytest.mark.parametrize('appendonly,preamble', [('yes', 'yes'), ('no', 'yes'), ('yes', 'no'), ('no', 'no')])
def test_a_backup_under_load_has_the_data_of_its_seal(make_server, appendonly, preamble):
    server = start(make_server, appendonly, aof_use_rdb_preamble=preamble)
    with server.connect() as client:
        for i in range(Transfers.ACCOUNTS):
            client.call('SET', f'account:{i}', 100)
        for i in range(3000):
            client.call('HSET', 'hash', f'field:{i}', 'x' * 50)
        client.call('SELECT', 3)
        client.call('SET', 'elsewhere', 1)
        client.call('SELECT', 0)
        loads = [Transfers(server, i) for i in range(4)]
        for load in loads:
            load.start()
        assert client.call('BACKUP', 'START') == b'OK'
        found = wait_for_state(client, 'incrementing')
        assert int(found['start_time']) > 0 and found['end_time'] == '0' and found['error'] == ''
        assert b'backup_in_progress:1' in client.call('INFO', 'persistence')
        assert len(paths(client)) == 1
        time.sleep(0.2)
        client.call('SELECT', 3)
        client.call('SET', 'elsewhere', 2)
        before = [load.done for load in loads]
        assert client.call('BACKUP', 'SEAL') == b'OK'
        after = [load.done for load in loads]
        client.call('SET', 'later', 1)
        assert int(status(client)['end_time']) > 0 and status(client)['state'] == 'sealed'
        assert b'backup_in_progress:0' in client.call('INFO', 'persistence')
        files = paths(client)
        time.sleep(0.1)
        for load in loads:
            load.is_over = True
            load.join()
    assert [os.path.basename(path).rsplit('.', 1)[1] for path in files] == [
        'rdb' if preamble == 'yes' else 'aof', 'aof', 'manifest']
    assert all(os.path.dirname(path) == str(server.folder / 'backupdir') for path in files)
    if appendonly == 'yes':
        live = server.folder / 'appendonlydir' / os.path.basename(files[0])
        assert os.path.samefile(live, files[0])
    contents = {path: open(path, 'rb').read() for path in files}
    with restored(make_server, files[-1]).connect() as client:
        assert sum(int(client.call('GET', f'account:{i}')) for i in range(Transfers.ACCOUNTS)) == 100 * Transfers.ACCOUNTS
        for i in range(4):
            # What was acknowledged before is in it; at most the one that was under way when it was answered is more.
            assert before[i] <= int(client.call('GET', f'transfers:{i}') or 0) <= after[i] + 1
        assert client.call('HLEN', 'hash') == 3000
        client.call('SELECT', 3)
        assert client.call('GET', 'elsewhere') == b'2'
        assert client.call('EXISTS', 'later') == 0
    assert contents == {path: open(path, 'rb').read() for path in files}


@pytest.mark.skipif(STOCK is None, reason='compares with redis-server, which is not installed')
@pytest.mark.parametrize('appendonly', ['yes', 'no'])
def test_the_stock_server_reads_a_backup(make_server, appendonly):
    server = start(make_server, appendonly)
    with server.connect() as client:
        client.call('SET', 'a', 1)
        client.call('BACKUP', 'START')
        wait_for_state(client, 'incrementing')
        client.call('SET', 'b', 2)
        assert client.call('BACKUP', 'SEAL') == b'OK'
    with ServerProcess(STOCK, {'appendonly': 'yes'}) as stock:
        shutil.copytree(server.folder / 'backupdir', stock.folder / 'appendonlydir')
        with stock.start().connect() as client:
            assert client.call('MGET', 'a', 'b') == [b'1', b'2']


def test_rewrites_go_on_while_changes_are_collected(make_server):
    server = start(make_server, 'yes')
    with server.connect() as client:
        client.call('SET', 'a', 1)
        client.call('BACKUP', 'START')
        wait_for_state(client, 'incrementing')
        for i in range(3):
            client.call('RPUSH', 'list', i)
            wait_until(lambda: client.call('BGREWRITEAOF') == b'Background append only file rewriting started',
                       'the last one, which is at its end, has ended')
            wait_until(lambda: b'aof_rewrite_in_progress:0' in client.call('INFO', 'persistence'))
        client.call('RPUSH', 'list', 3)
        assert client.call('BACKUP', 'SEAL') == b'OK'
        client.call('RPUSH', 'list', 4)
        files = paths(client)
        digest = client.call('DEBUG', 'DIGEST')
    assert len(files) == 6  # the base, an increment for each rewrite and one for the seal, the manifest
    with restored(make_server, files[-1]).connect() as client:
        assert client.call('LRANGE', 'list', 0, -1) == [b'0', b'1', b'2', b'3']
    server.restart()
    with server.connect() as client:
        assert client.call('DEBUG', 'DIGEST') == digest


@pytest.mark.parametrize('appendonly', ['yes', 'no'])
def test_the_order_of_steps(make_server, appendonly):
    server = start(make_server, appendonly, key_load_delay=0)
    with server.connect() as client:
        assert status(client) == {'state': 'idle', 'error': '', 'start_time': '0', 'end_time': '0'}
        assert paths(client) == []
        for step in ('SEAL', 'ABORT', 'CLEANUP'):
            assert error_of(client, 'BACKUP', step).startswith('ERR ')
        client.call('BACKUP', 'START')
        assert 'already in progress' in error_of(client, 'BACKUP', 'START')
        wait_for_state(client, 'incrementing')
        assert 'in progress' in error_of(client, 'BACKUP', 'CLEANUP')
        assert client.call('BACKUP', 'ABORT') == b'OK'
        assert status(client)['state'] == 'failed' and status(client)['error'] == 'aborted'
        assert paths(client) == []
        assert client.call('BACKUP', 'START') == b'OK'  # what is left of the failed one goes
        wait_for_state(client, 'incrementing')
        client.call('MULTI')
        client.call('SET', 'a', 1)
        client.call('BACKUP', 'SEAL')
        assert client.call('EXEC') == [b'OK', b'OK']
        for step in ('START', 'SEAL', 'ABORT'):
            assert error_of(client, 'BACKUP', step).startswith('ERR ')
        assert client.call('BACKUP', 'CLEANUP') == b'OK'
        assert status(client)['state'] == 'idle'
        assert os.listdir(server.folder / 'backupdir') == []


@pytest.mark.parametrize('appendonly', ['yes', 'no'])
def test_a_backup_waits_for_another_snapshot(make_server, appendonly):
    server = start(make_server, appendonly, rdb_key_save_delay=0)
    with server.connect() as client:
        client.call('DEBUG', 'POPULATE', 300000, 'key', 100)
        assert client.call('BGSAVE') == b'Background saving started'
        assert client.call('BACKUP', 'START') == b'OK'
        assert status(client)['state'] in ('pending', 'snapshotting', 'incrementing')
        wait_for_state(client, 'incrementing')
        assert client.call('SAVE') == b'OK'
        assert client.call('BACKUP', 'SEAL') == b'OK'
        files = paths(client)
    with restored(make_server, files[-1]).connect() as client:
        assert client.call('DBSIZE') == 300000


def test_a_save_in_the_midst_only_delays_it(make_server):
    server = start(make_server, 'no')
    with server.connect() as client:
        client.call('DEBUG', 'POPULATE', 300000, 'key', 100)
        client.call('BACKUP', 'START')
        assert client.call('SAVE') == b'OK'
        wait_for_state(client, 'incrementing')
        assert client.call('BACKUP', 'SEAL') == b'OK'
        assert len(paths(client)) == 3


def test_a_folder_that_is_not_empty_is_left_alone(make_server):
    server = start(make_server, 'no')
    precious = server.folder / 'backupdir' / 'precious'
    precious.parent.mkdir()
    precious.write_text('x')
    with server.connect() as client:
        assert 'not empty' in error_of(client, 'BACKUP', 'START')
        assert status(client)['state'] == 'idle'
        assert precious.read_text() == 'x'
        precious.unlink()
        (server.folder / 'backupdir').rmdir()
        (server.folder / 'backupdir').write_text('no folder')
        assert "Can't use the backup directory" in error_of(client, 'BACKUP', 'START')


@pytest.mark.parametrize('name', ['a/b', '..', '.', '', '/tmp'])
def test_the_folder_cannot_be_elsewhere(make_server, name):
    server = make_server({'backupdirname': [name]}).spawn()
    assert server.wait() == 1


def test_turning_the_file_off_fails_the_backup_and_nothing_else(make_server):
    server = start(make_server, 'yes')
    with server.connect() as client:
        client.call('BACKUP', 'START')
        wait_for_state(client, 'incrementing')
        client.call('CONFIG', 'SET', 'appendonly', 'no')
        assert status(client)['error'] == 'the append-only file was turned off'
        assert client.call('SET', 'a', 1) == b'OK'
        assert client.call('BACKUP', 'CLEANUP') == b'OK'
        # And without it, turning it on is no matter of the backup.
        client.call('BACKUP', 'START')
        wait_for_state(client, 'incrementing')
        assert client.call('CONFIG', 'GET', 'appendonly')[1] == b'no'
        client.call('CONFIG', 'SET', 'appendonly', 'yes')
        client.call('SET', 'b', 2)
        assert client.call('BACKUP', 'SEAL') == b'OK'
        files = paths(client)
        # The server does not end, asked politely, before the file that was turned on has its base.
        wait_until(lambda: re.search(rb'rewrite_in_progress:0\r\n(?s:.*)rewrite_scheduled:0\r\n',
                                     client.call('INFO', 'persistence')))
    with restored(make_server, files[-1]).connect() as client:
        assert client.call('MGET', 'a', 'b') == [b'1', b'2']


def test_a_sealed_backup_goes_by_itself_when_its_time_is_over(make_server):
    server = start(make_server, 'no', backup_sealed_ttl=1)
    with server.connect() as client:
        client.call('BACKUP', 'START')
        wait_for_state(client, 'incrementing')
        client.call('BACKUP', 'SEAL')
        wait_for_state(client, 'idle')
        assert os.listdir(server.folder / 'backupdir') == []


def test_a_kill_leaves_nothing_that_looks_like_a_backup(make_server):
    server = start(make_server, 'yes')
    with server.connect() as client:
        client.call('BACKUP', 'START')
        wait_for_state(client, 'incrementing')
    server.process.kill()
    server.process.wait()
    assert not list((server.folder / 'backupdir').glob('*.manifest'))
    server.log_path.write_bytes(b'')
    server.start()
    with server.connect() as client:
        assert status(client)['state'] == 'idle'
        assert 'not empty' in error_of(client, 'BACKUP', 'START')


def sealed(make_server, appendonly='no'):
    server = start(make_server, appendonly)
    with server.connect() as client:
        client.call('SET', 'a', 1)
        client.call('BACKUP', 'START')
        wait_for_state(client, 'incrementing')
        client.call('SET', 'b', 2)
        client.call('BACKUP', 'SEAL')
        return paths(client)


def test_the_configured_files_go_on_from_what_was_preloaded(make_server):
    files = sealed(make_server)
    server = start(make_server, 'yes')
    with server.connect() as client:
        client.call('SET', 'old', 1)
    server.options['preload-file'] = f'aof:{files[-1]}'
    server.restart()
    with server.connect() as client:
        assert client.call('MGET', 'a', 'b', 'old') == [b'1', b'2', None]
        assert client.call('SET', 'c', 3) == b'OK'
        assert client.call('WAITAOF', 1, 0, 0) == [1, 0]
    del server.options['preload-file']
    server.restart()
    with server.connect() as client:
        assert client.call('MGET', 'a', 'b', 'c', 'old') == [b'1', b'2', b'3', None]


def test_an_rdb_file_can_be_preloaded(make_server):
    files = sealed(make_server)
    server = make_server({'preload-file': f'rdb:{files[0]}'}).start()
    with server.connect() as client:
        assert client.call('MGET', 'a', 'b') == [b'1', None]
        assert client.call('CONFIG', 'GET', 'preload-file')[1].decode() == f'rdb:{files[0]}'


@pytest.mark.parametrize('damage,line', [
    (lambda files: 'rdb:/nowhere.rdb', 'there is no file /nowhere.rdb'),
    (lambda files: 'aof:/nowhere.manifest', 'there is no manifest /nowhere.manifest'),
    (lambda files: f'aof:{files[1]}', 'is not the name of a manifest'),
    (lambda files: os.truncate(files[1], os.path.getsize(files[1]) - 3), 'Unexpected end of file'),
    (lambda files: os.truncate(files[0], os.path.getsize(files[0]) - 3), 'Error reading the RDB base file'),
    (lambda files: os.remove(files[1]), 'Unable to obtain the AOF file'),
    (lambda files: 'zip:backup', 'preload-file must be'),
])
def test_a_broken_target_ends_the_start(make_server, damage, line):
    files = sealed(make_server)
    wanted = damage(files) or f'aof:{files[-1]}'
    sizes = [os.path.getsize(path) for path in files if os.path.exists(path)]
    server = make_server({'preload-file': wanted}).spawn()
    assert server.wait() == 1
    assert line in server.log()
    assert sizes == [os.path.getsize(path) for path in files if os.path.exists(path)]
