"""What the system's service manager hears and sets."""

import os
import pathlib
import socket

import pytest

from waiting import PATIENCE_S, wait_until


@pytest.fixture
def notify_socket(tmp_path, monkeypatch):
    """systemd's side of the protocol: a datagram socket that the environment names."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / 'notify'))
        listener.settimeout(PATIENCE_S)
        monkeypatch.setenv('NOTIFY_SOCKET', str(tmp_path / 'notify'))
        yield listener


@pytest.mark.parametrize('mode', ['systemd', 'auto'])
def test_systemd_is_told_of_start_and_end(make_server, notify_socket, mode):
    server = make_server({'supervised': mode}).start()
    assert notify_socket.recv(1000).endswith(b'is loading...\n')
    assert notify_socket.recv(1000) == b'STATUS=Ready to accept connections\n'
    assert notify_socket.recv(1000) == b'READY=1\n'
    assert server.stop() == 0
    assert notify_socket.recv(1000) == b'STOPPING=1\n'
    assert 'Supervised by systemd' in server.log()


def test_a_supervised_server_stays_in_the_foreground(make_server, notify_socket):
    server = make_server({'supervised': 'systemd', 'daemonize': 'yes'}).start()
    assert server.is_running() and f'PID: {server.pid}' not in server.log()
    assert server.connect().call('PING') == b'PONG'


def test_missing_systemd_is_no_failure(make_server, monkeypatch):
    monkeypatch.delenv('NOTIFY_SOCKET', raising=False)
    server = make_server({'supervised': 'systemd'}).start()
    assert 'systemd supervision error: NOTIFY_SOCKET not found!' in server.log()


def oom_score(server):
    return int(pathlib.Path(f'/proc/{server.pid}/oom_score_adj').read_text())


def test_score_for_the_out_of_memory_killer(make_server):
    own = int(pathlib.Path('/proc/self/oom_score_adj').read_text())
    server = make_server({'oom-score-adj': 'absolute', 'oom-score-adj-values': ['321', '400', '500']}).start()
    assert oom_score(server) == 321
    with server.connect() as connection:
        assert connection.call('CONFIG', 'SET', 'oom-score-adj', 'relative', 'oom-score-adj-values', '7 8 9') == b'OK'
        assert oom_score(server) == min(own + 7, 1000)
        assert connection.call('CONFIG', 'SET', 'oom-score-adj', 'no') == b'OK'
        assert oom_score(server) == own


def test_huge_pages_that_the_store_asks_for_are_allowed(kvick_only, make_server):
    """Whatever disable-thp says: the stock server gives up all, because it forks."""
    for value in ('yes', 'no'):
        server = make_server({'disable-thp': value}).start()
        status = pathlib.Path(f'/proc/{server.pid}/status').read_text()
        if 'THP_enabled:' not in status:
            pytest.skip('this kernel does not tell')
        assert 'THP_enabled:\t1' in status


def test_the_log_follows_a_rotation(make_server):
    server = make_server({'loglevel': 'verbose'})
    path = server.folder / 'own.log'
    server.options['logfile'] = str(path)
    server.spawn()
    wait_until(lambda: path.exists() and 'Ready to accept' in path.read_text())
    os.rename(path, server.folder / 'old.log')
    server.connect().call('PING')
    assert server.stop() == 0
    assert 'bye bye' in path.read_text()
