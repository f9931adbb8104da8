"""Data that moves between kvick and redis-server: by DUMP and RESTORE, by MIGRATE, and as RDB files."""

import contextlib
import shutil
import signal
import threading

import pytest

from data_set import contents, fill
from server_process import ServerProcess
from waiting import PATIENCE_MS, wait_until

STOCK = '/usr/bin/redis-server'


@pytest.fixture
def stock():
    if shutil.which(STOCK) is None:
        pytest.skip('no redis-server')
    server = ServerProcess(STOCK, {'enable-debug-command': 'yes'})
    yield server.start()
    server.dispose()


@pytest.fixture(params=(1, 4), ids=('1 thread', '4 threads'))
def kvick(request, make_server, kvick_only):
    return make_server({'io-threads': str(request.param), 'enable-debug-command': 'yes'}).start()


@pytest.fixture(params=('to stock', 'from stock'))
def pair(request, kvick, stock):
    """(source, target)"""
    # redis-server 7.0 reads version 10: what an idle consumer's times need beyond that is left out.
    with kvick.connect() as client:
        assert client.call('CONFIG', 'SET', 'rdb-version', '10') == b'OK'
    return (kvick, stock) if request.param == 'to stock' else (stock, kvick)


def assert_same(expected, found):
    assert sorted(expected) == sorted(found)
    differing = [key for key in expected if expected[key] != found[key]]
    assert not differing, (differing[0], expected[differing[0]], found[differing[0]])


def test_values_move_by_dump_and_restore(pair):
    source, target = pair
    with source.connect() as a, target.connect() as b:
        fill(a)
        expected = contents(a)
        for database, key in expected:
            a.call('SELECT', database)
            b.call('SELECT', database)
            payload = a.call('DUMP', key)
            assert b.call('RESTORE', key, max(a.call('PTTL', key), 0), payload) == b'OK', key
        assert_same(expected, contents(b))


def test_values_move_by_migrate(pair):
    source, target = pair
    with source.connect() as a, target.connect() as b:
        fill(a)
        expected = contents(a)
        for database in (0, 3):
            keys = [key for number, key in expected if number == database]
            a.call('SELECT', database)
            half = len(keys) // 2
            for key in keys[:half]:
                assert a.call('MIGRATE', '127.0.0.1', target.port, key, database, PATIENCE_MS) == b'OK'
            assert a.call('MIGRATE', '127.0.0.1', target.port, '', database, PATIENCE_MS, 'KEYS', *keys[half:]) == b'OK'
        assert contents(a) == {}
        assert_same(expected, contents(b))


def test_files_move(pair):
    source, target = pair
    with source.connect() as a:
        fill(a)
        a.call('FUNCTION', 'LOAD', "#!lua name=lib\nredis.register_function('f', function() return 1 end)")
        expected = contents(a)
        assert a.call('SAVE') == b'OK'
        digest = a.call('DEBUG', 'DIGEST')
    shutil.copy(source.folder / 'dump.rdb', target.folder / 'dump.rdb')
    target.restart()
    with target.connect() as b:
        assert_same(expected, contents(b))
        assert b.call('FCALL', 'f', 0) == 1
        # And back: the digest is the same server's.
        assert b.call('SAVE') == b'OK'
    shutil.copy(target.folder / 'dump.rdb', source.folder / 'dump.rdb')
    source.restart()
    with source.connect() as a:
        assert a.call('DEBUG', 'DIGEST') == digest


@contextlib.contextmanager
def on_its_way(source, target, key):
    """A MIGRATE waits for its target, which stands still until the block is left. Then the key has been moved."""
    with source.connect() as client, source.connect() as observer:
        replies = []
        moving = threading.Thread(
            target=lambda: replies.append(client.call('MIGRATE', '127.0.0.1', target.port, key, 0, PATIENCE_MS)))
        target.signal(signal.SIGSTOP)
        try:
            moving.start()
            wait_until(lambda: b' cmd=migrate ' in observer.call('CLIENT', 'LIST'))
            yield
            assert replies == []
        finally:
            target.signal(signal.SIGCONT)
            moving.join()
        assert replies == [b'OK']


def test_a_key_that_changes_while_it_is_sent_arrives_as_it_is_at_the_end(kvick, stock):
    """The network is waited for without the key's lock: what is written meanwhile must not be lost."""
    with kvick.connect() as writer, stock.connect() as b:
        writer.call('SET', 'counter', 0)
        with on_its_way(kvick, stock, 'counter'):
            assert [writer.call('INCR', 'counter') for _ in range(5)] == [1, 2, 3, 4, 5]
        assert b.call('GET', 'counter') == b'5'
        assert writer.call('EXISTS', 'counter') == 0


def test_a_key_that_is_deleted_while_it_is_sent_is_nowhere_at_the_end(kvick, stock):
    with kvick.connect() as writer, stock.connect() as b:
        writer.call('SET', 'key', 'value')
        with on_its_way(kvick, stock, 'key'):
            assert writer.call('DEL', 'key') == 1
        assert b.call('EXISTS', 'key') == 0


def test_migrate_in_a_transaction_keeps_its_locks(kvick, stock):
    with kvick.connect() as a, stock.connect() as b:
        a.call('SET', 'key', 'value')
        a.call('MULTI')
        a.call('MIGRATE', '127.0.0.1', stock.port, 'key', 0, PATIENCE_MS)
        a.call('SET', 'key', 'another')
        assert a.call('EXEC') == [b'OK', b'OK']
        assert b.call('GET', 'key') == b'value'


def test_migrate_deletes_only_what_was_acknowledged(kvick, stock):
    with kvick.connect() as a, stock.connect() as b:
        for key in ('one', 'two', 'three'):
            a.call('SET', key, key)
        b.call('SET', 'two', 'in the way')
        error = a.call('MIGRATE', '127.0.0.1', stock.port, '', 0, PATIENCE_MS, 'KEYS', 'one', 'two', 'missing', 'three')
        assert str(error) == ('ERR Target instance replied with error: BUSYKEY Target key name already exists.')
        assert a.call('KEYS', '*') == [b'two']
        assert a.call('MIGRATE', '127.0.0.1', stock.port, 'two', 0, PATIENCE_MS, 'REPLACE') == b'OK'
        assert [b.call('GET', key) for key in ('one', 'two', 'three')] == [b'one', b'two', b'three']
        assert a.call('MIGRATE', '127.0.0.1', stock.port, 'two', 0, PATIENCE_MS) == b'NOKEY'


def test_migrate_authenticates(kvick, stock):
    with kvick.connect() as a, stock.connect() as b:
        b.call('ACL', 'SETUSER', 'mover', 'on', '>word', '~*', '+@all')
        b.call('CONFIG', 'SET', 'requirepass', 'secret')
        a.call('SET', 'key', 'value')
        assert 'NOAUTH' in str(a.call('MIGRATE', '127.0.0.1', stock.port, 'key', 0, PATIENCE_MS))
        assert 'WRONGPASS' in str(a.call('MIGRATE', '127.0.0.1', stock.port, 'key', 0, PATIENCE_MS, 'AUTH', 'x'))
        assert a.call('MIGRATE', '127.0.0.1', stock.port, 'key', 0, PATIENCE_MS, 'COPY', 'AUTH', 'secret') == b'OK'
        assert a.call('MIGRATE', '127.0.0.1', stock.port, 'key', 2, PATIENCE_MS, 'AUTH2', 'mover', 'word') == b'OK'
        assert a.call('EXISTS', 'key') == 0
        assert b.call('DBSIZE') == 1


def test_a_stream_goes_to_an_older_server_without_what_it_does_not_know(kvick, stock):
    with kvick.connect() as a, stock.connect() as b:
        a.call('XADD', 'stream', '1-1', 'f', 'v')
        a.call('XGROUP', 'CREATE', 'stream', 'g', '0')
        a.call('XGROUP', 'CREATECONSUMER', 'stream', 'g', 'never')
        assert a.call('MIGRATE', '127.0.0.1', stock.port, 'stream', 0, PATIENCE_MS) == b'OK'
        assert b.call('XLEN', 'stream') == 1
        assert len(b.call('XINFO', 'CONSUMERS', 'stream', 'g')) == 1
