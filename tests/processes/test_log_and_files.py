"""What the process leaves behind for others to read: log, pid file, title, start-up time."""

import datetime
import json
import os
import re
import signal
import time

import pytest

from waiting import least_busy_seconds, wait_until

LINE = re.compile(r'(\d+):([MSCX]) (\d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} '
                  r'\d\d:\d\d:\d\d\.\d{3}) ([.\-*#]) (.+)')


def test_form_of_the_log(make_server):
    before = int(time.time())
    server = make_server().start()
    lines = [line for line in server.log().splitlines() if line]
    matches = [LINE.fullmatch(line) for line in lines]
    assert all(matches), [line for line, match in zip(lines, matches) if not match]
    assert {match[1] for match in matches} == {str(server.pid)}
    texts = [match[5] for match in matches]
    initialized = next(index for index, text in enumerate(texts) if 'Server initialized' in text)
    ready = next(index for index, text in enumerate(texts) if text.startswith('Ready to accept connections'))
    assert initialized < ready
    assert matches[ready][2] == 'M' and matches[ready][4] == '*'
    when = time.mktime(time.strptime(matches[ready][3][:20], '%d %b %Y %H:%M:%S'))
    assert before <= when <= time.time()


def test_log_in_other_formats(kvick_only, make_server):
    before = int(time.time())
    server = make_server({'log-format': 'json', 'log-timestamp-format': 'iso8601'}).start()
    lines = [json.loads(line) for line in server.log().splitlines()]  # the banner is none
    assert {line['pid'] for line in lines} == {server.pid} and {line['role'] for line in lines} == {'master'}
    ready = next(line for line in lines if line['message'].startswith('Ready to accept connections'))
    assert ready['level'] == 'notice'
    assert before <= datetime.datetime.fromisoformat(ready['timestamp']).timestamp() <= time.time()
    with server.connect() as connection:
        assert connection.call('CONFIG', 'GET', 'log-format') == [b'log-format', b'json']
        assert connection.call('CONFIG', 'SET', 'log-format', 'logfmt', 'log-timestamp-format', 'milliseconds',
                               'loglevel', 'verbose') == b'OK'
        with server.connect():
            server.wait_log(rf'\npid={server.pid} role=master timestamp="\d{{13}}" level=verbose message="Accepted [^"]*"\n')
        # The stock name of the usual form.
        assert connection.call('CONFIG', 'SET', 'log-format', 'legacy', 'log-timestamp-format', 'legacy') == b'OK'
        assert connection.call('CONFIG', 'GET', 'log-format') == [b'log-format', b'text']
        with server.connect():
            server.wait_log(rf'\n{server.pid}:M \d\d \w+ \d{{4}} [\d:.]+ - Accepted ')
        assert 'argument(s) must be one of the following: text, legacy, logfmt, json' in str(
            connection.call('CONFIG', 'SET', 'log-format', 'xml'))


def test_ready_line_names_each_kind(kvick_only, make_server):
    server = make_server(unix_socket=True).start()
    server.wait_log('Ready to accept connections tcp')
    server.wait_log('Ready to accept connections unix')


def test_logo(make_server):
    server = make_server({'always-show-logo': 'yes'}).start()
    log = server.log()
    assert f'Port: {server.port}' in log
    assert re.search(rf' PID: {server.pid}\b[\s\S]*Server initialized[\s\S]*Ready to accept', log)


def test_log_level(make_server):
    server = make_server({'loglevel': 'warning'}).spawn()

    def is_up():
        try:
            return server.connect().call('PING') == b'PONG'
        except OSError:
            return False

    wait_until(is_up)
    assert 'Ready to accept' not in server.log()
    with server.connect() as connection:
        assert connection.call('CONFIG', 'SET', 'loglevel', 'verbose') == b'OK'
    with server.connect() as connection:
        connection.call('PING')
    server.wait_log(r' - Accepted 127\.0\.0\.1:\d+')
    server.wait_log(r' - Client closed connection')


def test_log_file(make_server):
    server = make_server()
    path = server.folder / 'own.log'
    server.options['logfile'] = str(path)
    server.spawn()
    wait_until(lambda: path.exists() and 'Ready to accept' in path.read_text())
    assert server.log() == ''


def test_pid_file(make_server):
    server = make_server()
    path = server.folder / 'server.pid'
    server.options['pidfile'] = str(path)
    server.start()
    assert path.read_text() == f'{server.pid}\n'
    assert server.stop() == 0
    assert not path.exists()


def test_daemonize(make_server):
    server = make_server()
    pid_file, log_file = server.folder / 'server.pid', server.folder / 'own.log'
    server.options.update(daemonize='yes', pidfile=str(pid_file), logfile=str(log_file))
    server.spawn()
    assert server.wait() == 0, 'the parent ends'
    pid = None
    try:
        wait_until(lambda: log_file.exists() and 'Ready to accept' in log_file.read_text())
        pid = int(pid_file.read_text())
        assert pid != server.pid
        with server.connect() as connection:
            assert f'process_id:{pid}' in connection.call('INFO', 'server').decode()
        assert os.getsid(pid) == pid or os.getsid(pid) != os.getsid(0), 'a session of its own'
    finally:
        if pid:
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not pid_file.exists(), 'the daemon has ended')


def title(server):
    with open(f'/proc/{server.pid}/cmdline', 'rb') as file:
        return file.read().rstrip(b'\0 ').decode()


def test_process_title(make_server):
    server = make_server().start()
    assert title(server).endswith(f' 127.0.0.1:{server.port}')
    server = make_server({'bind': '*'}).start()
    assert title(server).endswith(f' *:{server.port}')
    server = make_server({'proc-title-template': '{title} for {listen-addr} {port} {server-mode}'}).start()
    assert title(server).endswith(f' for 127.0.0.1:{server.port} {server.port}')
    server = make_server({'set-proc-title': 'no'}).start()
    assert '--set-proc-title' in title(server)


def test_little_processor_time_until_ready(make_server):
    server = make_server().start()
    with open(f'/proc/{server.pid}/stat') as file:
        fields = file.read().rsplit(')', 1)[1].split()
    seconds = (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
    assert seconds < 0.1


def test_idle_server_is_quiet(make_server):
    """Below 2 % of a processor at the default hz."""
    server = make_server().start()
    assert least_busy_seconds(server.pid, window_s=1.5, enough_s=0.03) < 0.03


def test_crash_report(make_server):
    server = make_server({'enable-debug-command': 'yes', 'crash-memcheck-enabled': 'no'}).start()
    with server.connect() as connection:
        connection.send(b'*2\r\n$5\r\nDEBUG\r\n$8\r\nSEGFAULT\r\n')
        assert connection.read_until_closed() == b''
    assert server.wait() == -signal.SIGSEGV
    log = server.log()
    assert 'crashed by signal: 11' in log
    assert 'STACK TRACE' in log
    assert 'BUG REPORT START' in log


@pytest.mark.parametrize('number', [signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL])
def test_crash_report_for_other_signals(make_server, number):
    server = make_server({'crash-memcheck-enabled': 'no'}).start()
    server.signal(number)
    assert server.wait() == -number
    assert f'crashed by signal: {int(number)}' in server.log()


def test_no_crash_report_when_switched_off(make_server):
    server = make_server({'enable-debug-command': 'yes', 'crash-log-enabled': 'no'}).start()
    with server.connect() as connection:
        connection.send(b'*2\r\n$5\r\nDEBUG\r\n$8\r\nSEGFAULT\r\n')
        connection.read_until_closed()
    assert server.wait() == -signal.SIGSEGV
    assert 'STACK TRACE' not in server.log()


def test_debug_is_off_by_default(make_server):
    server = make_server().start()
    with server.connect() as connection:
        reply = connection.call('DEBUG', 'SEGFAULT')
    assert str(reply).startswith('ERR DEBUG command not allowed.')
    assert server.is_running() and server.config('enable-debug-command') == 'no'
