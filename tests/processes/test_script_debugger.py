"""SCRIPT DEBUG: sessions as a client sees them, and how they end. The transcripts in debugger/ are the stock server's.

A transcript has the script, the mode and the arguments, and then what the client says ('> ') and what it gets back;
'0x' stands for any address. What is behind <endsession> is the script's reply in protocol form.
"""

import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import certificates
import pytest
import tls

from free_port import free_port
from resp import Closed, encode_command, to_python
from waiting import PATIENCE_S, wait_until

TRANSCRIPTS = sorted((pathlib.Path(__file__).parent / 'debugger').glob('*.txt'))
TWO_WRITES = "redis.call('set', 'a', '1')\nredis.call('set', 'b', '1')\nreturn 1"
STOPPED = ['* Stopped at 1, stop reason = step over', "-> 1   redis.call('set', 'a', '1')"]


class Session:
    """A client that debugs one script; `lines` is what the debugger said first."""

    def __init__(self, server, mode, script, *arguments):
        self.connection = server.connect()
        assert self.connection.call('SCRIPT', 'DEBUG', mode) == b'OK'
        self.lines = self.ask('EVAL', script, *(arguments or ['0']))

    def ask(self, *words):
        self.connection.send(encode_command(words))
        return self.read()

    def read(self):
        lines = [line.decode('latin-1') for line in to_python(self.connection.read_reply())]
        if lines[-1:] == ['<endsession>']:
            lines += self.connection.read_until_closed().decode('latin-1').splitlines()
        return [re.sub('@0x[0-9a-f]+', '@0x', line) for line in lines]


@pytest.fixture
def server(make_server):
    return make_server().start()


@pytest.fixture(params=['1', '2'])
def threaded_server(request, make_server, is_kvick):
    return make_server({'busy-reply-threshold': '300', **({'threads': request.param} if is_kvick else {})}).start()


def test_there_are_transcripts():
    assert len(TRANSCRIPTS) >= 4


@pytest.mark.parametrize('path', TRANSCRIPTS, ids=[path.stem for path in TRANSCRIPTS])
def test_transcripts(server, path):
    head, *exchanges = path.read_text().split('\n> ')
    mode, arguments, _, script = head.split('\n', 3)
    script, _, first = script.partition('\n---\n')
    session = Session(server, mode, script, *arguments.split())
    assert session.lines == first.splitlines()
    for exchange in exchanges:
        words, *expected = exchange.removesuffix('\n').split('\n')
        assert session.ask(*words.split(' ')) == expected, words


def test_what_is_refused(server):
    connection = server.connect()
    refused = 'SCRIPT DEBUG must be called outside a pipeline'
    assert 'Use SCRIPT DEBUG YES/SYNC/NO' in str(connection.call('SCRIPT', 'DEBUG', 'MAYBE'))
    connection.send(encode_command(['PING']) + encode_command(['SCRIPT', 'DEBUG', 'YES']))
    assert to_python(connection.read_reply()) == b'PONG'
    assert refused in str(connection.read_reply())
    connection.call('MULTI')
    connection.call('SCRIPT', 'DEBUG', 'YES')
    assert refused in str(connection.call('EXEC'))
    digest = connection.call('SCRIPT', 'LOAD', 'return 1')
    connection.call('SCRIPT', 'DEBUG', 'YES')
    assert 'Please use EVAL instead of EVALSHA for debugging' in str(connection.call('EVALSHA', digest, '0'))
    assert connection.call('SCRIPT', 'DEBUG', 'NO') == b'OK'
    assert connection.call('EVAL', 'return redis.breakpoint()', '0') is None


def test_a_script_of_a_transaction_is_not_debugged(server, kvick_only):
    connection = server.connect()
    connection.call('SCRIPT', 'DEBUG', 'YES')
    connection.call('MULTI')
    connection.call('EVAL', 'return 1', '0')
    assert "can't be debugged inside a transaction" in str(connection.call('EXEC'))
    assert connection.call('PING') == b'PONG'


def test_a_copy_is_changed_and_nothing_else(threaded_server):
    other = threaded_server.connect()
    other.call('RPUSH', 'l', 'x')
    other.call('SET', 'volatile', 'v', 'PX', '1000000')
    session = Session(threaded_server, 'YES', "redis.call('rpush', 'l', 'mine')\nreturn redis.call('lrange', 'l', 0, -1)")
    session.ask('s')
    assert other.call('LRANGE', 'l', '0', '-1') == [b'x']
    other.call('RPUSH', 'l', 'other')
    assert session.ask('r', 'lrange', 'l', '0', '-1')[1] == '<reply> ["x","mine"]'
    assert int(session.ask('r', 'pttl', 'volatile')[1].split()[1]) > 900_000
    assert session.ask('r', 'dbsize')[1] == '<reply> 2'
    assert session.ask('r', 'flushall')[1] == '<reply> "+OK"'
    assert session.ask('r', 'keys', '*')[1] == '<reply> []'
    assert session.ask('c') == ['<endsession>', '*0']
    assert other.call('LRANGE', 'l', '0', '-1') == [b'x', b'other']
    assert other.call('DBSIZE') == 2


def test_many_debug_at_once_and_nobody_waits(threaded_server):
    other = threaded_server.connect()
    sessions = [Session(threaded_server, 'YES', TWO_WRITES) for _ in range(10)]
    assert other.call('SET', 'free', '1') == b'OK'
    for session in sessions:
        assert session.ask('s')[-1].startswith('-> 2')
    assert all(session.ask('c') == ['<endsession>', ':1'] for session in sessions)
    assert other.call('MGET', 'a', 'b') == [None, None]


def test_in_place_all_others_wait(threaded_server):
    other = threaded_server.connect()
    session = Session(threaded_server, 'SYNC', TWO_WRITES)
    other.send(encode_command(['GET', 'a']))
    assert not select.select([other.socket], [], [], 0.3)[0]
    assert session.ask('s') == ["<redis> set a 1", '<reply> "+OK"', '* Stopped at 2, stop reason = step over',
                                "-> 2   redis.call('set', 'b', '1')"]
    assert session.ask('abort')[:1] == ['<endsession>']
    assert to_python(other.read_reply()) == b'1'
    assert other.call('GET', 'b') is None


def test_in_place_a_client_that_leaves_lets_the_script_go_on(threaded_server):
    other = threaded_server.connect()
    session = Session(threaded_server, 'SYNC', TWO_WRITES)
    session.ask('s')
    session.connection.close()
    assert other.call('MGET', 'a', 'b') == [b'1', b'1']


@pytest.mark.parametrize('script', ['while true do end', 'while true do pcall(function() while true do end end) end'])
@pytest.mark.parametrize('mode', ['YES', 'SYNC'])
def test_a_client_that_leaves_an_endless_script(threaded_server, is_kvick, mode, script):
    if not is_kvick and 'pcall' in script:
        pytest.skip('the stock server has to be killed then')
    other = threaded_server.connect()
    session = Session(threaded_server, mode, script)
    session.connection.send(encode_command(['c']))
    session.connection.close()
    assert other.call('PING') == b'PONG'


@pytest.mark.parametrize('mode', ['YES', 'SYNC'])
def test_time_runs_while_the_script_does(threaded_server, mode):
    session = Session(threaded_server, mode, 'while true do end')
    time.sleep(0.5)  # the user thinks for longer than a script may run
    started = time.monotonic()
    assert session.ask('c')[0] == '* Stopped at 1, stop reason = timeout reached, infinite loop?'
    assert time.monotonic() - started > 0.25
    assert 'script aborted for user request' in session.ask('a')[1]


def test_code_that_is_evaluated_ends_as_well(threaded_server, kvick_only):
    session = Session(threaded_server, 'SYNC', 'return 1')
    assert session.ask('e', 'while true do end') == ['<error> the code has run for too long']
    assert session.ask('e', 'error({err = "MY error"})') == ['<error> MY error']
    assert session.ask('c') == ['<endsession>', ':1']


def test_a_killed_client_leaves_nothing(threaded_server, kvick_only):
    other = threaded_server.connect()
    session = Session(threaded_server, 'YES', TWO_WRITES)
    lines = other.call('CLIENT', 'LIST').decode().splitlines()
    identity = next(re.match(r'id=(\d+)', line).group(1) for line in lines if ' cmd=eval ' in line)
    assert other.call('CLIENT', 'KILL', 'ID', identity) == 1
    with pytest.raises(Closed):
        session.connection.fill()
    wait_until(lambda: len(other.call('CLIENT', 'LIST').splitlines()) == 1)
    wait_until(lambda: b'connected_clients:1\r\n' in other.call('INFO', 'clients'))


def test_an_idle_client_is_closed(make_server, kvick_only):
    server = make_server({'timeout': '3'}).start()
    session = Session(server, 'SYNC', TWO_WRITES)
    assert server.connect().call('MGET', 'a', 'b') == [b'1', b'1']
    session.connection.close()


@pytest.mark.parametrize('mode', ['YES', 'SYNC'])
def test_the_process_ends_while_somebody_debugs(threaded_server, kvick_only, mode):
    session = Session(threaded_server, mode, TWO_WRITES)
    threaded_server.signal(signal.SIGTERM)
    assert threaded_server.wait() == 0
    session.connection.close()


def test_shutdown_while_somebody_debugs(threaded_server):
    session = Session(threaded_server, 'YES', TWO_WRITES)
    with pytest.raises(Closed):
        threaded_server.connect().call('SHUTDOWN', 'NOSAVE')
    assert threaded_server.wait() == 0
    session.connection.close()


def test_what_is_changed_in_place_is_in_the_file(make_server):
    server = make_server({'appendonly': 'yes', 'appendfsync': 'always'}).start()
    session = Session(server, 'SYNC', TWO_WRITES)
    assert session.ask('c') == ['<endsession>', ':1']
    session = Session(server, 'YES', "redis.call('set', 'copy', '1')\nreturn 1")
    assert session.ask('c') == ['<endsession>', ':1']
    server.signal(signal.SIGKILL)
    server.wait()
    server.restart()
    assert server.connect().call('MGET', 'a', 'b', 'copy') == [b'1', b'1', None]


def test_rights_are_those_of_the_user(server):
    admin = server.connect()
    admin.call('ACL', 'SETUSER', 'u', 'on', 'nopass', '+@all', '-flushall', '~ok*')
    connection = server.connect()
    connection.call('AUTH', 'u', 'x')
    connection.call('SCRIPT', 'DEBUG', 'YES')
    connection.send(encode_command(['EVAL', "redis.call('set', 'ok', '1')\nreturn redis.call('get', 'other')", '0']))
    connection.read_reply()
    for words in (['r', 'get', 'other'], ['r', 'flushall']):
        connection.send(encode_command(words))
        assert to_python(connection.read_reply())[1].startswith(b'<error> ')
    connection.send(encode_command(['c']))
    assert b'\r\n-' in connection.read_until_closed()


@pytest.mark.parametrize('mode', ['YES', 'SYNC'])
def test_over_tls(make_server, kvick_only, tmp_path, mode):
    folder = certificates.make(tmp_path / 'certificates')
    port = free_port()
    make_server(tls.server_options(folder, port)).start()

    class Server:
        def connect(self):
            return tls.Connection(port, tls.client_context(folder, 'client'))

    session = Session(Server(), mode, TWO_WRITES)
    assert session.lines == STOPPED
    session.ask('maxlen', '0')
    assert len(session.ask('e', "string.rep('x', 60000)")[0]) > 60000
    assert session.ask('c') == ['<endsession>', ':1']


def debug_on_terminal(program, server, mode, lines):
    """What the program prints when a user types the lines, without what an editor draws while he types."""
    script = server.folder / 'script.lua'
    script.write_text('local key = KEYS[1]\nredis.breakpoint()\nreturn {key, ARGV[1]}\n')
    command = [program, '-p', str(server.port), mode, '--eval', str(script), 'k', ',', 'v']
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM='dumb', HOME=str(server.folder))
        os.execv(command[0], command)
    text = ''
    for line in [*lines, None]:
        # Until the prompt that follows the line; an editor draws the one before it anew while it is typed.
        said_before = len(text)
        while select.select([terminal], [], [], PATIENCE_S)[0]:
            try:
                data = os.read(terminal, 65536)
            except OSError:
                break
            text += data.decode()
            if '\n' in text[said_before:] and text.endswith(('lua debugger> ', f'127.0.0.1:{server.port}> ')):
                break
        if line is not None:
            os.write(terminal, line.encode() + b'\n')
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    shown = [line.rpartition('\r')[2] for line in text.replace('\r\n', '\n').split('\n')]
    # What is typed before the editor has the terminal is echoed twice.
    return [line for line, before in zip(shown, ['', *shown]) if line != before or line == '']


@pytest.mark.parametrize('mode', ['--ldb', '--ldb-sync-mode'])
@pytest.mark.parametrize('program', ['redis-cli', 'kvick-cli'])
def test_a_person_debugs(server, server_binary, is_kvick, program, mode):
    path = shutil.which('redis-cli')
    if program == 'kvick-cli':
        path = os.path.join(os.path.dirname(server_binary), 'kvick-cli') if is_kvick else None
    if path is None:
        pytest.skip(f'no {program}')
    lines = debug_on_terminal(path, server, mode, ['s', 'e {1,  "a"}', 'c', 'restart', 'abort', 'quit'])
    prompt = f'127.0.0.1:{server.port}> '
    rolled_back = ' -- dataset changes rolled back' if mode == '--ldb' else ''
    banner = ['Lua debugging session started, please use:', 'quit    -- End the session.',
              'restart -- Restart the script in debug mode again.', 'help    -- Show Lua script debugging commands.', '',
              '* Stopped at 1, stop reason = step over', '-> 1   local key = KEYS[1]']
    assert lines[:22] == [
        *banner,
        'lua debugger> s',
        '* Stopped at 2, stop reason = step over',
        '-> 2   redis.breakpoint()',
        'lua debugger> e {1,  "a"}',
        '<retval> {1; "a"}',
        'lua debugger> c',
        '* Stopped at 3, stop reason = redis.breakpoint() called',
        '-> 3   return {key, ARGV[1]}',
        'lua debugger> restart',
        '',
        *banner[:5],
    ]
    assert lines[22:24] == banner[5:]
    assert lines[24] == 'lua debugger> abort'
    assert lines[26].startswith('(error) ERR script aborted for user request')
    assert lines[28] == f'(Lua debugging session ended{rolled_back})'
    assert lines[30] == prompt + 'quit'


def test_commands_from_a_pipe(server, server_binary, is_kvick):
    programs = [shutil.which('redis-cli')]
    if is_kvick:
        programs.append(os.path.join(os.path.dirname(server_binary), 'kvick-cli'))
    script = server.folder / 'script.lua'
    script.write_text('local key = KEYS[1]\nreturn {key, false, 3}\n')
    said = b's\nr get\nnosuch\ne redis.debug(1)\nb 1\ns "\nc\nget k\nrestart\nc\n'
    outputs = [subprocess.run([program, '-p', str(server.port), '--ldb', '--eval', str(script), 'k'], input=said,
                              capture_output=True, timeout=PATIENCE_S, env={'TERM': 'xterm'}).stdout
               for program in programs if program is not None]
    for output in outputs:
        assert b'\x1b[0;35;49m<retval> nil\x1b[0m\n' in output
        assert b'Invalid argument(s)\n' in output
        assert output.count(b'1) "k"\n2) (nil)\n3) (integer) 3\n\n(Lua debugging session ended -- ') == 2
    assert len(set(outputs)) == 1
