"""Limits on what a connection may do to the server, and that many connections lose nothing."""

import select
import socket
import time

import pytest

from resp import Connection, decode_reply, encode_command
from waiting import PATIENCE_S, wait_until


def test_idle_clients_are_closed(make_server):
    server = make_server({'timeout': '2'}).start()
    started = time.monotonic()
    idle, busy = server.connect(), server.connect()
    wait_until(lambda: busy.call('PING') == b'PONG' and select.select([idle.socket], [], [], 0.1)[0])
    assert time.monotonic() - started > 1.9
    assert idle.read_until_closed() == b''
    assert busy.call('PING') == b'PONG'


def test_output_buffer_limit(make_server):
    server = make_server({'client-output-buffer-limit': ['normal', '200000', '0', '0']}).start()
    with server.connect() as writer:
        assert writer.call('SET', 'a', 'x' * 100_000) == b'OK'
        reader = server.connect()
        reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            reader.send(encode_command(['GET', 'a']) * 400)
        except OSError:
            pass  # closed while sending is early, but right
        server.wait_log('scheduled to be closed ASAP for overcoming of output buffer limits')
        assert len(reader.read_until_closed()) < 400 * 100_000
        assert writer.call('PING') == b'PONG'


def test_soft_output_buffer_limit(make_server):
    """Over the soft limit for its time: closed. The client here never reads."""
    server = make_server({'client-output-buffer-limit': ['normal', '0', '100000', '1']}).start()
    with server.connect() as writer:
        writer.call('SET', 'a', 'x' * 100_000)
        reader = server.connect()
        reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        started = time.monotonic()
        reader.send(encode_command(['GET', 'a']) * 200)
        server.wait_log('overcoming of output buffer limits')
        assert time.monotonic() - started > 0.99
        assert writer.call('PING') == b'PONG'


def test_query_buffer_limit(make_server):
    server = make_server({'client-query-buffer-limit': '1mb', 'proto-max-bulk-len': '4mb'}).start()
    with server.connect() as client:
        try:
            client.send(b'*2\r\n$3\r\nGET\r\n$3000000\r\n' + b'x' * 2_500_000)
        except OSError:
            pass
        assert client.read_until_closed() == b''
    server.wait_log('Closing client that reached max query buffer length')
    assert server.connect().call('PING') == b'PONG'


def test_unauthenticated_limits(make_server):
    server = make_server({'requirepass': 'secret'}).start()
    for request, answer in [
            (b'*11\r\n', b'-ERR Protocol error: unauthenticated multibulk length\r\n'),
            (b'*2\r\n$16385\r\n', b'-ERR Protocol error: unauthenticated bulk length\r\n')]:
        with server.connect() as client:
            client.send(request)
            assert client.read_until_closed() == answer
    with server.connect() as client:
        client.send(b'*10\r\n')
        client.send(b'$4\r\nPING\r\n' * 10)
        assert client.read_reply() == ('-', b'NOAUTH Authentication required.')
        assert str(client.call('GET', 'a')) == 'NOAUTH Authentication required.'
        assert str(client.call('AUTH', 'wrong')).startswith('WRONGPASS')
        assert client.call('AUTH', 'secret') == b'OK'
        assert client.call('MGET', *'abcdefghijkl') == [None] * 12


def test_largest_bulk(make_server):
    server = make_server({'proto-max-bulk-len': '1mb'}).start()
    with server.connect() as client:
        assert client.call('SET', 'a', 'x' * (1 << 20)) == b'OK'
        assert str(client.call('APPEND', 'a', 'x')).startswith('ERR string exceeds maximum allowed size')
        client.send(b'*2\r\n$3\r\nGET\r\n$1048577\r\n')
        assert client.read_until_closed() == b'-ERR Protocol error: invalid bulk length\r\n'


def test_large_values_both_ways(make_server):
    server = make_server().start()
    value = bytes(range(256)) * (64 * 1024 * 1024 // 256)
    with server.connect() as client:
        assert client.call('SET', 'a', value) == b'OK'
        assert client.call('GET', 'a') == value


def test_a_client_that_sends_byte_by_byte(make_server):
    server = make_server().start()
    with server.connect() as client:
        for byte in encode_command(['SET', 'key', 'value']) + b'GET key\r\n':
            client.send(bytes([byte]))
        assert client.read_reply() == ('+', b'OK')
        assert client.read_reply() == ('$', b'value')


def test_a_client_that_leaves_half_way(make_server):
    """Its complete commands count, the incomplete one does not, and it leaves nothing behind."""
    server = make_server().start()
    for _ in range(50):
        with server.connect() as client:
            client.send(encode_command(['INCR', 'n']) + b'*3\r\n$3\r\nSET\r\n$1\r\nn\r\n$3\r\nx')
            assert client.read_reply()[0] == ':'
    with server.connect() as client:
        assert client.call('GET', 'n') == b'50'
        wait_until(lambda: b'connected_clients:1\r\n' in client.call('INFO', 'clients'),
                   lambda: client.call('CLIENT', 'LIST').decode())


def test_half_closed_connections_get_their_replies(make_server):
    """`printf … | nc`: everything is sent, the sending side closed, then read."""
    server = make_server().start()
    with server.connect() as client:
        client.send(encode_command(['SET', 'a', '1']) + encode_command(['INCR', 'a']))
        client.socket.shutdown(socket.SHUT_WR)
        assert client.read_until_closed() == b'+OK\r\n:2\r\n'


@pytest.mark.parametrize('rounds', [5])
def test_a_thousand_connections_lose_nothing(make_server, rounds):
    """Each has 16 commands under way at a time, of its own keys and of one that all share."""
    count, depth = 1000, 16
    server = make_server({'maxclients': '2000'}).start()
    connections = []
    try:
        for _ in range(count):
            connections.append(server.connect())
        by_descriptor = {connection.socket.fileno(): (number, connection) for number, connection in enumerate(connections)}
        poller = select.epoll()
        for descriptor in by_descriptor:
            poller.register(descriptor, select.EPOLLIN)
        for turn in range(rounds):
            for number, connection in enumerate(connections):
                commands = [['INCR', 'shared']] + [['INCR', f'own:{number}']] * (depth - 1)
                connection.send(b''.join(map(encode_command, commands)))
            waiting = {descriptor: depth for descriptor in by_descriptor}
            deadline = time.monotonic() + 2 * PATIENCE_S
            while waiting:
                assert time.monotonic() < deadline, f'{len(waiting)} connections still wait for replies'
                for descriptor, _ in poller.poll(1):
                    number, connection = by_descriptor[descriptor]
                    connection.fill()
                    waiting[descriptor] = depth - connection.buffer.count(b'\r\n')
                    if waiting[descriptor] == 0:
                        position = 0
                        for index in range(depth):
                            reply, position = decode_reply(connection.buffer, position)
                            if index:
                                assert reply == (':', turn * (depth - 1) + index)
                        connection.buffer.clear()
                        del waiting[descriptor]
        with server.connect() as client:
            assert client.call('GET', 'shared') == str(count * rounds).encode()
    finally:
        for connection in connections:
            connection.close()


def test_connections_come_and_go_quickly(make_server):
    server = make_server().start()
    for number in range(2000):
        with server.connect() as client:
            assert client.call('INCR', 'n') == number + 1


def test_reset_by_a_client_with_replies_under_way(make_server):
    """SO_LINGER 0 sends a reset: the server must not fall over writing to it."""
    server = make_server().start()
    with server.connect() as writer:
        writer.call('SET', 'a', 'x' * 100_000)
        for _ in range(20):
            client = Connection(('127.0.0.1', server.port))
            client.send(encode_command(['GET', 'a']) * 50)
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\x01\0\0\0\0\0\0\0')
            client.close()
        assert writer.call('PING') == b'PONG'
