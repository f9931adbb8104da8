"""The system's clock is set forward and back, by an hour and by a year, while clients are at work.

What clients asked for in durations goes on as if nothing had happened; what they asked for as a moment follows the clock;
no time is negative, and nothing hangs. The clock that jumps is tests/support/jumping_clock.c; the monotonic one is left
alone, as the system does.
"""

import pathlib
import re
import struct
import subprocess
import time

import pytest

from prefixed_server import PrefixedServer
from resp import encode_command, to_python
from waiting import PATIENCE_S, wait_until

SOURCE = pathlib.Path(__file__).resolve().parents[1] / 'support/jumping_clock.c'
HOUR_S = 3600
YEAR_S = 365 * 24 * HOUR_S
JUMPS_S = (HOUR_S, -HOUR_S, YEAR_S, -YEAR_S)


class JumpingServer(PrefixedServer):
    def __init__(self, library, binary, **options):
        super().__init__([], binary, **options)
        self.clock_file = self.folder / 'clock'
        self.jump(0)
        self.prefix = ['env', f'LD_PRELOAD={library}', f'JUMPING_CLOCK={self.clock_file}']

    def jump(self, seconds):
        """In place, because the server has the file in its memory."""
        with open(self.clock_file, 'r+b' if self.clock_file.exists() else 'wb') as file:
            file.write(struct.pack('q', seconds))


@pytest.fixture(scope='module')
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp('clock') / 'jumping_clock.so'
    subprocess.run(['cc', '-O1', '-shared', '-fPIC', '-o', path, SOURCE], check=True, timeout=PATIENCE_S)
    return path


@pytest.fixture
def jumping_server(server_binary, kvick_only, library):
    made = []

    def make(**options):
        made.append(JumpingServer(library, server_binary, options=options))
        return made[-1].start()

    yield make
    for server in made:
        server.dispose()


class Stopwatch:
    """By the clock that does not jump. A limit from below holds on any machine; what comes an hour late is noticed since
    nobody waits for so long."""

    def __init__(self):
        self.began = time.monotonic()

    def seconds(self):
        return time.monotonic() - self.began


@pytest.mark.parametrize('jump_s', JUMPS_S)
def test_the_clock_jumps(jumping_server, jump_s):
    jumps(jumping_server, jump_s)


@pytest.mark.parametrize('jump_s', (HOUR_S, -HOUR_S))
def test_the_clock_jumps_with_several_workers(jumping_server, jump_s):
    jumps(jumping_server, jump_s, threads='3')


def jumps(jumping_server, jump_s, **options):
    test = Stopwatch()
    server = jumping_server(save='1 1', **{'slowlog-log-slower-than': '0', 'latency-monitor-threshold': '1'}, **options)
    with server.connect() as control:
        control.call('SET', 'for-100-s', '1', 'EX', '100')
        control.call('SET', 'for-3-years', '1', 'EX', str(3 * YEAR_S))
        control.call('SET', 'for-ever', '1')
        first_id = control.call('XADD', 'stream', '*', 'a', '1')
        idle = server.connect()
        idle.call('PING')
        waiting = server.connect()
        waited = Stopwatch()
        waiting.send(encode_command(['BLPOP', 'never', '1']))
        served = server.connect()
        served.send(encode_command(['BLPOP', 'list', '0']))
        wait_until(lambda: 'blocked_clients:2\r\n' in control.call('INFO', 'clients').decode())
        pause = Stopwatch()
        control.call('CLIENT', 'PAUSE', '300', 'WRITE')
        paused = server.connect()
        paused.send(encode_command(['SET', 'paused', '1']))
        time.sleep(0.05)
        between = Stopwatch()
        before_s = int(control.call('TIME')[0])

        server.jump(jump_s)
        jumped_s = int(control.call('TIME')[0]) - before_s
        assert jump_s - 1 <= jumped_s <= jump_s + between.seconds() + 1

        # Durations.
        assert to_python(paused.read_reply()) == b'OK' and pause.seconds() > 0.29
        assert to_python(waiting.read_reply()) is None and waited.seconds() > 0.99
        control.call('RPUSH', 'list', 'x')
        assert to_python(served.read_reply()) == [b'list', b'x']
        lived = Stopwatch()
        control.call('SET', 'short', '1', 'PX', '200')
        wait_until(lambda: not control.call('EXISTS', 'short'))
        assert lived.seconds() > 0.19
        waited = Stopwatch()
        waiting.send(encode_command(['BLPOP', 'never', '0.2']))
        assert to_python(waiting.read_reply()) is None and waited.seconds() > 0.19

        # Moments.
        assert control.call('EXISTS', 'for-100-s') == (0 if jump_s > 100 else 1)
        rest_s = control.call('TTL', 'for-3-years')
        assert -test.seconds() - 1 <= rest_s - (3 * YEAR_S - jump_s) <= 1
        assert control.call('TTL', 'for-ever') == -1
        assert id_of(control.call('XADD', 'stream', '*', 'a', '1')) > id_of(first_id)

        # Figures.
        info = control.call('INFO', 'everything').decode()
        uptime_s = int(re.search(r'uptime_in_seconds:(-?\d+)', info)[1])
        assert 0 <= uptime_s <= test.seconds() + 1
        assert not re.findall(r'^(?!.*(?:offset|_sec|last_bgsave|io_thread|limit|second_repl|aof|rdb)).*:-\d+\r?$', info, re.MULTILINE)
        for age, idle_s in re.findall(r'age=(-?\d+) idle=(-?\d+)', control.call('CLIENT', 'LIST').decode()):
            assert 0 <= int(age) <= test.seconds() + 1 and 0 <= int(idle_s) <= test.seconds() + 1
        for entry in control.call('SLOWLOG', 'GET', '100'):
            assert 0 <= entry[2] <= test.seconds() * 1_000_000, entry
        for event in control.call('LATENCY', 'LATEST'):
            assert 0 <= event[2] <= test.seconds() * 1_000 and 0 <= event[3] <= test.seconds() * 1_000, event
        if abs(jump_s) < YEAR_S:  # the clock of uses goes round in 194 days
            assert 0 <= control.call('OBJECT', 'IDLETIME', 'for-ever') <= max(jump_s, 0) + test.seconds() + 1

        # What is done now and then goes on: saving, and closing who is idle. That nobody else is closed is the next test.
        control.call('SET', 'for-ever', '2')
        wait_until(lambda: 'rdb_changes_since_last_save:0\r\n' in control.call('INFO', 'persistence').decode())
        control.call('CONFIG', 'SET', 'timeout', '2')
        assert idle.read_until_closed() == b''
    assert server.config('timeout') == '2'


@pytest.mark.parametrize('jump_s', (HOUR_S, YEAR_S))
def test_a_jump_makes_nobody_idle(jumping_server, jump_s):
    server = jumping_server(timeout='100')
    clients = [server.connect() for _ in range(20)]
    for client in clients:
        client.call('PING')
    server.jump(jump_s)
    time.sleep(2.2)
    for client in clients:
        assert client.call('PING') == b'PONG'
    server.jump(0)  # and back
    time.sleep(1.2)
    for client in clients:
        assert client.call('PING') == b'PONG'
        client.close()


def id_of(text):
    return tuple(int(part) for part in text.split(b'-'))
