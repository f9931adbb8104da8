"""maxmemory: what a server holds stays below it, whatever clients send."""

import pathlib
import random
import subprocess
import sys
import threading
import time

import pytest

from waiting import PATIENCE_S, wait_until

MIB = 1 << 20


def info(client, section):
    lines = client.call('INFO', section).decode().splitlines()
    return dict(line.split(':', 1) for line in lines if ':' in line)


def used_memory(client):
    return int(info(client, 'memory')['used_memory'])


def overshoot_max(limit):
    return max(limit // 100, MIB)


def fill(server, seed, count, value_size_max, failures):
    """Sets keys with values of various sizes, many in flight."""
    choose = random.Random(seed)
    with server.connect() as client:
        for start in range(0, count, 50):
            for i in range(start, start + 50):
                value = b'v' * choose.randrange(1, value_size_max)
                name = b'key:%d:%d' % (seed, i)
                client.send(b'*3\r\n$3\r\nSET\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n' % (len(name), name, len(value), value))
            for _ in range(50):
                reply = client.read_reply()
                if reply != ('+', b'OK'):
                    failures.append(reply)


@pytest.mark.parametrize('policy', ['allkeys-lru', 'allkeys-lfu', 'allkeys-random'])
@pytest.mark.parametrize('lazy', ['no', 'yes'])
def test_memory_stays_below_its_limit(make_server, kvick_only, policy, lazy):
    limit = 24 * MIB
    server = make_server({'threads': '2', 'maxmemory': str(limit), 'maxmemory-policy': policy,
                          'lazyfree-lazy-eviction': lazy}).start()
    failures, highest = [], 0
    # Three times what there is room for.
    fillers = [threading.Thread(target=fill, args=(server, seed, 10_000, 8_000, failures)) for seed in (1, 2)]
    with server.connect() as watcher:
        for thread in fillers:
            thread.start()
        while any(thread.is_alive() for thread in fillers):
            highest = max(highest, used_memory(watcher))
            time.sleep(0.01)
        for thread in fillers:
            thread.join()
        highest = max(highest, used_memory(watcher))
        assert failures == []
        assert highest <= limit + overshoot_max(limit)
        assert highest > limit * 9 // 10
        # What was left to do when the last client was answered is done between two readings at most.
        wait_until(lambda: int(info(watcher, 'stats')['evicted_keys']) == 20_000 - watcher.call('DBSIZE'),
                   lambda: f'{info(watcher, "stats")["evicted_keys"]} evicted, {watcher.call("DBSIZE")} left')
        assert info(watcher, 'memory')['maxmemory_policy'] == policy


def test_a_lower_limit_is_kept_without_further_commands(make_server, kvick_only):
    server = make_server({'threads': '2', 'maxmemory-policy': 'allkeys-lru'}).start()
    with server.connect() as client:
        for start in range(0, 60_000, 100):
            words = []
            for i in range(start, start + 100):
                words += ['key:%d' % i, 'v' * 200]
            client.call('MSET', *words)
        used = used_memory(client)
        limit = used - 10 * MIB
        client.call('CONFIG', 'SET', 'maxmemory', limit)
        # Nobody asks meanwhile: one command alone would evict some hundred keys at most.
        time.sleep(1)
        wait_until(lambda: used_memory(client) <= limit, pause_s=1)
        assert client.call('DBSIZE') < 60_000
        assert client.call('DBSIZE') > 1_000


def test_without_eviction_writes_are_refused_and_the_rest_is_served(make_server):
    limit = 24 * MIB
    server = make_server({'maxmemory': str(limit), 'maxmemory-policy': 'noeviction'}).start()
    with server.connect() as client:
        refusal = None
        for i in range(20_000):
            client.send(b'*3\r\n$3\r\nSET\r\n$8\r\nk%07d\r\n$4000\r\n%b\r\n' % (i, b'v' * 4000))
            reply = client.read_reply()
            if reply != ('+', b'OK'):
                refusal = reply
                break
        assert refusal == ('-', b"OOM command not allowed when used memory > 'maxmemory'.")
        assert limit * 9 // 10 < used_memory(client) <= limit + overshoot_max(limit)
        held = client.call('DBSIZE')
        assert client.call('GET', 'k0000000') == b'v' * 4000
        assert int(info(client, 'stats')['evicted_keys']) == 0
        # Room for new keys comes from deleted ones.
        for i in range(300):
            assert client.call('DEL', 'k%07d' % i) == 1
        assert client.call('SET', 'new', 'v') == b'OK'
        assert client.call('DBSIZE') == held - 299


def test_keys_that_do_not_expire_are_kept_and_the_others_go(make_server):
    server = make_server({'maxmemory': str(24 * MIB), 'maxmemory-policy': 'volatile-ttl'}).start()
    with server.connect() as client:
        for i in range(500):
            assert client.call('SET', 'kept:%d' % i, 'v') == b'OK'
        for i in range(10_000):
            assert client.call('SET', 'key:%d' % i, 'v' * 4000, 'EX', 10_000 - i // 2) == b'OK'
        assert int(info(client, 'stats')['evicted_keys']) > 1_000
        assert client.call('EXISTS', *['kept:%d' % i for i in range(500)]) == 500


def test_big_values_make_room_for_each_other(make_server, kvick_only):
    limit = 40 * MIB
    server = make_server({'maxmemory': str(limit), 'maxmemory-policy': 'allkeys-lru'}).start()
    with server.connect() as client:
        for i in range(100):
            # One command takes what it takes: the room is made before the next.
            assert client.call('SETRANGE', 'key:%d' % i, MIB, 'x') == MIB + 1
            assert used_memory(client) <= limit + overshoot_max(limit) + MIB
        assert int(info(client, 'stats')['evicted_keys']) > 50


def test_evicted_keys_are_told_of(make_server):
    server = make_server({'maxmemory-policy': 'allkeys-random', 'notify-keyspace-events': 'Ee'}).start()
    with server.connect() as client, server.connect() as listener, server.connect() as tracker:
        client.call('SET', 'a', '1')
        tracker.call('HELLO', '3')
        tracker.call('CLIENT', 'TRACKING', 'ON')
        tracker.call('GET', 'a')
        listener.call('SUBSCRIBE', '__keyevent@0__:evicted')
        client.call('CONFIG', 'SET', 'maxmemory', '1')
        assert listener.read_reply() == ('*', [('$', b'message'), ('$', b'__keyevent@0__:evicted'), ('$', b'a')])
        assert tracker.read_reply() == ('>', [('$', b'invalidate'), ('*', [('$', b'a')])])
        assert client.call('DBSIZE') == 0
        # No key is left to evict.
        assert str(client.call('SET', 'b', '1')).startswith('OOM command not allowed')


@pytest.mark.parametrize('policy', ['allkeys-lru', 'allkeys-lfu'])
def test_keys_that_come_once_do_not_displace_those_that_are_used(make_server, kvick_only, policy):
    server = make_server({'maxmemory': str(8 * MIB), 'maxmemory-policy': policy}).start()
    used = [b'used:%d' % number for number in range(1000)]
    with server.connect() as client:
        for name in used:
            client.call('SET', name, 'v' * 100)
        for _ in range(5):
            client.call('MGET', *used)
        # Several times what there is room for. Between two uses of a key come more others than that, and so the order of
        # the last uses alone would not keep it; how many seconds all that takes makes no difference.
        for start in range(0, 150_000, 100):
            if start % 50_000 == 0:
                client.call('MGET', *used)
            for number in range(start, start + 100):
                client.send(b'*3\r\n$3\r\nSET\r\n$11\r\nonce:%06d\r\n$100\r\n%b\r\n' % (number, b'v' * 100))
            for _ in range(100):
                assert client.read_reply() == ('+', b'OK')
        assert int(info(client, 'stats')['evicted_keys']) > 50_000
        assert client.call('DBSIZE') < 50_000
        # Their share of what was there at any time, if all keys were alike, would be next to none.
        assert client.call('EXISTS', *used) >= 900


def test_churn_at_the_limit_leaves_memory_where_it_is(make_server, kvick_only):
    """The short form of `./dev soak memory`."""
    server = make_server({'threads': '2'}).start()
    script = pathlib.Path(__file__).resolve().parents[1] / 'stress/memory.py'
    command = [sys.executable, str(script), '--port', str(server.port), '--minutes', '0.6']
    done = subprocess.run(command, capture_output=True, text=True, timeout=10 * PATIENCE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
