"""The command line and the configuration file: what is accepted, and how the rest is refused."""

import pathlib
import re
import subprocess

import pytest

from waiting import PATIENCE_S


def test_version_line(run_to_end):
    for flag in ('--version', '-v'):
        done = run_to_end(flag)
        assert done.returncode == 0
        assert re.fullmatch(rb'.+ v=\d+\.\d+\.\d+ sha=[0-9a-f]+:\d malloc=\S+ bits=64 build=[0-9a-f]+( \S+)*\n', done.stdout)


def test_help_shows_the_usage(run_to_end):
    for flag in ('--help', '-h'):
        done = run_to_end(flag)
        assert done.returncode == 1
        assert b'Usage: ' in done.stdout + done.stderr


def test_options_override_the_file(from_file):
    server = from_file('hz 20\nmaxmemory 1mb\n', '--hz', '30')
    assert server.config('hz') == '30'
    assert server.config('maxmemory') == '1048576'


def test_the_last_of_equal_options_counts(make_server):
    server = make_server(arguments=[])
    server.arguments = ['--port', '1', '--save', '', '--port', str(server.port)]
    server.start()
    assert server.config('port') == str(server.port)


def test_configuration_from_standard_input(make_server, server_binary):
    server = make_server()
    text = f'port {server.port}\nbind 127.0.0.1\nsave ""\nhz 33\n'
    with open(server.log_path, 'wb') as log:
        server.process = subprocess.Popen([server_binary, '-'], stdin=subprocess.PIPE, stdout=log, cwd=server.folder)
    server.process.stdin.write(text.encode())
    server.process.stdin.close()
    server.wait_log('Ready to accept connections')
    assert server.config('hz') == '33'


@pytest.mark.parametrize('arguments, name, value', [
    (['--save', '900', '1', '300', '10'], 'save', '900 1 300 10'),
    (['--save', '900 1'], 'save', '900 1'),
    (['--save', ''], 'save', ''),
    (['--maxmemory 700mb'], 'maxmemory', '734003200'),
    (['--maxmemory 700mb', '--maxmemory-policy volatile-lru'], 'maxmemory-policy', 'volatile-lru'),
    (['--maxmemory', '1GB'], 'maxmemory', '1073741824'),
    (['--MAXMEMORY', '1k'], 'maxmemory', '1000'),
    (['--client-output-buffer-limit', 'pubsub', '64mb', '16mb', '90'], 'client-output-buffer-limit',
     'normal 0 0 0 slave 268435456 67108864 60 pubsub 67108864 16777216 90'),
    (['--requirepass', ''], 'requirepass', ''),
    (['--slave-read-only', 'no'], 'replica-read-only', 'no'),
    (['--proc-title-template', '--{title}--'], 'proc-title-template', '--{title}--'),
])
def test_accepted(make_server, arguments, name, value):
    server = make_server(arguments=[])
    server.arguments = ['--port', str(server.port), *arguments]
    server.start()
    assert server.config(name) == value


@pytest.mark.parametrize('arguments, line, reason', [
    (['--invalid'], "'invalid'", 'Bad directive or wrong number of arguments'),
    (['--port'], "'port'", 'wrong number of arguments'),
    (['--port', '6379', '6380'], '\'port "6379" "6380"\'', 'wrong number of arguments'),
    (['--port', 'abc'], '\'port "abc"\'', "argument couldn't be parsed into an integer"),
    (['--port', '70000'], '\'port "70000"\'', 'argument must be between 0 and 65535 inclusive'),
    (['--maxmemory', '10xb'], '\'maxmemory "10xb"\'', 'argument must be a memory value'),
    (['--daemonize', 'maybe'], '\'daemonize "maybe"\'', "argument must be 'yes' or 'no'"),
    (['--loglevel', '--verbose'], '\'loglevel "--verbose"\'', r'argument\(s\) must be one of the following: debug, verbose, '),
    (['--unixsocketperm', '999'], '\'unixsocketperm "999"\'', "argument couldn't be parsed as an octal number"),
    (['--save', '900', '1', '300'], '\'save "900" "1" "300"\'', 'Invalid save parameters'),
    (['--dir', '/nonexistent'], '\'dir "/nonexistent"\'', 'No such file or directory'),
    (['--loglevel', 'debug', 'server.conf'], '\'loglevel "debug" "server.conf"\'', 'wrong number of arguments'),
])
def test_refused_with_the_fatal_error(run_to_end, arguments, line, reason):
    done = run_to_end(*arguments)
    assert done.returncode == 1
    assert re.fullmatch(r'\n?\*\*\* FATAL CONFIG FILE ERROR \([\w-]+ \d+\.\d+\.\d+\) \*\*\*\n'
                        r'Reading the configuration file, at line \d+\n'
                        rf'>>> {re.escape(line)}\n{reason}.*\n', done.stderr.decode()), done.stderr


@pytest.mark.parametrize('text, line_number, line, reason', [
    ('hz 10\n\n# comment\nnosuch directive\n', 4, 'nosuch directive', 'Bad directive or wrong number of arguments'),
    ('hz 10\nhz "10\n', 2, 'hz "10', 'Unbalanced quotes in configuration line'),
    ('databases 0\n', 1, 'databases 0', 'argument must be between 1 and 2147483647 inclusive'),
    ('maxmemory-policy none\n', 1, 'maxmemory-policy none', 'argument(s) must be one of the following: volatile-lru'),
    ('client-output-buffer-limit normal 1 2\n', 1, 'client-output-buffer-limit normal 1 2', ''),
])
def test_refused_lines_of_a_file(run_to_end, tmp_path, text, line_number, line, reason):
    file = tmp_path / 'bad.conf'
    file.write_text(text)
    done = run_to_end(file)
    assert done.returncode == 1
    assert f"Reading the configuration file, at line {line_number}\n>>> '{line}'\n{reason}" in done.stderr.decode()


def test_a_missing_file_is_fatal(run_to_end):
    done = run_to_end('/nonexistent/server.conf')
    assert done.returncode == 1
    assert b"Fatal error, can't open config file '/nonexistent/server.conf': No such file or directory" \
        in done.stdout + done.stderr


def test_a_log_file_that_cannot_be_opened_is_fatal(run_to_end):
    done = run_to_end('--logfile', '/nonexistent/server.log')
    assert done.returncode == 1
    assert b"Can't open the log file: No such file or directory" in done.stderr


def test_spelling_of_a_file(from_file):
    """Any case, any white space, comments, quotes and escapes, no last newline."""
    server = from_file('  HZ\t 20  \n\r\n   # comment\nrequirepass "\\x70w"\n'
                       "notify-keyspace-events 'Ex'")
    with server.connect() as connection:
        assert connection.call('AUTH', 'pw') == b'OK'
        assert connection.call('CONFIG', 'GET', 'hz') == [b'hz', b'20']
        assert connection.call('CONFIG', 'GET', 'notify-keyspace-events')[1] == b'xE'


def test_include_with_a_pattern(from_file, tmp_path):
    (tmp_path / '1.conf').write_text('hz 20\nmaxmemory 1mb\n')
    (tmp_path / '2.conf').write_text('hz 30\n')
    server = from_file(f'hz 11\ninclude {tmp_path}/*.conf\nmaxmemory-samples 7\n')
    assert [server.config(name) for name in ('hz', 'maxmemory', 'maxmemory-samples')] == ['30', '1048576', '7']


def test_include_of_a_missing_file_is_fatal_but_an_empty_pattern_is_not(run_to_end, from_file, tmp_path):
    file = tmp_path / 'bad.conf'
    file.write_text('include /nonexistent/x.conf\n')
    assert run_to_end(file).returncode == 1
    from_file(f'include {tmp_path}/*.nothing\n')


def test_rewrite_keeps_comments_and_order(from_file):
    server = from_file('# first comment\n\nmaxmemory 100mb\n# last comment\n')
    before = server.config_file.read_text().splitlines()
    with server.connect() as connection:
        assert connection.call('CONFIG', 'SET', 'maxmemory', '200mb', 'hz', '50') == b'OK'
        assert connection.call('CONFIG', 'REWRITE') == b'OK'
    after = server.config_file.read_text().splitlines()
    assert after[:len(before)] == [line.replace('100mb', '200mb') for line in before]
    assert after[len(before):len(before) + 2] == ['', '# Generated by CONFIG REWRITE'] or \
        after[len(before)] == '# Generated by CONFIG REWRITE'
    assert 'hz 50' in after
    server.restart()
    assert server.config('maxmemory') == str(200 << 20) and server.config('hz') == '50'
    with server.connect() as connection:
        assert connection.call('CONFIG', 'REWRITE') == b'OK'

    def directives(lines):
        return [line for line in lines if line and not line.startswith('user ')]

    again = server.config_file.read_text().splitlines()
    assert directives(again) == directives(after), 'a second rewrite changes nothing'


def test_rewrite_without_a_file_is_an_error(make_server):
    server = make_server().start()
    with server.connect() as connection:
        assert str(connection.call('CONFIG', 'REWRITE')) == 'ERR The server is running without a config file'


def test_info_names_the_file_and_the_program(from_file):
    server = from_file()
    with server.connect() as connection:
        info = dict(line.split(':', 1) for line in connection.call('INFO', 'server').decode().split('\r\n') if ':' in line)
    assert info['config_file'] == str(server.config_file)
    assert info['executable'].startswith('/')
    assert info['process_id'] == str(server.pid)
    assert info['tcp_port'] == str(server.port)
    assert info['redis_mode'] == 'standalone'
    assert re.fullmatch('[0-9a-f]{40}', info['run_id'])
    assert int(info['redis_version'].split('.')[0]) >= 7


def test_kvick_looks_like_version_8_and_has_its_own(kvick_only, make_server):
    server = make_server().start()
    with server.connect() as connection:
        info = connection.call('INFO', 'server').decode()
    assert re.search(r'^redis_version:8\.\d+\.\d+\r$', info, re.M)
    assert re.search(r'^kvick_version:\d+\.\d+\.\d+\r$', info, re.M)
    assert re.search(r'^server_name:kvick\r$', info, re.M)


def link_to(server_binary, tmp_path, name):
    link = tmp_path / name
    link.symlink_to(server_binary)
    return str(link)


def test_starts_under_another_name(make_server, server_binary, tmp_path):
    """A tool that knows only redis-server gets a link."""
    server = make_server()
    server.binary = link_to(server_binary, tmp_path, 'redis-server')
    server.start()
    assert server.connect().call('PING') == b'PONG'
    title = pathlib.Path(f'/proc/{server.pid}/cmdline').read_bytes().rstrip(b'\0').decode()
    assert title == f'{server.binary} 127.0.0.1:{server.port}'


def test_version_line_of_redis_server(server_binary, tmp_path):
    link = link_to(server_binary, tmp_path, 'redis-server')
    line = subprocess.run([link, '--version'], capture_output=True, check=True, timeout=PATIENCE_S).stdout
    assert re.match(rb'Redis server v=\d+\.\d+\.\d+ sha=', line)


def test_no_server_in_the_place_of_a_sentinel(kvick_only, run_to_end, server_binary, tmp_path):
    by_name = subprocess.run([link_to(server_binary, tmp_path, 'redis-sentinel')], capture_output=True, timeout=PATIENCE_S)
    for done in (by_name, run_to_end('--sentinel')):
        assert (done.returncode, done.stderr) == (1, b'Sentinel mode is not part of kvick yet.\n')
