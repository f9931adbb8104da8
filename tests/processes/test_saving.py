"""RDB files: SAVE, BGSAVE, save points, the end of the process, loading, and what happens when the disk does not help."""

import os
import signal
import subprocess
import time

import pytest

import process_figures
from prefixed_server import PrefixedServer
from resp import encode_command
from waiting import assert_becomes, wait_until


def error_of(connection, *words):
    """The text of the error that must be the reply."""
    reply = connection.call(*words)
    assert isinstance(reply, RuntimeError), reply
    return str(reply)


def info(connection, section='persistence'):
    text = connection.call('INFO', section).decode()
    return dict(line.split(':', 1) for line in text.splitlines() if ':' in line)


def fill(connection):
    """A key of each type, small and large, and a function."""
    connection.call('SET', 'text', 'hello')
    connection.call('SET', 'number', '12345')
    connection.call('SET', 'long', 'x' * 5000)
    connection.call('SET', 'expiring', 'x', 'PX', '1000000')
    for kind in ('small', 'large'):
        count = 5 if kind == 'small' else 3000
        names = [f'part{i}' for i in range(count)]
        connection.call('RPUSH', f'{kind}:list', *names)
        connection.call('SADD', f'{kind}:set', *names)
        connection.call('HSET', f'{kind}:hash', *[word for name in names for word in (name, name * 2)])
        connection.call('ZADD', f'{kind}:sorted', *[word for i, name in enumerate(names) for word in (i / 2, name)])
    connection.call('SADD', 'integers', *range(100))
    connection.call('XADD', 'stream', '1-1', 'field', 'value')
    connection.call('XADD', 'stream', '1-2', 'field', 'value')
    connection.call('XGROUP', 'CREATE', 'stream', 'group', '0')
    connection.call('XREADGROUP', 'GROUP', 'group', 'consumer', 'COUNT', '1', 'STREAMS', 'stream', '>')
    connection.call('SELECT', '9')
    connection.call('SET', 'elsewhere', '1')
    connection.call('SELECT', '0')
    connection.call('FUNCTION', 'LOAD', '#!lua name=lib\nredis.register_function("one", function() return 1 end)')


def start(make_server, **options):
    return make_server({'enable-debug-command': 'yes', 'enable-protected-configs': 'yes', **{k.replace('_', '-'): v for k, v in options.items()}}).start()


def test_what_a_waiting_client_takes_is_a_change(make_server):
    server = start(make_server)
    with server.connect() as waiting, server.connect() as control:
        waiting.send(encode_command(['BLPOP', 'list', '0']))
        wait_until(lambda: info(control, 'clients')['blocked_clients'] == '1')
        control.call('RPUSH', 'list', 'element')
        assert waiting.read_reply()
        assert_becomes(lambda: info(control)['rdb_changes_since_last_save'], '2')


@pytest.mark.parametrize('command', ['SAVE', 'BGSAVE'])
def test_saved_data_is_there_after_a_restart(make_server, command):
    server = start(make_server)
    with server.connect() as connection:
        fill(connection)
        digest = connection.call('DEBUG', 'DIGEST')
        reply = connection.call(command)
        assert reply == (b'OK' if command == 'SAVE' else b'Background saving started')
        wait_until(lambda: info(connection)['rdb_bgsave_in_progress'] == '0')
        assert info(connection)['rdb_last_bgsave_status'] == 'ok'
        assert info(connection)['rdb_changes_since_last_save'] == '0'
    assert 'DB saved on disk' in server.log()
    assert not list(server.folder.glob('temp-*'))
    server.signal(signal.SIGKILL)
    server.wait()
    server.restart()
    assert 'DB loaded from disk' in server.log()
    with server.connect() as connection:
        assert connection.call('DEBUG', 'DIGEST') == digest
        assert connection.call('DBSIZE') == 14
        assert connection.call('FCALL', 'one', '0') == 1
        assert connection.call('PTTL', 'expiring') > 0
        assert info(connection)['rdb_last_load_keys_loaded'] == '15'


def test_the_end_saves_when_there_are_save_points(make_server):
    server = start(make_server, save=['3600', '1'])
    with server.connect() as connection:
        connection.call('SET', 'a', '1')
    server.restart()
    with server.connect() as connection:
        assert connection.call('GET', 'a') == b'1'
        connection.call('SET', 'a', '2')
        connection.send(encode_command(['SHUTDOWN', 'NOSAVE']))
    server.wait()
    server.restart()
    with server.connect() as connection:
        assert connection.call('GET', 'a') == b'1'


def test_a_save_point_saves(make_server):
    server = start(make_server, save=['1', '2'])
    with server.connect() as connection:
        connection.call('SET', 'a', '1')
        connection.call('SET', 'b', '1')
        server.wait_log('2 changes in 1 seconds. Saving...')
        server.wait_log('Background saving terminated with success')
        assert info(connection)['rdb_saves'] == '1' if 'rdb_saves' in info(connection) else True
    assert (server.folder / 'dump.rdb').exists()


def test_flushall_empties_the_file_too(make_server):
    server = start(make_server, save=['3600', '1'])
    with server.connect() as connection:
        connection.call('SET', 'a', '1')
        connection.call('SAVE')
        size = (server.folder / 'dump.rdb').stat().st_size
        connection.call('FLUSHALL')
        assert (server.folder / 'dump.rdb').stat().st_size < size


def test_reload_in_its_forms(make_server):
    server = start(make_server)
    with server.connect() as connection:
        fill(connection)
        digest = connection.call('DEBUG', 'DIGEST')
        assert connection.call('DEBUG', 'RELOAD') == b'OK'
        assert connection.call('DEBUG', 'DIGEST') == digest
        connection.call('SET', 'text', 'changed')
        connection.call('SET', 'new', '1')
        assert connection.call('DEBUG', 'RELOAD', 'NOSAVE', 'NOFLUSH', 'MERGE') == b'OK'
        assert connection.call('GET', 'text') == b'hello'
        assert connection.call('GET', 'new') == b'1'
        assert connection.call('DEBUG', 'RELOAD', 'NOSAVE') == b'OK'
        assert connection.call('DEBUG', 'DIGEST') == digest
        assert 'only supports the MERGE, NOFLUSH and NOSAVE options' in error_of(connection, 'DEBUG', 'RELOAD', 'SIDEWAYS')


def test_errors_of_the_commands(make_server):
    server = start(make_server)
    with server.connect() as connection:
        for words, text in (
            (['BGSAVE', 'NOW'], 'ERR syntax error'),
            (['BGSAVE', 'SCHEDULE', 'x'], 'ERR syntax error'),
            (['SAVE', 'x'], "ERR wrong number of arguments for 'save' command"),
        ):
            assert error_of(connection, *words) == text
        connection.call('MULTI')
        assert 'not allowed inside a transaction' in error_of(connection, 'SAVE')
        connection.call('DISCARD')
        connection.call('MULTI')
        assert connection.call('BGSAVE') == b'QUEUED'
        assert connection.call('EXEC') == [b'Background saving scheduled']
        wait_until(lambda: info(connection)['rdb_bgsave_in_progress'] == '0' and
                 (server.folder / 'dump.rdb').exists())


def test_a_folder_that_takes_no_file(make_server):
    """The old file stays, writes are refused until a save succeeds, reading goes on."""
    server = start(make_server, save=['3600', '1000000'])
    with server.connect() as connection:
        connection.call('SET', 'a', '1')
        connection.call('SAVE')
        before = (server.folder / 'dump.rdb').read_bytes()
        (server.folder / 'away').mkdir()
        connection.call('CONFIG', 'SET', 'dir', str(server.folder / 'away'))
        (server.folder / 'away').rmdir()
        error_of(connection, 'SAVE')
        connection.call('SET', 'a', '2')  # only a save in the background makes the server refuse
        connection.call('BGSAVE')
        wait_until(lambda: info(connection)['rdb_last_bgsave_status'] == 'err')
        assert error_of(connection, 'SET', 'a', '3').startswith('MISCONF Redis is configured to save RDB snapshots')
        assert connection.call('GET', 'a') == b'2'
        connection.call('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no')
        assert connection.call('SET', 'a', '3') == b'OK'
        connection.call('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'yes')
        # The end would save, cannot, and so does not come.
        assert 'Errors trying to SHUTDOWN' in error_of(connection, 'SHUTDOWN', 'SAVE')
        assert (server.folder / 'dump.rdb').read_bytes() == before
        connection.call('CONFIG', 'SET', 'dir', str(server.folder))
        connection.call('BGSAVE')
        wait_until(lambda: info(connection)['rdb_last_bgsave_status'] == 'ok')
        assert connection.call('SET', 'a', '4') == b'OK'


@pytest.mark.parametrize('damage', ['cut', 'flipped', 'no rdb'])
def test_a_damaged_file_is_refused_at_start(make_server, damage):
    server = start(make_server)
    with server.connect() as connection:
        fill(connection)
        connection.call('SAVE')
    server.stop()
    path = server.folder / 'dump.rdb'
    content = bytearray(path.read_bytes())
    if damage == 'cut':
        content = content[:len(content) // 2]
    elif damage == 'flipped':
        content[-20] ^= 0xff
    else:
        content[:5] = b'MYRDB'
    path.write_bytes(content)
    server.log_path.write_bytes(b'')
    server.spawn()
    assert server.wait() == 1
    assert path.read_bytes() == content
    if damage == 'no rdb':
        assert 'Wrong signature trying to load DB from file' in server.log()


def test_expired_keys_are_not_loaded(make_server):
    server = start(make_server)
    with server.connect() as connection:
        connection.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0')
        connection.call('SET', 'gone', '1', 'PX', '50')
        connection.call('SET', 'stays', '1')
        connection.call('SAVE')
    server.signal(signal.SIGKILL)
    server.wait()
    time.sleep(0.1)
    server.restart()
    with server.connect() as connection:
        assert connection.call('DBSIZE') == 1
        assert info(connection)['rdb_last_load_keys_expired'] == '1'


def test_writers_during_a_save(make_server, kvick_only):
    """A file that was written while everything was overwritten and removed holds the moment it was asked for."""
    server = start(make_server, threads='2')
    with server.connect() as connection:
        connection.call('DEBUG', 'POPULATE', '200000', 'key', '50')
        connection.call('EVAL', "for i=1,100000 do redis.call('hset', 'big', 'f'..i, i) end", '0')
        digest = connection.call('DEBUG', 'DIGEST')
        with server.connect() as writer:
            assert connection.call('BGSAVE') == b'Background saving started'
            round_number = 0
            while info(connection)['rdb_bgsave_in_progress'] == '1':
                round_number += 1
                for i in range(0, 1000):
                    key = (round_number * 1000 + i) % 200000
                    writer.call('SET', f'key:{key}', 'y' * (i % 90))
                    writer.call('HSET', 'big', f'f{key % 100000 + 1}', 'changed')
                writer.call('HDEL', 'big', *[f'f{i}' for i in range(round_number * 500, round_number * 500 + 500)])
        server.signal(signal.SIGKILL)
        server.wait()
    server.restart()
    with server.connect() as connection:
        assert connection.call('DEBUG', 'DIGEST') == digest


def test_clients_are_told_while_the_file_is_loaded(make_server, kvick_only):
    """Loading goes on slowly until they have been told some times."""
    count = 100_000
    server = start(make_server)
    with server.connect() as connection:
        connection.call('DEBUG', 'POPULATE', count, 'key', '100')
        connection.call('SAVE')
    server.options['key-load-delay'] = '1000'
    server.stop()
    server.log_path.write_bytes(b'')
    server.spawn()
    server.wait_log('Server initialized')
    with server.connect() as connection:
        for _ in range(10):
            assert error_of(connection, 'GET', 'key:1') == 'LOADING Redis is loading the dataset in memory'
            fields = info(connection)
            assert fields['loading'] == '1'
            assert int(fields['loading_loaded_bytes']) <= int(fields['loading_total_bytes'])
        assert connection.call('CONFIG', 'SET', 'key-load-delay', '0') == b'OK'
        wait_until(lambda: not isinstance(connection.call('GET', 'key:1'), RuntimeError))
        assert connection.call('DBSIZE') == count
    assert os.path.getsize(server.folder / 'dump.rdb') > 1_000_000


def test_a_save_has_its_share_of_a_busy_processor(server_binary, kvick_only):
    """Beside a program that is never idle it gets as much of the time as is its due, or somewhat less; not next to none."""
    processor = str(max(os.sched_getaffinity(0)))
    busy = ['taskset', '-c', processor, 'sh', '-c', 'while :; do :; done']
    options = {'enable-debug-command': 'yes', 'threads': '1'}
    with PrefixedServer(['taskset', '-c', processor], server_binary, options=options).start() as server:
        with server.connect() as connection, subprocess.Popen(busy) as other:
            try:
                connection.call('DEBUG', 'POPULATE', '300000', 'key', '100')
                assert connection.call('BGSAVE') == b'Background saving started'
                ran_s = waited_s = 0
                while info(connection)['rdb_bgsave_in_progress'] == '1':
                    ran_s, waited_s = process_figures.scheduled_seconds(server.pid, 'kvick-snapshot') or (ran_s, waited_s)
            finally:
                other.kill()
    assert ran_s > 0.02 * waited_s, f'it ran for {ran_s:.3f} s and waited for {waited_s:.3f} s'
