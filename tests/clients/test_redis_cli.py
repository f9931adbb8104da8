"""redis-cli in the ways that scripts and people use it."""

import os
import pty
import re
import select
import subprocess

import pytest

from resp import encode_command
from waiting import PATIENCE_S, wait_until


@pytest.fixture
def cli(target):
    """cli('GET', 'a') runs one redis-cli and returns what it printed."""

    def run(*arguments, stdin=None, status=0):
        done = subprocess.run(['redis-cli', *target.cli_arguments(), *arguments], input=stdin, capture_output=True,
                              timeout=PATIENCE_S, stdin=None if stdin is not None else subprocess.DEVNULL)
        assert done.returncode == status, done.stderr
        return done.stdout

    return run


def test_one_shot(cli):
    assert cli('SET', 'a', 'hello') == b'OK\n'
    assert cli('GET', 'a') == b'hello\n'
    assert cli('GET', 'absent') == b'\n'
    assert cli('INCR', 'n') == b'1\n'
    assert cli('MGET', 'a', 'absent', 'n') == b'hello\n\n1\n'


def test_its_user_is_the_one_of_its_certificate(cli, target):
    assert cli('ACL', 'WHOAMI').decode().strip() == target.user


def test_output_formats(cli):
    cli('SET', 'a', 'line\n"quote"')
    assert cli('--no-raw', 'GET', 'a') == b'"line\\n\\"quote\\""\n'
    assert cli('--no-raw', 'GET', 'absent') == b'(nil)\n'
    assert cli('--no-raw', 'STRLEN', 'a') == b'(integer) 12\n'
    assert cli('--csv', 'MGET', 'a', 'absent') == b'"line\\n\\"quote\\"",NULL\n'
    assert b'"quote\\"' in cli('--json', 'GET', 'a')


def test_errors_and_their_exit_status(cli):
    assert cli('NOSUCH', 'x').startswith(b"ERR unknown command 'NOSUCH', with args beginning with: 'x'")
    assert cli('-e', 'NOSUCH', status=1) == b''
    cli('SET', 'a', 'text')
    assert cli('INCR', 'a') == b'ERR value is not an integer or out of range\n\n'


def test_value_from_standard_input(cli):
    value = bytes(range(256)) * 40
    assert cli('-x', 'SET', 'blob', stdin=value) == b'OK\n'
    assert cli('STRLEN', 'blob') == b'10240\n'
    assert cli('GET', 'blob') == value + b'\n'


def test_commands_from_standard_input(cli):
    assert cli(stdin=b'SET a 1\nINCR a\nGET a\n') == b'OK\n2\n2\n'


def test_resp3(cli):
    assert cli('-3', 'SET', 'a', '1') == b'OK\n'
    assert cli('-3', '--no-raw', 'GET', 'absent') == b'(nil)\n'
    assert re.match(rb'1# "maxmemory" => "\d+"\n', cli('-3', '--no-raw', 'CONFIG', 'GET', 'maxmemory'))


def test_database_option(cli):
    assert cli('-n', '3', 'SET', 'only:in:3', 'x') == b'OK\n'
    assert cli('DBSIZE') == b'0\n'
    assert cli('-n', '3', 'DBSIZE') == b'1\n'


def test_scan_lists_every_key_once_or_more(cli, target):
    with target.connect() as connection:
        for number in range(500):
            connection.send(encode_command(['SET', f'key:{number}', number]))
        for _ in range(500):
            connection.read_reply()
    assert set(cli('--scan').split()) == {b'key:%d' % number for number in range(500)}
    assert set(cli('--scan', '--pattern', 'key:4?').split()) == {b'key:%d' % number for number in range(40, 50)}


def test_pipe_loads_a_file_of_commands(cli):
    count = 20_000
    request = b''.join(encode_command(['SET', f'key:{number}', 'x' * 20]) for number in range(count))
    output = cli('--pipe', stdin=request)
    assert b'errors: 0, replies: %d' % count in output
    assert cli('DBSIZE') == b'%d\n' % count


def test_pipe_counts_errors(cli):
    output = cli('--pipe', stdin=encode_command(['SET', 'a', 'x']) + encode_command(['INCR', 'a']), status=1)
    assert b'errors: 1, replies: 2' in output


def test_repeat(cli):
    assert cli('-r', '5', 'INCR', 'n') == b'1\n2\n3\n4\n5\n'


def test_bigkeys(cli):
    cli('SET', 'big', 'x' * 1000)
    assert b'Biggest string found \'"big"\' has 1000 bytes' in cli('--bigkeys')


def test_latency_samples(cli):
    """Measures with PING for 0.1 s; four numbers a line when the output is no terminal."""
    assert re.fullmatch(rb'\d+ \d+ [\d.]+ \d+\n', cli('--latency', '-i', '0.1'))


class Terminal:
    """redis-cli on a pseudo terminal, as a person sees it."""

    def __init__(self, arguments, home):
        environment = dict(os.environ, HOME=str(home), TERM='dumb', REDISCLI_HISTFILE='/dev/null')
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(['redis-cli', *arguments], stdin=slave, stdout=slave, stderr=slave,
                                        env=environment, close_fds=True)
        os.close(slave)
        self.seen = ''

    def expect(self, text):
        def is_seen():
            if text not in self.seen and select.select([self.master], [], [], 0.1)[0]:
                self.seen += os.read(self.master, 65536).decode('utf-8', 'replace')
            return text in self.seen

        wait_until(is_seen, lambda: f'no {text!r} in {self.seen!r}')
        before, _, self.seen = self.seen.partition(text)
        return before

    def type(self, line):
        os.write(self.master, line.encode() + b'\n')

    def close(self):
        os.close(self.master)
        self.process.kill()
        self.process.wait()


def test_interactive(target, tmp_path):
    terminal = Terminal(target.cli_arguments(), tmp_path)
    prompt = 'redis ' + target.server.unix_socket if target.transport == 'unix' else f'127.0.0.1:{target.port}'
    try:
        terminal.expect(prompt + '> ')
        terminal.type('SET greeting "hello world"')
        terminal.expect('OK')
        terminal.type('GET greeting')
        terminal.expect('"hello world"')
        terminal.type('SELECT 2')
        terminal.expect(prompt + '[2]> ')
        terminal.type('INCR counter')
        terminal.expect('(integer) 1')
        terminal.type('HELLO 3')
        terminal.expect('"proto" => (integer) 3')
        terminal.type('EXISTS greeting')
        terminal.expect('(integer) 0')
        terminal.type('quit')
        assert terminal.process.wait(PATIENCE_S) == 0
    finally:
        terminal.close()
