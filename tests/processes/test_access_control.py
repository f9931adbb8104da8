"""Users from files and configuration lines, and what becomes of clients when users change."""

import hashlib
import json
import re
import time

import pytest

from resp import Closed, encode_command
from waiting import wait_until

OPEN_DEFAULT = 'user default on nopass sanitize-payload ~* &* +@all'


def sha256(password):
    return hashlib.sha256(password.encode()).hexdigest()


def lines(client):
    return [line.decode() for line in client.call('ACL', 'LIST')]


def login(server, user, password='x'):
    client = server.connect()
    assert client.call('AUTH', user, password) == b'OK'
    return client


@pytest.fixture
def with_users(make_server):
    """with_users('user ada on nopass\\n'): a running server with this ACL file, and the path of the file."""

    def start(text, **options):
        server = make_server(options)
        path = server.folder / 'users.acl'
        path.write_text(text)
        server.options['aclfile'] = str(path)
        return server.start(), path

    return start


@pytest.fixture
def start_fails(run_to_end, tmp_path):
    """start_fails(config, acl_text): what the server says before it ends with status 1."""

    def run(config, acl_text=None):
        arguments = [tmp_path / 'server.conf', '--port', '0', '--unixsocket', tmp_path / 'socket', '--save', '']
        (tmp_path / 'server.conf').write_text(config)
        if acl_text is not None:
            (tmp_path / 'users.acl').write_text(acl_text)
            arguments += ['--aclfile', 'users.acl']
        ended = run_to_end(*arguments)
        assert ended.returncode == 1, ended
        return (ended.stdout + ended.stderr).decode()

    return run


def test_users_of_the_configuration(from_file):
    server = from_file('user ada on >secret ~a* +get "+set"\nuser eve off nopass (+get\t~x)\nuser zoe on nopass +@all\n')
    with login(server, 'zoe') as client:
        assert lines(client) == [
            f'user ada on sanitize-payload #{sha256("secret")} ~a* resetchannels -@all +get +set',
            OPEN_DEFAULT,
            'user eve off nopass sanitize-payload resetchannels -@all (~x resetchannels -@all +get)',
            'user zoe on nopass sanitize-payload resetchannels +@all',
        ]
    server.wait_log(r"The user 'eve' is disabled \(there is no 'on' modifier in the user description\)")
    with server.connect() as client:
        assert str(client.call('AUTH', 'eve', 'x')).startswith('WRONGPASS')


def test_the_default_user_of_the_configuration(from_file):
    server = from_file('requirepass other\nuser default on >secret ~* +@all\n')
    with login(server, 'default', 'secret') as client:
        assert lines(client) == [f'user default on sanitize-payload #{sha256("secret")} ~* resetchannels +@all']
        assert client.call('CONFIG', 'GET', 'requirepass') == [b'requirepass', b'other']
    with server.connect() as client:
        assert str(client.call('PING')) == 'NOAUTH Authentication required.'


@pytest.mark.parametrize('line, reason', [
    ('user ada on foo', "Error in user declaration 'foo': Syntax error"),
    ('user ada on db=x', "Error in user declaration 'db=x': Syntax error"),
    ('user ada #xyz', "The password hash must be exactly 64 characters"),
    ('user ada <x', "The password you are trying to remove from the user does not exist"),
    ('user ada (on)', "Syntax error"),
    ('user ada (+get', "Unmatched parenthesis"),
    ('user ada on\nuser ada off', "Error in user declaration 'ada': Duplicate user found. A user can only be defined "
                                  "once in config files"),
    ('user', 'Bad directive or wrong number of arguments'),
])
def test_bad_user_lines(start_fails, line, reason):
    said = start_fails(line + '\n')
    assert '*** FATAL CONFIG FILE ERROR' in said
    assert f">>> '{line.splitlines()[-1]}'" in said
    assert reason in said


@pytest.mark.parametrize('line, reason', [
    ('user ada +foo', "Error loading ACL rule '+foo' for the user named 'ada': Unknown command or category name in ACL"),
    ('user ada (~x -@foo)', "Error loading ACL rule '(~x -@foo)' for the user named 'ada': Unknown command or category"),
    ('user "a b" on', 'Spaces not allowed in ACL usernames'),
])
def test_user_lines_that_the_commands_refuse(start_fails, line, reason):
    said = start_fails(line + '\n')
    assert reason in said
    assert 'Critical error while loading ACLs. Exiting.' in said


def test_names_stay_out_of_the_log(start_fails):
    said = start_fails('hide-user-data-from-log yes\nuser ada +foo\n')
    assert "Error loading ACL rule '*redacted*' for the user named '*redacted*': Unknown command" in said


def test_users_in_one_place_only(start_fails):
    said = start_fails('user ada on\n', 'user eve on\n')
    assert 'Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid.' in said


def test_bad_user_files(start_fails):
    said = start_fails('', 'user ada on +foo\n\nuser eve ~a b\nuser eve on\n')
    assert ("Aborting Redis startup because of ACL errors: users.acl:1: Error in applying operation '+foo': Unknown "
            "command or category name in ACL. users.acl:3: Syntax error. WARNING: Duplicate user 'eve' found on line "
            "4. WARNING: ACL errors detected, no change to the previously active ACL rules was performed") in said


def test_a_missing_user_file(run_to_end, tmp_path):
    ended = run_to_end('--port', '0', '--unixsocket', tmp_path / 'socket', '--aclfile', 'none.acl')
    assert ended.returncode == 1
    assert b"opening file 'none.acl': No such file or directory" in ended.stdout


def test_users_of_a_file(with_users):
    server, path = with_users('# people\n\nuser ada on nopass ~a* +@all\n', requirepass='secret')
    with login(server, 'ada') as client:
        # Who is not in the file is as he always was, whatever the configuration says.
        assert lines(client) == ['user ada on nopass sanitize-payload ~a* resetchannels +@all', OPEN_DEFAULT]
        assert client.call('ACL', 'SETUSER', 'eve', 'on', '>x', '(+get', '~x)') == b'OK'
        assert client.call('ACL', 'SAVE') == b'OK'
        assert path.read_text().splitlines() == lines(client)
    server.restart()
    with login(server, 'ada') as client:
        assert path.read_text().splitlines() == lines(client)
    assert [file.name for file in server.folder.iterdir() if 'users' in file.name] == ['users.acl']


def test_a_file_that_cannot_be_saved(with_users):
    server, path = with_users('')
    path.unlink()
    path.mkdir()
    with server.connect() as client:
        assert str(client.call('ACL', 'SAVE')) == ('ERR There was an error trying to save the ACLs. Please check the '
                                                   'server logs for more information')
        server.wait_log('Renaming ACL file for ACL SAVE: Is a directory')
        assert str(client.call('ACL', 'LOAD')).startswith(f"ERR Error loading ACLs, opening file '{path}'")


def test_loading_is_all_or_nothing(with_users):
    server, path = with_users('user ada on nopass +@all\n')
    with login(server, 'ada') as client:
        before = lines(client)
        path.write_text('user eve on\nuser ada on foo\n')
        assert str(client.call('ACL', 'LOAD')) == (
            f'ERR {path}:2: Syntax error. WARNING: ACL errors detected, no change to the previously active ACL rules '
            'was performed')
        assert lines(client) == before


def test_loading_puts_out_whose_user_is_gone(with_users):
    server, path = with_users('user ada on nopass ~* +@all\nuser eve on nopass +@all &news\nuser zoe on nopass +@all\n')
    ada, zoe, eve, listener, default = (login(server, 'ada'), login(server, 'zoe'), login(server, 'eve'),
                                        login(server, 'eve'), server.connect())
    assert listener.call('SUBSCRIBE', 'news') == [b'subscribe', b'news', 1]
    path.write_text('user ada on nopass ~b +@all\nuser eve on nopass +@all &other\nuser default on nopass +@all -get\n')
    assert ada.call('ACL', 'LOAD') == b'OK'
    assert zoe.read_until_closed() == b''
    assert listener.read_until_closed() == b''
    assert eve.call('PING') == b'PONG', 'changed, but there is nothing that she may not go on with'
    assert str(ada.call('GET', 'a')) == 'NOPERM No permissions to access a key'
    assert ada.call('GET', 'b') is None
    assert str(default.call('GET', 'b')) == "NOPERM User default has no permissions to run the 'get' command"
    # The one who asks gets the answer, even if it is his last.
    path.write_text('')
    assert ada.call('ACL', 'LOAD') == b'OK'
    assert ada.read_until_closed() == b''
    assert default.call('GET', 'b') is None


@pytest.mark.parametrize('threads', [1, 4])
def test_deleting_a_user_puts_out_his_clients(make_server, threads):
    server = make_server({'threads': str(threads)}).start()
    with server.connect() as admin:
        admin.call('ACL', 'SETUSER', 'ada', 'on', 'nopass', '+@all', '~*', '&*')
        clients = [login(server, 'ada') for _ in range(8)]
        clients[0].call('SUBSCRIBE', 'news')
        clients[1].send(encode_command(['BLPOP', 'list', '0']))
        other = server.connect()
        assert admin.call('ACL', 'DELUSER', 'ada') == 1
        for client in clients:
            assert client.read_until_closed() == b''
        assert other.call('PING') == b'PONG'
        assert str(other.call('AUTH', 'ada', 'x')).startswith('WRONGPASS')
        # Whoever deletes himself is answered.
        admin.call('ACL', 'SETUSER', 'eve', 'on', 'nopass', '+@all')
        eve = login(server, 'eve')
        assert eve.call('ACL', 'DELUSER', 'eve') == 1
        assert eve.read_until_closed() == b''


def test_rewriting_the_configuration_writes_the_users(from_file):
    server = from_file('# people\nuser ada on nopass\nuser eve on\n')
    with server.connect() as client:
        client.call('ACL', 'DELUSER', 'eve')
        client.call('ACL', 'SETUSER', 'ada', '>x', '+@all', '(+get ~x)')
        client.call('ACL', 'SETUSER', 'zoe', '%R~a*', 'db=1')
        assert client.call('CONFIG', 'REWRITE') == b'OK'
        written = re.findall('^user .*$', server.config_file.read_text(), re.MULTILINE)
        assert sorted(written) == lines(client)
        before = lines(client)
    server.restart()
    with server.connect() as client:
        assert lines(client) == before


def test_with_a_user_file_the_configuration_has_no_users(from_file, tmp_path):
    path = tmp_path / 'users.acl'
    path.write_text('user ada on nopass\n')
    server = from_file(f'aclfile {path}\n')
    with server.connect() as client:
        assert client.call('CONFIG', 'REWRITE') == b'OK'
    assert not re.search('^user ', server.config_file.read_text(), re.MULTILINE)


def test_rules_use_the_names_that_commands_were_born_with(from_file):
    server = from_file('rename-command GET fetch\nrename-command DEL ""\nuser ada on nopass ~* +get +del\n')
    with login(server, 'ada') as client:
        assert client.call('FETCH', 'a') is None
        assert str(client.call('GET', 'a')).startswith("ERR unknown command 'GET'")
        assert str(client.call('SET', 'a', 'x')) == "NOPERM User ada has no permissions to run the 'set' command"
    with server.connect() as client:
        assert client.call('ACL', 'SETUSER', 'ada', '-get') == b'OK'
        assert str(client.call('ACL', 'SETUSER', 'ada', '+fetch')).startswith("ERR Error in ACL SETUSER modifier '+fetch'")
        assert client.call('ACL', 'DRYRUN', 'ada', 'FETCH', 'a') == b"User ada has no permissions to run the 'get' command"
        assert str(client.call('ACL', 'DRYRUN', 'ada', 'GET', 'a')) == "ERR Command 'GET' not found"


def test_the_log_is_as_long_as_was_said(make_server):
    server = make_server({'acllog-max-len': '3'}).start()
    with server.connect() as client:
        for i in range(5):
            client.call('AUTH', f'user{i}', 'x')
        entries = client.call('ACL', 'LOG')
        assert [entry[9] for entry in entries] == [b'user4', b'user3', b'user2']
        assert client.call('CONFIG', 'SET', 'acllog-max-len', '0') == b'OK'
        client.call('AUTH', 'user6', 'x')
        assert client.call('ACL', 'LOG') == []
        information = client.call('INFO', 'stats').decode()
        assert 'acl_access_denied_auth:6\r\n' in information
        assert client.call('CONFIG', 'RESETSTAT') == b'OK'
        assert 'acl_access_denied_auth:0\r\n' in client.call('INFO', 'stats').decode()


def test_channels_of_new_users(make_server):
    server = make_server({'acl-pubsub-default': 'allchannels'}).start()
    with server.connect() as client:
        client.call('ACL', 'SETUSER', 'ada', '(+get)')
        assert lines(client)[0] == 'user ada off sanitize-payload &* -@all (&* -@all +get)'
        client.call('CONFIG', 'SET', 'acl-pubsub-default', 'resetchannels')
        client.call('ACL', 'SETUSER', 'eve')
        client.call('ACL', 'SETUSER', 'ada', 'reset')
        assert lines(client)[0] == 'user ada off sanitize-payload resetchannels -@all'
        assert lines(client)[2] == 'user eve off sanitize-payload resetchannels -@all'


def test_passwords_stay_out_of_the_slow_log(make_server):
    server = make_server({'slowlog-log-slower-than': '0'}).start()
    with server.connect() as client:
        client.call('ACL', 'SETUSER', 'ada', 'on', '>secret')
        client.call('ACL', 'GETUSER', 'ada')
        client.call('AUTH', 'ada', 'secret')
        client.call('AUTH', 'default', '')
        calls = [entry[3] for entry in client.call('SLOWLOG', 'GET', '-1')]
    assert [b'ACL', b'SETUSER', b'(redacted)', b'(redacted)', b'(redacted)'] in calls
    assert not any(word in (b'>secret', b'secret', b'ada') for call in calls for word in call)


def test_a_disabled_default_user_keeps_newcomers_out(make_server):
    server = make_server().start()
    with server.connect() as client:
        client.call('ACL', 'SETUSER', 'ada', 'on', 'nopass', '+@all')
        client.call('ACL', 'SETUSER', 'default', 'off')
        assert client.call('PING') == b'PONG', 'who was in stays in'
        newcomer = server.connect()
        assert str(newcomer.call('PING')) == 'NOAUTH Authentication required.'
        assert str(newcomer.call('AUTH', 'x')).startswith('ERR AUTH <password> called without any password configured')
        assert str(newcomer.call('AUTH', 'default', 'x')).startswith('WRONGPASS')
        assert newcomer.call('AUTH', 'ada', 'x') == b'OK'
        assert newcomer.call('PING') == b'PONG'
        with pytest.raises(Closed):
            newcomer.call('RESET')
            newcomer.call('QUIT')
            newcomer.call('PING')


def test_protected_commands_and_options(make_server):
    refused = {}
    for permission in ('no', 'local', 'yes'):
        server = make_server({'enable-debug-command': permission, 'enable-protected-configs': permission}).start()
        with server.connect() as client:
            refused[permission] = (str(client.call('DEBUG', 'SLEEP', '0')), str(client.call('CONFIG', 'SET', 'dir', '.')))
        server.stop()
    assert refused['no'] == (
        'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a '
        'local connection, otherwise you need to set this option in the configuration file, and then restart the '
        'server.',
        "ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config")
    assert refused['local'] == refused['yes'] == ("b'OK'", "b'OK'")


def test_too_many_failed_authentications(make_server, kvick_only):
    server = make_server({'requirepass': 'secret', 'auth-failures-max': '3'}).start()
    with server.connect() as inside:
        assert inside.call('AUTH', 'secret') == b'OK'
        for _ in range(3):
            with server.connect() as guesser:
                assert str(guesser.call('AUTH', 'wrong')).startswith('WRONGPASS')
        for words in (('AUTH', 'secret'), ('AUTH', 'default', 'secret'), ('HELLO', '3', 'AUTH', 'default', 'secret')):
            guesser = server.connect()
            assert str(guesser.call(*words)) == 'ERR Too many failed authentications, try again later'
            assert guesser.read_until_closed() == b''
        assert inside.call('PING') == b'PONG', 'who is in stays in'
        assert inside.call('CONFIG', 'SET', 'auth-failures-max', '0') == b'OK'
    with server.connect() as client:
        assert client.call('AUTH', 'secret') == b'OK'


def test_time_to_authenticate(make_server, kvick_only):
    server = make_server({'requirepass': 'secret', 'unauthenticated-timeout': '2'}).start()
    inside = server.connect()
    assert inside.call('AUTH', 'secret') == b'OK'
    started = time.monotonic()
    outside = server.connect()
    assert outside.read_until_closed() == b''
    assert time.monotonic() - started > 1.9
    assert inside.call('PING') == b'PONG'


def audit_lines(path, count):
    """The records, once there are so many."""

    def records():
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    wait_until(lambda: len(records()) >= count, records)
    assert len(records()) == count
    return records()


def test_the_audit_tells_who_did_what(make_server, kvick_only):
    server = make_server()
    path = server.folder / 'audit.json'
    server.options['audit-file'] = str(path)
    server.start()
    with server.connect() as client:
        client.call('ACL', 'SETUSER', 'ada', 'on', '>secret', '+get', '+multi', '+eval', '~a*')
        client.call('CONFIG', 'SET', 'requirepass', 'hidden')
        client.call('CONFIG', 'SET', 'nothing', 'x')
        client.call('SET', 'a', 'nobody is told of this')
        client.call('AUTH', 'eve\n"\xff', 'secret')
        client.call('AUTH', 'ada', 'secret')
        client.call('GET', 'b')
        client.call('SET', 'a', 'x')
        client.call('EVAL', 'return redis.pcall("DEL", "a")', '0')
        records = audit_lines(path, 7)
    assert path.stat().st_mode & 0o777 == 0o600
    for record in records:
        assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z', record.pop('time'))
        assert record.pop('client').startswith('127.0.0.1:')
        assert record.pop('id') > 0
    assert records == [
        {'event': 'command', 'user': 'default', 'command': 'acl|setuser', 'result': 'ok',
         'arguments': ['ACL', 'SETUSER', *['(redacted)'] * 7]},
        {'event': 'command', 'user': 'default', 'command': 'config|set', 'result': 'ok',
         'arguments': ['CONFIG', 'SET', 'requirepass', '(redacted)']},
        {'event': 'command', 'user': 'default', 'command': 'config|set', 'arguments': ['CONFIG', 'SET', 'nothing', 'x'],
         'result': "ERR Unknown option or number of arguments for CONFIG SET - 'nothing'"},
        {'event': 'denied', 'user': 'default', 'reason': 'auth', 'object': 'eve\n"\u00c3\u00bf',
         'result': 'wrong password, or no such user'},
        {'event': 'denied', 'user': 'ada', 'command': 'get', 'arguments': ['GET', 'b'], 'reason': 'key', 'object': 'b'},
        {'event': 'denied', 'user': 'ada', 'command': 'set', 'arguments': ['SET', 'a', 'x'], 'reason': 'command',
         'object': 'set'},
        {'event': 'denied', 'user': 'ada', 'command': 'del', 'arguments': ['DEL', 'a'], 'reason': 'command',
         'object': 'del'},
    ]


def test_the_audit_is_whole_at_the_end_and_hides_what_it_must(make_server, kvick_only):
    server = make_server({'hide-user-data-from-log': 'yes'})
    path = server.folder / 'audit.json'
    server.options['audit-file'] = str(path)
    server.start()
    with server.connect() as client:
        client.call('ACL', 'SETUSER', 'default', 'resetkeys')
        client.call('GET', 'personal')
        client.call('CONFIG', 'GET', 'personal')
    assert server.stop() == 0
    text = path.read_text()
    assert [json.loads(line)['event'] for line in text.splitlines()] == ['command', 'denied', 'command']
    assert 'personal' not in text


def test_an_audit_file_that_cannot_be_written(make_server, kvick_only):
    server = make_server({'audit-file': '/nowhere/audit.json'}).start()
    with server.connect() as client:
        client.call('CONFIG', 'GET', 'port')
        server.wait_log('The audit file cannot be written, what happens is not recorded: No such file or directory')
        assert client.call('PING') == b'PONG'


def test_invalidations_do_not_tell_names_of_keys(make_server, kvick_only):
    server = make_server().start()
    with server.connect() as writer, server.connect() as reader:
        writer.call('ACL', 'SETUSER', 'ada', 'on', 'nopass', '+@all', '%R~open:*', '%W~closed:*')
        reader.call('HELLO', '3', 'AUTH', 'ada', 'x')
        assert reader.call('CLIENT', 'TRACKING', 'ON', 'BCAST') == b'OK'
        writer.call('MSET', 'closed:1', 'x', 'open:1', 'x', 'closed:2', 'x')
        writer.call('SET', 'closed:3', 'x')
        writer.call('SET', 'open:2', 'x')
        arrived = reader.read_until(b'open:2\r\n')
        assert arrived.count(b'invalidate') == 2 and b'closed' not in arrived
        assert b'open:1' in arrived
        # Rights that come later count as well.
        writer.call('ACL', 'SETUSER', 'ada', 'allkeys', 'allchannels')
        writer.call('SET', 'closed:4', 'x')
        assert b'invalidate' in reader.read_until(b'closed:4\r\n')


def test_rules_know_every_command(make_server):
    """Those included that are declared last: a rule can name each, and a user of all may run it."""
    server = make_server().start()
    client = server.connect()
    for name in client.call('COMMAND', 'LIST'):
        assert client.call('ACL', 'SETUSER', 'all', '+@all', '-' + name.decode(), '+' + name.decode()) == b'OK', name
    assert client.call('ACL', 'SETUSER', 'most', 'on', 'nopass', '~*', '&*', '+@all', '-get') == b'OK'
    assert client.call('ACL', 'DRYRUN', 'most', 'LASTSAVE') == b'OK'
    assert client.call('ACL', 'DRYRUN', 'most', 'BACKUP', 'START') == b'OK'
