"""Scripts that run past their time: who is answered BUSY, and how such a script ends. How errors of scripts count."""

import re

import pytest

from resp import Closed, encode_command

BUSY = 'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.'
KILLED = 'Script killed by user with SCRIPT KILL...'
# Holds its declared key; a key that it reached; everything, because it walks the keyspace.
ENDLESS = ['while true do end', "redis.call('get', ARGV[1]) while true do end", "redis.call('keys', '*') while true do end"]


def error_of(connection, *arguments):
    return str(connection.call(*arguments))


def start_script(server, script, key='k', argument='other'):
    connection = server.connect()
    connection.send(encode_command(['EVAL', script, '1', key, argument]))
    server.wait_log('Slow script detected')
    return connection


@pytest.mark.parametrize('threads', ['1', '2', '4'])
@pytest.mark.parametrize('script', ENDLESS)
def test_busy_and_killed(make_server, is_kvick, threads, script):
    server = make_server({'busy-reply-threshold': '100', **({'threads': threads} if is_kvick else {})}).start()
    before = [server.connect() for _ in range(4)]
    for connection in before:
        assert connection.call('PING') == b'PONG'
    running = start_script(server, script)
    # Connections of all workers, old and new.
    for connection in [*before, *(server.connect() for _ in range(4))]:
        assert BUSY in error_of(connection, 'GET', 'k')
        assert BUSY in error_of(connection, 'MSET', 'k', '1', 'x', '2')
    assert BUSY in error_of(before[1], 'CONFIG', 'SET', 'maxclients', '1000')
    assert BUSY in error_of(before[2], 'FUNCTION', 'KILL')
    assert before[3].call('SCRIPT', 'KILL') == b'OK'
    assert KILLED in str(running.read_reply())
    for connection in before:
        assert connection.call('GET', 'k') is None


@pytest.mark.parametrize('threads', ['1', '2'])
def test_a_script_that_has_written_ends_with_the_server(make_server, is_kvick, threads):
    server = make_server({'busy-reply-threshold': '100', **({'threads': threads} if is_kvick else {})}).start()
    others = [server.connect() for _ in range(3)]
    start_script(server, "redis.call('set', KEYS[1], '1') while true do end")
    assert 'UNKILLABLE' in error_of(others[0], 'SCRIPT', 'KILL')
    assert BUSY in error_of(others[1], 'SHUTDOWN')
    with pytest.raises(Closed):
        others[2].call('SHUTDOWN', 'NOSAVE')
    assert server.wait() == 0


@pytest.mark.parametrize('script, errors, failed', [
    ("redis.call('INCR', 's')", {'ERR': 1}, {'incr', 'eval'}),
    ("return redis.pcall('INCR', 's')", {'ERR': 1}, {'incr', 'eval'}),
    ("redis.pcall('INCR', 's')", {'ERR': 1}, {'incr'}),
    ("return redis.call('NOSUCH')", {'ERR': 1}, {'eval'}),
    ("redis.pcall('NOSUCH')", {'ERR': 1}, set()),
    ("return redis.error_reply('MY text')", {'MY': 1}, {'eval'}),
    ("return {redis.error_reply('MY text'), {err = 'OTHER text'}}", {'MY': 1, 'OTHER': 1}, {'eval'}),
    ("error({err = 'MY text'})", {'MY': 1}, {'eval'}),
    ("local e = redis.pcall('INCR', 's') e.err = 'MY ' .. e.err return e", {'ERR': 1}, {'eval', 'incr'}),
])
def test_an_error_counts_once(make_server, script, errors, failed):
    """Where it arose: in the command that the script called, or else in the script; the script has failed if it replies it."""
    with make_server().start().connect() as connection:
        connection.call('SET', 's', 'no number')
        connection.call('CONFIG', 'RESETSTAT')
        connection.call('EVAL', script, '0')
        counted = re.findall(r'errorstat_(\w+):count=(\d+)', connection.call('INFO', 'errorstats').decode())
        assert {code: int(count) for code, count in counted} == errors
        commands = connection.call('INFO', 'commandstats').decode()
        assert set(re.findall(r'cmdstat_(\w+):.*failed_calls=1', commands)) == failed


def test_a_call_with_too_few_words_is_rejected(make_server):
    with make_server().start().connect() as connection:
        connection.call('EVAL', "return redis.pcall('GET')", '0')
        assert re.search(rb'cmdstat_get:calls=0,.*rejected_calls=1,failed_calls=0', connection.call('INFO', 'commandstats'))
