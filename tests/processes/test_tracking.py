"""CLIENT TRACKING: who caches is told of every change, in every mode, whoever made it and however."""

import random
import threading

import pytest

from resp import encode_command
from waiting import wait_until
from test_pubsub import assert_quiet, exchange, received, server, text  # noqa: F401  (a fixture)


@pytest.fixture
def cache(server):  # noqa: F811
    """A client that tracks, of the newer protocol."""
    client = server.connect()
    client.call('HELLO', '3')
    assert client.call('CLIENT', 'TRACKING', 'ON') == b'OK'
    return client


def invalidation(*keys):
    return ['>', 'invalidate', list(keys)]


def test_a_read_key_is_told_once(server, cache):  # noqa: F811
    with server.connect() as writer:
        cache.call('MGET', 'a', 'b')
        writer.call('SET', 'a', '1')
        writer.call('SET', 'a', '2')
        writer.call('SET', 'never read', '1')
        writer.call('LPUSH', 'b', '1')
        assert received(cache, 2) == [invalidation('a'), invalidation('b')]
        assert_quiet(cache)
        for change in (['DEL', 'b'], ['RENAME', 'a', 'b'], ['EXPIRE', 'b', '100'], ['PERSIST', 'b']):
            cache.call('TYPE', 'b')
            cache.call('EXISTS', 'b')
            writer.call(*change)
            assert received(cache) == [invalidation('b')], change
        cache.call('GET', 'b')
        writer.call('EVAL', "redis.call('incr', KEYS[1])", '1', 'b')
        assert received(cache) == [invalidation('b')]
        writer.call('SET', 'short', '1', 'PX', '1000')
        assert cache.call('GET', 'short') == b'1', 'it is read while it lives'
        assert received(cache) == [invalidation('short')]


def test_flushes_tell_of_everything(server, cache):  # noqa: F811
    with server.connect() as writer:
        for flush in ('FLUSHALL', 'FLUSHDB'):
            writer.call(flush)
            assert received(cache) == [['>', 'invalidate', None]]


def test_own_writes(server, cache):  # noqa: F811
    cache.call('GET', 'a')
    cache.send(encode_command(['SET', 'a', '1']))
    assert sorted(map(str, received(cache, 2))) == sorted(map(str, ['OK', invalidation('a')]))
    cache.call('CLIENT', 'TRACKING', 'OFF')
    cache.call('CLIENT', 'TRACKING', 'ON', 'NOLOOP')
    cache.call('GET', 'a')
    cache.call('SET', 'a', '2')
    assert_quiet(cache)


def test_own_writes_are_told_right_after_their_reply(server, cache):  # noqa: F811
    """Before any later reply: who goes on when his write is confirmed must not find the old value in his cache."""
    told = [invalidation('a')]
    expected = [None, 'OK', *told, '1', [None], 'OK', 'QUEUED', ['OK'], *told, '2', 5, *told, None, 'OK',
                ['>', 'invalidate', None], 'PONG']
    commands = [['GET', 'a'], ['SET', 'a', '1'], ['GET', 'a'], ['MGET', 'b'], ['MULTI'], ['SET', 'a', '2'], ['EXEC'],
                ['GET', 'a'], ['EVAL', "redis.call('del', KEYS[1]) return 5", '1', 'a'], ['GET', 'a'], ['FLUSHALL'],
                ['PING']]
    for _ in range(100):
        cache.send(b''.join(encode_command(command) for command in commands))
        assert received(cache, len(expected)) == expected
    assert_quiet(cache)


def test_opt_in_and_opt_out(server, cache):  # noqa: F811
    with server.connect() as writer:
        cache.call('CLIENT', 'TRACKING', 'OFF')
        cache.call('CLIENT', 'TRACKING', 'ON', 'OPTIN')
        cache.call('GET', 'a')
        cache.call('CLIENT', 'CACHING', 'YES')
        cache.call('GET', 'b')
        cache.call('GET', 'c')
        for key in 'abc':
            writer.call('SET', key, '1')
        assert received(cache) == [invalidation('b')]
        assert_quiet(cache)
        cache.call('CLIENT', 'TRACKING', 'OFF')
        cache.call('CLIENT', 'TRACKING', 'ON', 'OPTOUT')
        cache.call('CLIENT', 'CACHING', 'NO')
        cache.call('GET', 'a')
        cache.call('GET', 'b')
        for key in 'abc':
            writer.call('SET', key, '1')
        assert received(cache) == [invalidation('b')]
        assert_quiet(cache)


def test_broadcasts_by_prefix(server, cache):  # noqa: F811
    with server.connect() as writer:
        cache.call('CLIENT', 'TRACKING', 'OFF')
        cache.call('CLIENT', 'TRACKING', 'ON', 'BCAST', 'NOLOOP', 'PREFIX', 'a', 'PREFIX', 'b')
        writer.call('MSET', 'b2', '1', 'a2', '1', 'a1', '1', 'c', '1')
        assert received(cache, 2) == [invalidation('a1', 'a2'), invalidation('b2')]
        cache.call('SET', 'a', '1')
        assert_quiet(cache)
        assert 'tracking_total_prefixes:2\r\n' in writer.call('INFO', 'stats').decode()


def test_redirection(server):  # noqa: F811
    cache, listener, writer = server.connect(), server.connect(), server.connect()
    listener_id = listener.call('CLIENT', 'ID')
    assert cache.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', listener_id) == b'OK'
    assert cache.call('CLIENT', 'GETREDIR') == listener_id
    exchange(listener, 'SUBSCRIBE', '__redis__:invalidate')
    cache.call('GET', 'a')
    writer.call('SET', 'a', '1')
    assert received(listener) == [['message', '__redis__:invalidate', ['a']]]
    cache.call('HELLO', '3')
    listener.close()
    wait_until(lambda: len(writer.call('CLIENT', 'LIST', 'ID', listener_id)) == 0)
    cache.call('GET', 'a')
    writer.call('SET', 'a', '2')
    assert received(cache) == [['>', 'tracking-redir-broken', listener_id]]
    assert ' flags=tR ' in cache.call('CLIENT', 'INFO').decode()


def test_the_table_has_a_limit(server, cache):  # noqa: F811
    with server.connect() as admin:
        admin.call('CONFIG', 'SET', 'tracking-table-max-keys', '10')
        for number in range(30):
            cache.send(encode_command(['GET', f'key:{number}']))
        replies = received(cache, 30 + 20)
        assert sum(1 for reply in replies if reply is None) == 30
        assert sum(1 for reply in replies if reply is not None and reply[:2] == ['>', 'invalidate']) == 20
        stats = admin.call('INFO', 'stats').decode()
        assert 'tracking_total_keys:10\r\n' in stats and 'tracking_total_items:10\r\n' in stats
        assert 'tracking_clients:1\r\n' in admin.call('INFO', 'clients').decode()


def test_no_stale_value_in_a_cache(server):  # noqa: F811
    """Readers keep what they read until they are told; when all is quiet, what they hold is what the server has."""
    keys = [f'key:{number}' for number in range(20)]
    seed = random.randrange(10**9)
    print(f'seed {seed}')

    def write(number):
        choose = random.Random(seed + number)
        with server.connect() as client:
            for count in range(1500):
                client.send(encode_command(choose.choice((
                    ['SET', choose.choice(keys), f'{number} {count}'], ['DEL', choose.choice(keys)],
                    ['SET', choose.choice(keys), 'short', 'PX', '5']))))
                client.read_reply()

    class Reader:
        def __init__(self):
            self.client = server.connect()
            self.client.call('HELLO', '3')
            self.client.call('CLIENT', 'TRACKING', 'ON')
            self.held = {}

        def read(self, key):
            if key in self.held:
                return
            self.client.send(encode_command(['GET', key]))
            while True:
                kind, payload = self.client.read_reply()
                if kind != '>':
                    self.held[key] = payload
                    return
                self.note(payload)

        def note(self, push):
            for _, key in push[1][1]:
                self.held.pop(key.decode(), None)

        def settle(self):
            self.client.send(encode_command(['PING']))
            while True:
                kind, payload = self.client.read_reply()
                if kind != '>':
                    return
                self.note(payload)

    readers = [Reader() for _ in range(3)]
    writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]

    def read(reader):
        choose = random.Random(seed)
        while any(writer.is_alive() for writer in writers):
            reader.read(choose.choice(keys))
            if choose.random() < 0.1:
                reader.settle()

    for writer in writers:
        writer.start()
    threads = [threading.Thread(target=read, args=(reader,)) for reader in readers]
    for thread in threads:
        thread.start()
    for thread in (*writers, *threads):
        thread.join()
    with server.connect() as check:
        wait_until(lambda: b'expires=' not in check.call('INFO', 'keyspace') or
                   b'expires=0' in check.call('INFO', 'keyspace'), 'what is short-lived has expired')

        def stale():
            for reader in readers:
                reader.settle()
            return [key for reader in readers for key, value in reader.held.items() if value != check.call('GET', key)]

        # What another worker tells of may still be on its way; a value that nobody tells of stays stale.
        wait_until(lambda: not stale(), stale)
