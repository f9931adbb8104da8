"""Directives that an operator sets once: protection of dangerous commands, renamed commands, sockets; errors in INFO."""

import pathlib
import shutil
import socket
import threading

import pytest

from server_process import ServerProcess

STOCK = shutil.which('redis-server')


def error(reply):
    return str(reply)


@pytest.mark.parametrize('directive, call, refusal', [
    ('enable-protected-configs', ['CONFIG', 'SET', 'dbfilename', 'other.rdb'],
     "ERR CONFIG SET failed (possibly related to argument 'dbfilename') - can't set protected config"),
    ('enable-debug-command', ['DEBUG', 'SLEEP', '0'],
     'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local '
     'connection, otherwise you need to set this option in the configuration file, and then restart the server.'),
])
@pytest.mark.parametrize('permission', ['no', 'local', 'yes'])
def test_what_must_be_enabled(make_server, directive, call, refusal, permission):
    server = make_server({directive: permission}).start()
    with server.connect() as connection:
        assert error(connection.call(*call)) == (refusal if permission == 'no' else str(b'OK'))
        assert error(connection.call('CONFIG', 'SET', directive, 'yes')) == \
            f"ERR CONFIG SET failed (possibly related to argument '{directive}') - can't set immutable config"


def test_a_renamed_command_has_one_name(make_server):
    server = make_server({'rename-command': ['GET', 'Fetch']}).start()
    with server.connect() as connection:
        call = connection.call
        call('SET', 'key', 'value')
        assert error(call('GET', 'key')) == "ERR unknown command 'GET', with args beginning with: 'key' "
        assert call('fetch', 'key') == b'value'
        assert error(call('FETCH')) == "ERR wrong number of arguments for 'get' command"
        assert call('COMMAND', 'INFO', 'get') == [None]
        assert call('EVAL', "return redis.call('FETCH', 'key')", '0') == b'value'
        assert 'Unknown' in error(call('EVAL', "return redis.call('GET', 'key')", '0'))
        assert b'cmdstat_get:calls=2' in call('INFO', 'commandstats')


def test_subcommands_of_a_renamed_command(make_server):
    server = make_server({'rename-command': ['CONFIG', 'MyConf']}).start()
    with server.connect() as connection:
        assert connection.call('MYCONF', 'GET', 'maxmemory') == [b'maxmemory', b'0']
        assert error(connection.call('myconf', 'NOSUCH')) == "ERR unknown subcommand 'NOSUCH'. Try MYCONF HELP."
        assert error(connection.call('myconf', 'GET')) == "ERR wrong number of arguments for 'config|get' command"


def test_a_command_without_a_name_is_gone(make_server):
    server = make_server({'rename-command': ['CONFIG', '']}).start()
    with server.connect() as connection:
        assert 'unknown command' in error(connection.call('CONFIG', 'GET', 'dir'))
        assert connection.call('COMMAND', 'INFO', 'config') == [None]


@pytest.mark.parametrize('line, reason', [
    ('rename-command GET SET', 'Target command name already exists'),
    ('rename-command NOSUCH other', 'No such command in rename-command'),
    ('rename-command GET', 'wrong number of arguments'),
])
def test_impossible_names(run_to_end, tmp_path, line, reason):
    file = tmp_path / 'server.conf'
    file.write_text(line + '\n')
    done = run_to_end(file)
    assert done.returncode == 1
    assert f">>> '{line}'\n" in done.stderr.decode()
    if reason != 'wrong number of arguments':
        assert reason in done.stderr.decode()


def test_codes_of_errors_are_bounded(kvick_only, make_server):
    """Scripts can answer any code: a hundred and twenty-eight are counted by name, the others together."""
    server = make_server({'threads': '1'}).start()
    with server.connect() as connection:
        for i in range(200):
            connection.call('EVAL', "error({err = ARGV[1] .. ' text'})", '0', f'CODE{i:03}')
        connection.call('EVAL', "error({err = 'CODE007 text'})", '0')
        counts = dict(line.split(':count=') for line in connection.call('INFO', 'errorstats').decode().split('\r\n')
                      if line.startswith('errorstat_'))
        assert len(counts) == 129
        assert counts['errorstat_CODE127'] == '1' and counts['errorstat_CODE007'] == '2'
        assert counts['errorstat_ERRORSTATS_OVERFLOW'] == '72'
        assert server.log().count('Errorstats stopped adding new errors') == 1
        connection.call('CONFIG', 'RESETSTAT')
        connection.call('NOSUCH')
        assert b'errorstat_ERR:count=1\r\n' in connection.call('INFO', 'errorstats')


@pytest.mark.parametrize('limit', ['1', '10', '1000'])
def test_many_clients_come_at_once(kvick_only, make_server, limit):
    """However few are accepted at a time, nobody is forgotten."""
    server = make_server({'max-new-connections-per-cycle': limit}).start()
    clients = [socket.create_connection(('127.0.0.1', server.port), 10) for _ in range(200)]
    try:
        for client in clients:
            client.sendall(b'PING\r\n')
        assert all(client.recv(100) == b'+PONG\r\n' for client in clients)
    finally:
        for client in clients:
            client.close()


@pytest.fixture
def other_end():
    """A listener that notes whom a connection comes from, and answers OK once."""
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen()
        listener.settimeout(10)
        found = []

        def serve():
            client, address = listener.accept()
            with client:
                found.append(address[0])
                client.recv(10000)
                client.sendall(b'+OK\r\n+OK\r\n')

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], found
        thread.join()


def test_outgoing_connections_come_from_the_address(kvick_only, make_server, other_end):
    port, found = other_end
    server = make_server({'bind-source-addr': '127.0.0.9'}).start()
    with server.connect() as connection:
        connection.call('SET', 'key', 'value')
        assert connection.call('MIGRATE', '127.0.0.1', str(port), 'key', '0', '2000') == b'OK'
    assert found == ['127.0.0.9']


def test_an_address_of_elsewhere_is_no_source(kvick_only, make_server):
    server = make_server({'bind-source-addr': '192.0.2.1'}).start()
    with server.connect() as connection:
        connection.call('SET', 'key', 'value')
        assert 'IOERR' in error(connection.call('MIGRATE', '127.0.0.1', str(server.port), 'key', '0', '500'))
        assert connection.call('GET', 'key') == b'value'


def may_mark():
    with socket.socket() as probe:
        try:
            probe.setsockopt(socket.SOL_SOCKET, 36, 7)  # SO_MARK
        except PermissionError:
            return False
        return True


def test_marked_sockets(kvick_only, make_server):
    """What the mark does is the packet filter's; without the right to give it the server says so and serves."""
    server = make_server({'socket-mark-id': '7'}).start()
    assert server.connect().call('PING') == b'PONG'
    assert ('Could not mark the listening socket' in server.log()) == (not may_mark())
