"""Connections that break, at every place where they can: no place is drawn, all are tried.

After each, the server answers others, has forgotten the client, and has executed whole commands or nothing.
"""

import contextlib
import socket
import struct
import time

import pytest

import process_figures
from resp import Connection, encode_command
from waiting import wait_until

CONVERSATION = (
    (['SET', 'a', '1'], b'+OK\r\n'),
    (['RPUSH', 'list', 'x', 'yy', ''], b':3\r\n'),
    (['LRANGE', 'list', '0', '-1'], b'*3\r\n$1\r\nx\r\n$2\r\nyy\r\n$0\r\n\r\n'),
    (['INCR', 'a'], b':2\r\n'),
    (['GET', 'missing'], b'$-1\r\n'),
    (['NOSUCH'], b"-ERR unknown command 'NOSUCH', with args beginning with: \r\n"),
)
REQUESTS = b''.join(encode_command(words) for words, _ in CONVERSATION)
REPLIES = b''.join(reply for _, reply in CONVERSATION)


@pytest.fixture(params=['1', '2'])
def server(request, make_server, is_kvick):
    if not is_kvick and request.param != '1':
        pytest.skip('the stock server has no workers')
    return make_server({'threads': request.param} if is_kvick else {}).start()


def reset(connection):
    """Ends it so that the other side gets a reset, also for what it has not read."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    connection.close()


def leave(connection):
    connection.close()


def wait_for_clients(control, count):
    """Those that were not accepted yet are not among them."""
    wait_until(lambda: figure(control, 'clients', 'connected_clients') == count,
               lambda: control.call('CLIENT', 'LIST').decode(), pause_s=0.002)


def wait_for_memory(control, limit_bytes):
    wait_until(lambda: figure(control, 'memory', 'used_memory') <= limit_bytes,
               lambda: control.call('INFO', 'memory').decode())


def figure(control, section, name):
    return int(control.call('INFO', section).decode().partition(f'\n{name}:')[2].split()[0])


@contextlib.contextmanager
def nothing_left(server):
    with server.connect() as control:
        control.call('FLUSHALL')
        yield control
        wait_for_clients(control, 1)
        assert figure(control, 'clients', 'blocked_clients') == 0
        assert control.call('PUBSUB', 'CHANNELS') == []
        assert control.call('PUBSUB', 'NUMPAT') == 0
        assert control.call('PING') == b'PONG'
    assert server.is_running()


def test_requests_cut_at_every_byte(server):
    with nothing_left(server) as control:
        for place in range(1, len(REQUESTS)):
            control.call('DEL', 'a', 'list')
            with server.connect() as client:
                client.send(REQUESTS[:place])
                time.sleep(0.0005)
                client.send(REQUESTS[place:])
                while len(client.buffer) < len(REPLIES):
                    client.fill()
                assert bytes(client.buffer) == REPLIES, place


def test_requests_byte_by_byte(server):
    with nothing_left(server), server.connect() as client:
        for byte in REQUESTS:
            client.send(bytes([byte]))
        while len(client.buffer) < len(REPLIES):
            client.fill()
        assert bytes(client.buffer) == REPLIES


@pytest.mark.parametrize('end', [leave, reset])
def test_clients_that_end_at_every_byte_of_their_requests(server, end):
    """Complete commands may have been executed (a reset may overtake them), and in order: never one without those
    before it, never half of one."""
    with nothing_left(server) as control:
        for place in range(1, len(REQUESTS) + 1):
            control.call('DEL', 'a', 'list')
            known = figure(control, 'stats', 'total_connections_received')
            client = server.connect()
            client.send(REQUESTS[:place])
            end(client)
            if end is leave:  # of a client that was reset before it was accepted, there may be nothing to count
                wait_until(lambda: figure(control, 'stats', 'total_connections_received') > known, pause_s=0.002)
            wait_for_clients(control, 1)
            state = control.call('GET', 'a'), control.call('LRANGE', 'list', '0', '-1')
            steps = [(None, []), (b'1', []), (b'1', [b'x', b'yy', b'']), (b'2', [b'x', b'yy', b''])]
            assert state in steps, (place, state)
            if end is leave:  # the end of the stream comes behind what was sent
                complete = sum(1 for index in (1, 2, 4) if len(b''.join(encode_command(words) for words, _ in CONVERSATION[:index])) <= place)
                assert state == steps[complete], (place, state)


def test_clients_that_reset_at_every_byte_of_the_replies(server):
    with nothing_left(server):
        for place in range(len(REPLIES) + 1):
            client = server.connect()
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.send(b'DEL a list\r\n' + REQUESTS)
            while len(client.buffer) < place:
                client.buffer += client.socket.recv(place - len(client.buffer))
            reset(client)


STATES = {
    'multi': ['MULTI', 'SET a 1', 'INCR a'],
    'watch': ['WATCH a', 'MULTI', 'SET a 2'],
    'blpop': ['BLPOP none 0'],
    'blmove': ['BLMOVE none other LEFT RIGHT 0'],
    'bzpopmin': ['BZPOPMIN none 0'],
    'xread': ['XREAD BLOCK 0 STREAMS stream $'],
    'wait': ['WAIT 1 0'],
    'subscribe': ['SUBSCRIBE one two'],
    'psubscribe': ['PSUBSCRIBE o* t*'],
    'ssubscribe': ['SSUBSCRIBE one'],
    'monitor': ['MONITOR'],
    'tracking': ['HELLO 3', 'CLIENT TRACKING ON BCAST', 'GET a'],
    'no replies': ['CLIENT REPLY OFF', 'SET a 1'],
    'large argument': ['*3', '$3', 'SET', '$1', 'b', '$10000000', 'beginning'],
}


@pytest.mark.parametrize('name', STATES)
@pytest.mark.parametrize('end', [leave, reset])
def test_clients_that_end_in_every_state(server, name, end):
    """Beside others that push to what they wait for, at the moment they go."""
    with nothing_left(server) as control:
        for delay_s in (0.0, 0.0, 0.001, 0.005):
            clients = [server.connect() for _ in range(8)]
            for client in clients:
                client.send('\r\n'.join([*STATES[name], '']).encode())
            time.sleep(delay_s)
            for client in clients[::2]:
                end(client)
            control.send(b''.join(encode_command(words) for words in (
                ['RPUSH', 'none', 'x'], ['PUBLISH', 'one', 'x'], ['SET', 'a', '5'], ['XADD', 'stream', '*', 'f', 'v'],
                ['DEL', 'none', 'other'])))  # fmt: skip
            for _ in range(5):
                control.read_reply()
            for client in clients[1::2]:
                end(client)
            wait_for_clients(control, 1)
        assert control.call('EXISTS', 'b') == 0


def test_a_half_open_connection_is_answered_and_closed(server):
    with nothing_left(server):
        for place in (1, 7, len(REQUESTS) - 1, len(REQUESTS)):
            with server.connect() as client:
                client.send(b'DEL a list\r\n' + REQUESTS[:place])
                client.socket.shutdown(socket.SHUT_WR)
                answered = client.read_until_closed()
                assert (answered.partition(b'\r\n')[2]) == REPLIES[:len(answered.partition(b'\r\n')[2])]


def test_many_that_send_a_byte_now_and_then(server):
    """200 requests that never end cost little memory, and others are served meanwhile: each time before the next byte."""
    request = encode_command(['SET', 'slow', 'x' * 1000])
    with nothing_left(server) as control:
        slow = [server.connect() for _ in range(200)]
        before = process_figures.resident_bytes(server.pid)
        for place in range(25):
            for client in slow:
                client.send(request[place:place + 1])
            assert control.call('SET', 'a', place) == b'OK'
            time.sleep(0.02)
        assert figure(control, 'clients', 'connected_clients') == 201
        assert process_figures.resident_bytes(server.pid) - before < 200 * 64 * 1024
        for client in slow:
            client.send(request[25:])
            assert client.read_reply() == ('+', b'OK')
            client.close()


def test_slow_readers_are_cut_off_at_their_limit(make_server):
    """Readers that take nothing: pubsub and normal ones are closed at their limit, and memory comes back."""
    server = make_server({'client-output-buffer-limit': ['normal', '1mb', '0', '0', 'pubsub', '1mb', '0', '0']}).start()
    with nothing_left(server) as control:
        control.call('SET', 'large', 'x' * 500_000)
        before = figure(control, 'memory', 'used_memory')
        readers = []
        for words in (['SUBSCRIBE', 'news'], *[['GET', 'large']] * 3):
            client = server.connect()
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            with contextlib.suppress(OSError):
                client.send(encode_command(words) * (1 if words[0] == 'SUBSCRIBE' else 100))
            if words[0] == 'SUBSCRIBE':
                client.read_reply()
            readers.append(client)
        for _ in range(200):
            control.call('PUBLISH', 'news', 'y' * 100_000)
        wait_for_clients(control, 1)
        for reader in readers:
            reader.close()
        wait_for_memory(control, before + 2_000_000)


def test_replies_read_in_any_pieces(server):
    """A reader that takes 1, 2, 3 ... bytes at a time through a small window gets each byte once and in order."""
    with server.connect() as control:
        value = bytes(range(256)) * 40
        control.call('SET', 'value', value)
        expected = b'$%d\r\n%b\r\n' % (len(value), value)
        for piece in (1, 2, 3, 7, 1000, 4096):
            client = Connection(('127.0.0.1', server.port))
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
            count = 1 if piece < 1000 else 20
            client.send(encode_command(['GET', 'value']) * count)
            read = bytearray()
            while len(read) < len(expected) * count:
                data = client.socket.recv(piece)
                assert data
                read += data
            assert bytes(read) == expected * count
            client.close()
