"""A thousand clients that wait: order and counts are exact, and waiting costs the server nothing."""

import contextlib
import select
import threading
import time

import pytest

from resp import encode_command, to_python
from waiting import least_busy_seconds, wait_until

CLIENTS = 1_000
# Of a second. Timers run ten times a second and expiry fifty times; polling for clients would cost a whole core.
IDLE_CPU_SECONDS_MAX = 0.15


@pytest.fixture
def server(make_server):
    return make_server({'maxclients': str(CLIENTS + 100)}).start()


@contextlib.contextmanager
def waiting_clients(server, make_request):
    """Connections that have sent their request and wait, in no particular order."""
    clients = []
    with server.connect() as control:
        try:
            for number in range(CLIENTS):
                clients.append(server.connect())
                clients[-1].send(encode_command(make_request(number)))
            wait_for_blocked(control, CLIENTS)
            yield clients
        finally:
            for client in clients:
                client.close()


def blocked_clients(control):
    info = control.call('INFO', 'clients').decode()
    return int(info.partition('blocked_clients:')[2].split()[0])


def wait_for_blocked(control, count):
    wait_until(lambda: blocked_clients(control) == count, lambda: f'{blocked_clients(control)} of {count} wait',
               pause_s=0.001)


def reply(client):
    return to_python(client.read_reply())


def idle_cpu_seconds(server):
    return least_busy_seconds(server.pid, window_s=1.0, enough_s=IDLE_CPU_SECONDS_MAX)


def test_a_thousand_on_one_key_are_served_in_order(server):
    """Whoever came first gets the first element. Each waits before the next one asks."""
    with server.connect() as producer, server.connect() as control:
        clients = []
        for number in range(CLIENTS):
            clients.append(server.connect())
            clients[-1].send(encode_command(['BLPOP', 'queue', '0']))
            wait_for_blocked(control, number + 1)
        assert idle_cpu_seconds(server) < IDLE_CPU_SECONDS_MAX
        # One push for some, a push of many for others.
        for number in range(0, 500):
            assert producer.call('RPUSH', 'queue', f'item {number}') == 1
        assert producer.call('RPUSH', 'queue', *(f'item {number}' for number in range(500, CLIENTS + 10))) == 510
        for number, client in enumerate(clients):
            assert reply(client) == [b'queue', f'item {number}'.encode()]
        assert producer.call('LRANGE', 'queue', '0', '-1') == [f'item {number}'.encode() for number in range(1000, 1010)]
        assert blocked_clients(control) == 0
        for client in clients:
            client.close()


def test_a_thousand_keys_have_a_client_each(server):
    """Producers on several connections at once; every client gets what its key got."""
    with waiting_clients(server, lambda number: ['BZPOPMIN', f'zset:{number}', f'spare:{number}', '0']) as clients:
        with server.connect() as control:
            assert idle_cpu_seconds(server) < IDLE_CPU_SECONDS_MAX
            _run_producers(server, lambda number: ['ZADD', f'zset:{number}', str(number), f'member {number}'])
            for number, client in enumerate(clients):
                assert reply(client) == [f'zset:{number}'.encode(), f'member {number}'.encode(), str(number).encode()]
            assert blocked_clients(control) == 0
            assert control.call('DBSIZE') == 0


def test_a_thousand_get_what_several_producers_push_to_one_key(server):
    """Nothing is lost, nothing comes twice, whoever pushes it."""
    with waiting_clients(server, lambda number: ['BLMPOP', '0', '2', 'queue', 'other', 'LEFT']) as clients:
        with server.connect() as control:
            _run_producers(server, lambda number: ['RPUSH', 'queue' if number % 2 else 'other', f'item {number}'])
            got = [reply(client)[1][0] for client in clients]
            assert sorted(got) == sorted(f'item {number}'.encode() for number in range(CLIENTS))
            assert control.call('DBSIZE') == 0


def test_those_who_leave_are_not_waited_for(server):
    """Half of the clients disconnect; what comes then is for the others, in their order."""
    with waiting_clients(server, lambda number: ['BLPOP', 'queue', '0']) as clients:
        with server.connect() as control:
            for client in clients[::2]:
                client.close()
            wait_for_blocked(control, CLIENTS // 2)
            items = [f'item {number}' for number in range(CLIENTS // 2)]
            assert control.call('RPUSH', 'queue', *items) == len(items)
            got = [reply(client)[1].decode() for client in clients[1::2]]
            assert sorted(got) == sorted(items)
            assert control.call('EXISTS', 'queue') == 0


def test_a_thousand_timeouts_end_in_time(server):
    """None before its moment, and nothing comes after."""
    with server.connect() as control:
        clients, asked = [server.connect() for _ in range(CLIENTS)], []
        for client in clients:
            asked.append(time.monotonic())
            client.send(encode_command(['BRPOP', 'queue', '3']))
        for client, when in zip(clients, asked):
            assert reply(client) is None
            assert time.monotonic() - when > 2.99
        assert blocked_clients(control) == 0
        assert control.call('RPUSH', 'queue', 'late') == 1
        late = select.poll()
        for client in clients:
            late.register(client.socket, select.POLLIN)
        assert not late.poll(50)
        for client in clients:
            client.close()


def _run_producers(server, make_request, producers=4):
    """Numbers 0 to CLIENTS - 1, dealt out to several connections."""

    def produce(first):
        with server.connect() as connection:
            for number in range(first, CLIENTS, producers):
                answer = connection.call(*make_request(number))
                assert isinstance(answer, int), answer

    threads = [threading.Thread(target=produce, args=(first,)) for first in range(producers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
