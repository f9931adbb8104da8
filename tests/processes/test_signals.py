"""Signals, SHUTDOWN and exit statuses."""

import os
import pathlib
import signal
import time

import pytest

from resp import Closed, encode_command


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


def test_second_sigint_ends_at_once(make_server):
    """The first one cannot be served, because the server is busy. It may end one DEBUG SLEEP early, so there are two."""
    server = make_server({'enable-debug-command': 'yes'}).start()
    client = server.connect()
    client.send(encode_command(['DEBUG', 'SLEEP', '8']) * 2)
    time.sleep(0.2)
    started = time.monotonic()
    server.signal(signal.SIGINT)
    time.sleep(0.2)
    server.signal(signal.SIGINT)
    assert server.wait(6) == 1
    assert time.monotonic() - started < 5
    assert 'You insist... exiting now.' in server.log()


def test_sighup_and_sigpipe_are_ignored(make_server):
    server = make_server().start()
    server.signal(signal.SIGHUP)
    server.signal(signal.SIGPIPE)
    assert server.connect().call('PING') == b'PONG'


def wait_until_stopped(server, timeout_s=5):
    """A stop reaches the threads one after the other, and the last one may still serve a request."""
    deadline = time.monotonic() + timeout_s
    while True:
        states = set()
        for file in pathlib.Path(f'/proc/{server.pid}/task').glob('*/stat'):
            states.add(file.read_text().rsplit(')', 1)[1].split()[0])
        if states == {'T'}:
            return
        assert time.monotonic() < deadline, states
        time.sleep(0.001)


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
    clients[0].send(encode_command(['DEBUG', 'SLEEP', '0.5']))
    time.sleep(0.1)
    started = time.monotonic()
    for client in clients[1:]:
        client.send(b'PING\r\n')
    assert all(client.read_reply() == ('+', b'PONG') for client in clients[1:])
    assert time.monotonic() - started > 0.2
    assert clients[0].read_reply() == ('+', b'OK')


def test_no_files_are_left_behind(make_server):
    server = make_server({'logfile': ''}).start()
    server.connect().call('SET', 'a', '1')
    assert server.stop() == 0
    assert sorted(os.listdir(server.folder)) == ['stdout.log']
