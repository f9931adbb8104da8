"""Signals, SHUTDOWN and exit statuses."""

import os
import pathlib
import select
import signal
import time

import pytest

from resp import Closed, encode_command
from waiting import wait_until


@pytest.mark.parametrize('number, name', [(signal.SIGTERM, 'SIGTERM'), (signal.SIGINT, 'SIGINT')])
def test_clean_end(make_server, number, name):
    server = make_server().start()
    client = server.connect()
    server.signal(number)
    assert server.wait() == 0
    log = server.log()
    assert f'Received {name} scheduling shutdown' in log
    assert 'User requested shutdown' in log
    assert 'ready to exit, bye bye' in log
    assert log.rstrip().endswith('bye bye...')
    assert client.read_until_closed() == b''


def wait_until_asleep(client):
    """Until a PING of this connection, behind a DEBUG SLEEP of another, is not answered: the reply is still to come."""

    def gets_no_answer():
        client.send(encode_command(['PING']))
        if not select.select([client.socket], [], [], 0.5)[0]:
            return True
        assert client.read_reply() == ('+', b'PONG')
        return False

    wait_until(gets_no_answer)


def test_second_sigint_ends_at_once(make_server):
    """The first one cannot be served, because the server is busy. It may end one DEBUG SLEEP early, so there are two.
    A server that did not end at once would end well, with status 0."""
    server = make_server({'enable-debug-command': 'yes'}).start()
    client, other = server.connect(), server.connect()
    client.send(encode_command(['DEBUG', 'SLEEP', '20']) * 2)
    wait_until_asleep(other)
    server.signal(signal.SIGINT)
    server.wait_log('Received SIGINT scheduling shutdown')
    server.signal(signal.SIGINT)
    assert server.wait() == 1
    assert 'You insist... exiting now.' in server.log()


def test_sighup_and_sigpipe_are_ignored(make_server):
    server = make_server().start()
    server.signal(signal.SIGHUP)
    server.signal(signal.SIGPIPE)
    assert server.connect().call('PING') == b'PONG'


def wait_until_stopped(server):
    """A stop reaches the threads one after the other, and the last one may still serve a request."""

    def states():
        files = pathlib.Path(f'/proc/{server.pid}/task').glob('*/stat')
        return {file.read_text().rsplit(')', 1)[1].split()[0] for file in files}

    wait_until(lambda: states() == {'T'}, states)


def test_stop_and_continue(make_server):
    """Expiry goes by the clock, not by the time that the process ran."""
    server = make_server().start()
    with server.connect() as client:
        client.call('SET', 'short', 'x', 'PX', '150')
        client.call('SET', 'long', 'x', 'PX', '60000')
        server.signal(signal.SIGSTOP)
        try:
            wait_until_stopped(server)
            client.send(encode_command(['EXISTS', 'short', 'long']))
            time.sleep(0.3)
        finally:
            server.signal(signal.SIGCONT)
        assert client.read_reply() == (':', 1)


@pytest.mark.parametrize('arguments', [[], ['NOSAVE'], ['nosave', 'NOW'], ['FORCE', 'NOSAVE']])
def test_shutdown_command(make_server, arguments):
    server = make_server().start()
    client = server.connect()
    client.send(encode_command(['SHUTDOWN', *arguments]))
    assert client.read_until_closed() == b''
    assert server.wait() == 0
    assert 'ready to exit, bye bye' in server.log()


def test_shutdown_errors(make_server):
    server = make_server().start()
    with server.connect() as client:
        for arguments in (['BAD'], ['SAVE', 'NOSAVE'], ['ABORT', 'NOW']):
            assert str(client.call('SHUTDOWN', *arguments)) == 'ERR syntax error'
        assert str(client.call('SHUTDOWN', 'ABORT')) == 'ERR No shutdown in progress.'
        assert client.call('PING') == b'PONG'


def test_starts_again_on_the_same_port_at_once(make_server):
    """Connections of the old process in TIME_WAIT must not keep the new one from listening."""
    server = make_server().start()
    for _ in range(3):
        clients = [server.connect() for _ in range(20)]
        server.restart()
        for client in clients:
            with pytest.raises((Closed, OSError)):
                client.call('PING')


def test_debug_sleep_stops_every_client(make_server):
    server = make_server({'enable-debug-command': 'yes'}).start()
    clients = [server.connect() for _ in range(8)]
    started = time.monotonic()
    clients[0].send(encode_command(['DEBUG', 'SLEEP', '2']))
    wait_until_asleep(clients[1])
    for client in clients[2:]:
        client.send(b'PING\r\n')
    assert all(client.read_reply() == ('+', b'PONG') for client in clients[1:])
    assert time.monotonic() - started > 1.9
    assert clients[0].read_reply() == ('+', b'OK')


def test_no_files_are_left_behind(make_server):
    server = make_server({'logfile': ''}).start()
    server.connect().call('SET', 'a', '1')
    assert server.stop() == 0
    assert sorted(os.listdir(server.folder)) == ['stdout.log']
