"""Ports, addresses, sockets, and who is let in."""

import os
import pathlib
import socket
import stat

import pytest

from free_port import free_port
from resp import Closed, Connection
from server_process import StartError
from waiting import wait_until


def own_address():
    """An address of this machine that is not the loopback, or None. Connecting a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(('198.51.100.1', 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
        return None if address.startswith('127.') else address


def can_connect(address, port):
    try:
        Connection((address, port)).close()
        return True
    except OSError:
        return False


def test_unix_socket_and_its_permissions(make_server):
    server = make_server({'unixsocketperm': '700'}, unix_socket=True).start()
    path = pathlib.Path(server.unix_socket)
    status = path.stat()
    assert stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o700
    with server.connect_unix() as connection:
        assert connection.call('PING') == b'PONG'
        assert f'{server.unix_socket}:0' in connection.call('CLIENT', 'INFO').decode()
    assert server.stop() == 0
    assert not path.exists()


def test_a_stale_unix_socket_is_replaced(make_server):
    server = make_server(unix_socket=True)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(server.unix_socket)
    server.start()
    assert server.connect_unix().call('PING') == b'PONG'


def test_port_zero_listens_on_the_unix_socket_only(make_server):
    server = make_server({'port': '0'}, unix_socket=True).start()
    with server.connect_unix() as connection:
        assert connection.call('CONFIG', 'GET', 'port') == [b'port', b'0']
    assert not can_connect('127.0.0.1', server.port)


def test_port_zero_without_a_socket_ends(make_server):
    server = make_server({'port': '0'}).spawn()
    assert server.wait() == 1
    assert 'Configured to not listen anywhere, exiting.' in server.log()


def test_busy_port(make_server):
    first = make_server().start()
    second = make_server({'port': str(first.port)}).spawn()
    assert second.wait() == 1
    log = second.log()
    assert f'Could not create server TCP listening socket 127.0.0.1:{first.port}: bind: Address already in use' in log
    assert f'Failed listening on port {first.port} (TCP), aborting.' in log
    assert first.connect().call('PING') == b'PONG'


def test_socket_in_a_missing_folder(make_server):
    server = make_server({'unixsocket': '/nonexistent/server.sock'}).spawn()
    assert server.wait() == 1
    assert 'Failed opening Unix socket: bind: No such file or directory' in server.log()


def test_bind_several_addresses(make_server):
    server = make_server({'bind': ['127.0.0.1', '127.0.0.2']}).start()
    assert can_connect('127.0.0.1', server.port) and can_connect('127.0.0.2', server.port)
    assert not can_connect('127.0.0.3', server.port)
    assert server.config('bind') == '127.0.0.1 127.0.0.2'


def test_an_optional_address_may_be_missing(make_server):
    make_server({'bind': ['127.0.0.1', '-203.0.113.77']}).start()
    with pytest.raises(StartError, match='Could not create server TCP listening socket 203.0.113.77:'):
        make_server({'bind': ['127.0.0.1', '203.0.113.77']}).start()


def test_bind_ipv6(make_server):
    server = make_server({'bind': ['127.0.0.1', '::1']})
    try:
        socket.socket(socket.AF_INET6).bind(('::1', 0))
    except OSError:
        pytest.skip('this machine has no IPv6 loopback')
    server.start()
    with Connection(('::1', server.port)) as connection:
        assert f'addr=[::1]:' in connection.call('CLIENT', 'INFO').decode()


def test_bind_and_port_change_while_running(make_server):
    server = make_server().start()
    kept = server.connect()
    port = free_port()
    assert kept.call('CONFIG', 'SET', 'port', str(port)) == b'OK'
    assert can_connect('127.0.0.1', port) and not can_connect('127.0.0.1', server.port)
    assert kept.call('CONFIG', 'SET', 'bind', '127.0.0.2') == b'OK'
    assert can_connect('127.0.0.2', port) and not can_connect('127.0.0.1', port)
    assert kept.call('PING') == b'PONG', 'those who are connected stay'


def test_a_port_that_is_taken_cannot_be_chosen_while_running(make_server):
    first, second = make_server().start(), make_server().start()
    with second.connect() as connection:
        reply = connection.call('CONFIG', 'SET', 'port', str(first.port))
        assert str(reply) == "ERR CONFIG SET failed (possibly related to argument 'port') - " \
            'Unable to listen on this port. Check server logs.'
        assert connection.call('CONFIG', 'GET', 'port') == [b'port', str(second.port).encode()]
    assert can_connect('127.0.0.1', second.port)


def test_protected_mode(make_server):
    address = own_address()
    if address is None:
        pytest.skip('this machine has only the loopback')
    server = make_server({'bind': '*'}).start()
    with Connection((address, server.port)) as stranger:
        answer = stranger.read_until_closed()
    assert answer.startswith(b'-DENIED ') and b'protected mode' in answer and answer.endswith(b'\r\n')
    with server.connect() as local:
        assert local.call('PING') == b'PONG'
        assert local.call('CONFIG', 'SET', 'protected-mode', 'no') == b'OK'
        with Connection((address, server.port)) as stranger:
            assert stranger.call('PING') == b'PONG'
        assert local.call('CONFIG', 'SET', 'protected-mode', 'yes', 'requirepass', 'secret') == b'OK'
        with Connection((address, server.port)) as stranger:
            assert str(stranger.call('PING')) == 'NOAUTH Authentication required.'
            assert stranger.call('AUTH', 'secret') == b'OK'


def test_maxclients(make_server):
    server = make_server({'maxclients': '10'}).start()
    clients = [server.connect() for _ in range(10)]
    assert all(client.call('PING') == b'PONG' for client in clients)
    with server.connect() as refused:
        assert refused.read_until_closed() == b'-ERR max number of clients reached\r\n'
    assert 'rejected_connections:1\r\n' in clients[0].call('INFO', 'stats').decode()
    clients.pop().close()

    def is_let_in():
        with server.connect() as again:
            try:
                return again.call('PING') == b'PONG'
            except (OSError, Closed):  # refused: the place is not free yet
                return False

    wait_until(is_let_in, 'the place of a client that left is given to another')


def test_tcp_keepalive_and_backlog_are_set(make_server):
    server = make_server({'tcp-backlog': '100'}).start()
    assert server.config('tcp-backlog') == '100'
    assert server.config('tcp-keepalive') == '300'


def test_the_descriptor_limit_bounds_maxclients(make_server, server_binary):
    """The server raises its limit where it may, else it lowers maxclients and says so."""
    server = make_server({'maxclients': '5000'})
    arguments = server.command_line()
    server.arguments = ['-c', 'ulimit -n 512; exec "$@"', 'sh', *arguments]
    server.binary = '/bin/sh'
    server.start()
    assert int(server.config('maxclients')) < 512
    assert os.path.samefile(f'/proc/{server.pid}/exe', server_binary)
    assert 'maxclients has been reduced to' in server.log()
