"""How connections begin, wait and end, seen from the client's side of the socket."""

import socket
import threading

from resp import Closed, encode_command
from waiting import assert_becomes, wait_until

LARGE = b'x' * 3_000_000  # read in many pieces, and detached from the other bytes


def fields(line):
    """A line of CLIENT LIST as a dict."""
    return dict(field.split('=', 1) for field in line.decode().split(' '))


def client_lines(connection):
    """CLIENT LIST by name of the client."""
    lines = [fields(line) for line in connection.call('CLIENT', 'LIST').splitlines()]
    return {line['name']: line for line in lines}


def wait_until_its_socket_is_full(admin, name):
    """What the server still has for the client waits until the client reads."""
    wait_until(lambda: client_lines(admin)[name]['events'] == 'rw')


def test_replies_come_after_the_client_has_shut_down_its_side(make_server):
    server = make_server().start()
    with server.connect() as client:
        client.send(encode_command(['SET', 'key', 'v' * 1000]) + encode_command(['GET', 'key']) * 10)
        client.socket.shutdown(socket.SHUT_WR)
        replies = client.read_until_closed()
    assert replies == b'+OK\r\n' + b'$1000\r\n%b\r\n' % (b'v' * 1000) * 10


def test_replies_larger_than_the_socket_takes_come_after_the_end_of_input(make_server, kvick_only):
    """The stock server drops what it could not send by then."""
    server = make_server().start()
    with server.connect() as admin, server.connect() as client:
        assert client.call('SET', 'large', LARGE) == b'OK'
        client.call('CLIENT', 'SETNAME', 'reader')
        client.send(encode_command(['GET', 'large']) * 10)
        wait_until_its_socket_is_full(admin, 'reader')
        client.socket.shutdown(socket.SHUT_WR)
        assert len(client.read_until_closed()) == 10 * (len(LARGE) + len(b'$3000000\r\n\r\n'))


def test_large_arguments_in_any_pieces(make_server):
    server = make_server().start()
    request = encode_command(['MSET', 'a', LARGE, 'b', LARGE[:40_000], 'c', b'small'])
    with server.connect() as client:
        for piece_bytes in (1_000, 65_536, 65_537, 1_000_000, len(request)):
            client.call('FLUSHALL')
            for begin in range(0, len(request), piece_bytes):
                client.send(request[begin:begin + piece_bytes])
            assert client.read_reply() == ('+', b'OK')
            assert client.call('MGET', 'a', 'b', 'c') == [LARGE, LARGE[:40_000], b'small']


def test_a_large_value_may_be_changed_while_it_is_sent(make_server):
    """The value is lent to the reply and the argument to the value: each client still sees its own bytes."""
    server = make_server().start()
    with server.connect() as reader, server.connect() as writer:
        writer.call('SET', 'large', LARGE)
        reader.send(encode_command(['GET', 'large']) * 5)
        wait_until(lambda: b'cmdstat_get:calls=5,' in writer.call('INFO', 'commandstats'))
        assert writer.call('APPEND', 'large', 'tail') == len(LARGE) + 4
        assert writer.call('SETRANGE', 'large', 0, 'head') == len(LARGE) + 4
        for _ in range(5):
            assert reader.read_reply() == ('$', LARGE)
        assert writer.call('GET', 'large') == b'head' + LARGE[4:] + b'tail'


def test_a_paused_command_with_a_large_argument_runs_afterwards(make_server):
    server = make_server().start()
    with server.connect() as admin, server.connect() as writer:
        assert admin.call('CLIENT', 'PAUSE', '100000', 'WRITE') == b'OK'
        writer.call('CLIENT', 'SETNAME', 'writer')
        writer.send(encode_command(['SET', 'key', LARGE]) + encode_command(['STRLEN', 'key']))
        wait_until(lambda: 'b' in client_lines(admin)['writer']['flags'])
        assert admin.call('EXISTS', 'key') == 0
        assert admin.call('CLIENT', 'UNPAUSE') == b'OK'
        assert writer.read_reply() == ('+', b'OK')
        assert writer.read_reply() == (':', len(LARGE))


def test_a_paused_client_that_leaves_takes_its_command_along(make_server):
    server = make_server().start()
    with server.connect() as admin:
        assert admin.call('CLIENT', 'PAUSE', '100000', 'WRITE') == b'OK'
        with server.connect() as writer:
            writer.call('CLIENT', 'SETNAME', 'writer')
            writer.send(encode_command(['SET', 'key', 'value']))
            wait_until(lambda: 'b' in client_lines(admin)['writer']['flags'])
        wait_until(lambda: 'writer' not in client_lines(admin))
        assert admin.call('CLIENT', 'UNPAUSE') == b'OK'
        assert admin.call('EXISTS', 'key') == 0


def test_client_list_counts_what_a_client_did(make_server, kvick_only):
    server = make_server().start()
    with server.connect() as admin, server.connect() as client:
        client.call('CLIENT', 'SETNAME', 'counted')
        names = ('tot-net-in', 'tot-net-out', 'tot-cmds', 'parse-batch-cmd-sum')

        def figures():
            line = client_lines(admin)['counted']
            return {name: int(line[name]) for name in names}

        before = figures()
        request = encode_command(['ECHO', 'x' * 100]) * 50
        client.send(request)
        reply_bytes = sum(len(client.read_reply()[1]) + len(b'$100\r\n\r\n') for _ in range(50))
        # What was sent is counted behind the sending, and so the last reply may be here before that.
        assert_becomes(figures, {name: before[name] + grown for name, grown in zip(
            names, (len(request), reply_bytes, 50, 50))})
        after = client_lines(admin)['counted']
        assert after['cmd'] == 'echo' and after['events'] == 'r' and after['omem'] == '0'


def test_client_list_shows_what_waits_in_the_buffers(make_server, kvick_only):
    server = make_server().start()
    with server.connect() as admin, server.connect() as client:
        client.call('CLIENT', 'SETNAME', 'waiting')
        client.send(b'*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$3000000\r\n' + LARGE[:1_000_000])
        wait_until(lambda: int(client_lines(admin)['waiting']['qbuf']) > 1_000_000)
        line = client_lines(admin)['waiting']
        assert line['argv-mem'] == '6' and int(line['tot-mem']) > 1_000_000
        client.send(LARGE[1_000_000:] + b'\r\n')
        assert client.read_reply() == ('+', b'OK')
        wait_until(lambda: int(client_lines(admin)['waiting']['tot-mem']) < 100_000)
        client.send(encode_command(['GET', 'key']) * 10)
        wait_until_its_socket_is_full(admin, 'waiting')
        line = client_lines(admin)['waiting']
        assert int(line['oll']) > 0 and int(line['omem']) > 1_000_000


def test_clients_are_listed_and_killed_while_all_are_busy(make_server, kvick_only):
    """CLIENT LIST and KILL look at other workers' connections; commands of a killed client end, no other's do."""
    server = make_server({'threads': '4'}).start()
    stop = threading.Event()
    failures = []

    def chatter():
        while not stop.is_set():
            with server.connect() as client:
                try:
                    client.call('CLIENT', 'SETNAME', 'busy')
                    while not stop.is_set():
                        client.send(encode_command(['INCR', 'count']) * 20)
                        for _ in range(20):
                            if client.read_reply()[0] != ':':
                                failures.append('not a number')
                except (OSError, Closed):
                    pass  # killed: come again

    threads = [threading.Thread(target=chatter) for _ in range(6)]
    for thread in threads:
        thread.start()
    with server.connect() as admin:
        killed = 0

        def kill_some():
            nonlocal killed
            lines = admin.call('CLIENT', 'LIST').splitlines()
            ids = [int(fields(line)['id']) for line in lines]
            assert ids == sorted(ids)
            killed += admin.call('CLIENT', 'KILL', 'TYPE', 'normal')
            return killed > 300

        try:
            wait_until(kill_some, lambda: f'{killed} were killed')
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert not failures
        wait_until(lambda: len(admin.call('CLIENT', 'LIST').splitlines()) == 1)
