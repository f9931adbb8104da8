"""maxmemory-clients: who holds most of what connections hold together is closed."""

import contextlib
import re
import time

import pytest

from resp import encode_command
from waiting import assert_becomes, wait_until

MIB = 1 << 20


def info(client, section):
    lines = client.call('INFO', section).decode().splitlines()
    return dict(line.split(':', 1) for line in lines if ':' in line)


def hold(client, size):
    """Sends a command that lacks its end: the server keeps what has come."""
    with contextlib.suppress(OSError):  # who goes while it is still sending
        client.send(encode_command(['SET', 'key', b'v' * (size + 1000)])[:size])


def wait_until_held(watcher, size):
    """All connections together; who sent it has no reply that says so."""
    wait_until(lambda: sum(map(int, re.findall(rb' tot-mem=(\d+)', watcher.call('CLIENT', 'LIST')))) >= size)


def wait_for_evictions(watcher, count):
    assert_becomes(lambda: int(info(watcher, 'stats')['evicted_clients']), count)


def is_open(client):
    try:
        return client.call('PING') == b'PONG'
    except Exception:
        return False


@pytest.mark.parametrize('options', [{'maxmemory-clients': str(20 * MIB)},
                                     {'maxmemory': str(200 * MIB), 'maxmemory-clients': '10%'}])
def test_the_biggest_client_goes(make_server, options):
    server = make_server({'threads': '2', **options}).start()
    watcher, small, big = server.connect(), server.connect(), server.connect()
    small_bytes = encode_command(['SET', 'small', b'v' * (6 * MIB)])
    small.send(small_bytes[:-1000])
    hold(big, 12 * MIB)
    wait_until_held(watcher, 18 * MIB)
    time.sleep(1.5)  # in which it could go, but does not
    assert int(info(watcher, 'stats')['evicted_clients']) == 0
    other = server.connect()
    hold(other, 9 * MIB)
    wait_for_evictions(watcher, 1)
    assert big.read_until_closed() == b''
    # What the others sent is still there.
    small.send(small_bytes[-1000:])
    assert small.read_reply() == ('+', b'OK')
    assert 'Evicting client: ' in server.log()
    watcher.call('CONFIG', 'RESETSTAT')
    assert int(info(watcher, 'stats')['evicted_clients']) == 0


def test_a_client_that_may_not_be_evicted_stays(make_server):
    server = make_server({'maxmemory-clients': str(10 * MIB)}).start()
    watcher, kept, other = server.connect(), server.connect(), server.connect()
    assert kept.call('CLIENT', 'NO-EVICT', 'ON') == b'OK'
    whole = encode_command(['SET', 'key', b'v' * (15 * MIB)])
    kept.send(whole[:-1000])
    # It counts, so others go although they hold less.
    hold(other, 2 * MIB)
    assert other.read_until_closed() == b''
    kept.send(whole[-1000:])
    assert kept.read_reply() == ('+', b'OK')


def test_a_limit_that_is_set_later_is_kept(make_server):
    server = make_server({}).start()
    watcher, big = server.connect(), server.connect()
    hold(big, 12 * MIB)
    wait_until_held(watcher, 12 * MIB)
    watcher.call('CONFIG', 'SET', 'maxmemory-clients', 4 * MIB)
    wait_for_evictions(watcher, 1)
    assert big.read_until_closed() == b''
    watcher.call('CONFIG', 'SET', 'maxmemory-clients', 0)
