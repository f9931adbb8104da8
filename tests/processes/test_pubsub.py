"""Messages between clients: who gets which, in which order, in which form; limits for slow readers; MONITOR."""

import contextlib
import re
import select
import socket
import threading

import pytest

from resp import encode_command
from waiting import PATIENCE_S, assert_becomes

FLOOD = 30_000  # messages


@pytest.fixture(params=(1, 4), ids=('1 thread', '4 threads'))
def server(request, make_server, is_kvick):
    if not is_kvick and request.param > 1:
        pytest.skip('the stock server has one thread for commands')
    return make_server({'io-threads': str(request.param)} if is_kvick else {}).start()


def text(reply):
    """Replies as plain texts, with the type's sign where it is a push."""
    kind, payload = reply
    if kind in '*>~':
        return [kind] * (kind == '>') + [text(item) for item in payload] if payload is not None else None
    return payload.decode() if isinstance(payload, bytes) else payload


def exchange(client, *arguments):
    client.send(encode_command(arguments))
    return text(client.read_reply())


def received(client, count=1):
    return [text(client.read_reply()) for _ in range(count)]


def assert_quiet(client):
    """Nothing is on its way: the answer to a PING is what comes next."""
    client.send(encode_command(['PING']))
    assert text(client.read_reply()) in ('PONG', ['pong', ''])


def test_channels_patterns_and_shard_channels(server):
    subscriber, publisher = server.connect(), server.connect()
    assert exchange(subscriber, 'SUBSCRIBE', 'news') == ['subscribe', 'news', 1]
    assert exchange(subscriber, 'PSUBSCRIBE', 'n*') == ['psubscribe', 'n*', 2]
    assert exchange(subscriber, 'SSUBSCRIBE', 'news') == ['ssubscribe', 'news', 1]
    assert publisher.call('PUBLISH', 'news', 'a') == 2
    assert publisher.call('SPUBLISH', 'news', 'b') == 1
    assert publisher.call('PUBLISH', 'other', 'c') == 0
    assert publisher.call('PUBLISH', 'nine', 'd') == 1
    assert received(subscriber, 4) == [
        ['message', 'news', 'a'], ['pmessage', 'n*', 'news', 'a'], ['smessage', 'news', 'b'],
        ['pmessage', 'n*', 'nine', 'd']]
    assert publisher.call('PUBSUB', 'NUMSUB', 'news', 'other') == [b'news', 1, b'other', 0]
    assert publisher.call('PUBSUB', 'NUMPAT') == 1
    assert publisher.call('PUBSUB', 'SHARDCHANNELS') == [b'news']
    assert exchange(subscriber, 'RESET') == 'RESET'
    assert publisher.call('PUBLISH', 'news', 'e') == 0
    assert publisher.call('PUBSUB', 'CHANNELS') == []
    assert_quiet(subscriber)


def test_pushes_of_the_newer_protocol(server):
    subscriber, publisher = server.connect(), server.connect()
    subscriber.call('HELLO', '3')
    assert exchange(subscriber, 'SUBSCRIBE', 'a') == ['>', 'subscribe', 'a', 1]
    assert subscriber.call('GET', 'key') is None  # everything is allowed
    publisher.call('PUBLISH', 'a', 'x' * 100_000)
    assert received(subscriber) == [['>', 'message', 'a', 'x' * 100_000]]
    # A protocol that changes changes what comes next.
    subscriber.call('HELLO', '2')
    publisher.call('PUBLISH', 'a', 'y')
    assert received(subscriber) == [['message', 'a', 'y']]


def test_who_has_gone_counts_no_more(server):
    subscriber, publisher = server.connect(), server.connect()
    exchange(subscriber, 'SUBSCRIBE', 'a')
    exchange(subscriber, 'PSUBSCRIBE', 'a*')
    assert publisher.call('PUBLISH', 'a', '1') == 2
    subscriber.close()
    assert_becomes(lambda: publisher.call('PUBLISH', 'a', '2'), 0)
    assert publisher.call('PUBSUB', 'CHANNELS') == [] and publisher.call('PUBSUB', 'NUMPAT') == 0


def test_nothing_comes_after_an_unsubscription(server):
    publisher = server.connect()
    stop = threading.Event()

    def publish():
        with server.connect() as client:
            while not stop.is_set():
                client.send(encode_command(['PUBLISH', 'a', 'x']) * 20)
                for _ in range(20):
                    client.read_reply()

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        with server.connect() as subscriber:
            for _ in range(200):
                assert exchange(subscriber, 'SUBSCRIBE', 'a') == ['subscribe', 'a', 1]
                subscriber.send(encode_command(['UNSUBSCRIBE', 'a']) + encode_command(['ECHO', 'end']))
                message = received(subscriber)[0]
                while message[0] == 'message':
                    message = received(subscriber)[0]
                assert message == ['unsubscribe', 'a', 0]
                assert received(subscriber) == ['end']
    finally:
        stop.set()
        thread.join()
    assert publisher.call('PING') == b'PONG'


def test_each_publisher_keeps_its_order(server):
    publishers, subscribers, count = 4, 6, 2_000
    listening = [server.connect() for _ in range(subscribers)]
    for number, subscriber in enumerate(listening):
        exchange(subscriber, *(['SUBSCRIBE', 'a'] if number % 2 else ['PSUBSCRIBE', '?']))

    def publish(name):
        with server.connect() as client:
            for begin in range(0, count, 50):
                client.send(b''.join(encode_command(['PUBLISH', 'a', f'{name} {i}']) for i in range(begin, begin + 50)))
                assert received(client, 50) == [subscribers] * 50

    threads = [threading.Thread(target=publish, args=(name,)) for name in range(publishers)]
    for thread in threads:
        thread.start()
    orders = []
    for subscriber in listening:
        order = [message[-1] for message in received(subscriber, publishers * count)]
        for name in range(publishers):
            assert [m for m in order if m.startswith(f'{name} ')] == [f'{name} {i}' for i in range(count)]
        orders.append(order)
    for thread in threads:
        thread.join()
    # The messages of a channel have one order for all who are subscribed to it.
    assert all(order == orders[1] for order in orders[1::2])


def test_a_slow_subscriber_is_closed(make_server):
    server = make_server({'client-output-buffer-limit': ['pubsub', '1000000', '0', '0']}).start()
    with server.connect() as publisher:
        slow, fast = server.connect(), server.connect()
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        exchange(slow, 'SUBSCRIBE', 'a')
        exchange(fast, 'SUBSCRIBE', 'a')
        for _ in range(200):
            publisher.call('PUBLISH', 'a', 'x' * 100_000)
            assert received(fast)[0][0] == 'message'
        server.wait_log('overcoming of output buffer limits')
        # The log tells of it before it is done.
        assert_becomes(lambda: publisher.call('PUBLISH', 'a', 'x'), 1)
        assert_becomes(lambda: publisher.call('CLIENT', 'LIST', 'TYPE', 'pubsub').count(b'\n'), 1)


def test_subscribers_in_client_list_and_info(server):
    subscriber, client = server.connect(), server.connect()
    exchange(subscriber, 'SUBSCRIBE', 'a')
    exchange(subscriber, 'PSUBSCRIBE', 'b*')
    exchange(subscriber, 'SSUBSCRIBE', 'c')
    line = client.call('CLIENT', 'LIST', 'TYPE', 'pubsub').decode()
    assert ' flags=P ' in line and ' sub=1 psub=1 ssub=1 ' in line and line.count('\n') == 1
    info = client.call('INFO', 'stats').decode()
    for field in ('pubsub_channels:1', 'pubsub_patterns:1', 'pubsubshard_channels:1'):
        assert field + '\r\n' in info


def test_keyspace_notifications_reach_other_clients(server):
    listener, client = server.connect(), server.connect()
    client.call('CONFIG', 'SET', 'notify-keyspace-events', 'KEA')
    exchange(listener, 'PSUBSCRIBE', '__key*@0__:*')
    client.call('SET', 'a', '1')
    client.call('EVAL', "redis.call('LPUSH', KEYS[1], 'x')", '1', 'list')
    client.call('MULTI')
    client.call('DEL', 'a')
    client.call('EXEC')
    assert [message[2:] for message in received(listener, 6)] == [
        ['__keyspace@0__:a', 'set'], ['__keyevent@0__:set', 'a'],
        ['__keyspace@0__:list', 'lpush'], ['__keyevent@0__:lpush', 'list'],
        ['__keyspace@0__:a', 'del'], ['__keyevent@0__:del', 'a']]
    client.call('CONFIG', 'SET', 'notify-keyspace-events', 'Ex')
    client.call('SET', 'a', '1', 'PX', '20')
    assert [message[2:] for message in received(listener)] == [['__keyevent@0__:expired', 'a']]
    client.call('CONFIG', 'SET', 'notify-keyspace-events', '')
    client.call('SET', 'a', '1')
    assert_quiet(listener)


def test_notifications_of_fields(make_server, kvick_only):
    server = make_server({'notify-keyspace-events': 'hSTIV'}).start()
    listener, client = server.connect(), server.connect()
    exchange(listener, 'PSUBSCRIBE', '__subkey*')
    client.call('HSET', 'pet:1', 'name', 'Rex', 'age', '4')
    assert [message[2:] for message in received(listener, 5)] == [
        ['__subkeyspace@0__:pet:1', 'hset|4:name,3:age'],
        ['__subkeyevent@0__:hset', '5:pet:1|4:name,3:age'],
        ['__subkeyspaceitem@0__:pet:1\nname', 'hset'],
        ['__subkeyspaceitem@0__:pet:1\nage', 'hset'],
        ['__subkeyspaceevent@0__:hset|pet:1', '4:name,3:age']]
    client.call('CONFIG', 'SET', 'notify-keyspace-events', 'hS')
    client.call('HDEL', 'pet:1', 'none', 'age')
    client.call('HINCRBY', 'pet:1', 'n', '1')
    client.call('HEXPIRE', 'pet:1', '100', 'FIELDS', '1', 'n')
    client.call('HPERSIST', 'pet:1', 'FIELDS', '2', 'n', 'name')
    client.call('HGETEX', 'pet:1', 'PX', '1', 'FIELDS', '1', 'n')
    assert [message[3] for message in received(listener, 6)] == [
        'hdel|3:age', 'hincrby|1:n', 'hexpire|1:n', 'hpersist|1:n', 'hexpire|1:n', 'hexpired|1:n']


LINE = re.compile(r'\+\d{10}\.\d{6} \[(\d+) (lua|127\.0\.0\.1:\d+)\] (.*)\r\n')


def monitored(monitor, count):
    lines = []
    while len(lines) < count:
        while b'\r\n' not in monitor.buffer:
            monitor.fill()
        line, _, rest = bytes(monitor.buffer).partition(b'\r\n')
        monitor.buffer[:] = rest
        match = LINE.fullmatch(line.decode() + '\r\n')
        assert match, line
        lines.append(match.group(1, 2, 3))
    return lines


def test_monitor_shows_every_command(server):
    monitor, client = server.connect(), server.connect()
    assert monitor.call('MONITOR') == b'OK'
    address = '%s:%d' % client.socket.getsockname()
    client.call('SET', 'a', 'x y\n\x01"')
    client.call('AUTH', 'someone', 'secret')
    client.call('HELLO', '2', 'AUTH', 'default', 'secret')
    client.call('CONFIG', 'GET', 'port')
    client.call('SELECT', '3')
    client.call('MULTI')
    client.call('SET', 'b', '1')
    client.call('EXEC')
    client.call('EVAL', "return redis.call('get', 'b')", '0')
    assert monitored(monitor, 9) == [
        ('0', address, r'"SET" "a" "x y\n\x01\""'),
        ('0', address, '"AUTH" "(redacted)" "(redacted)"'),
        ('0', address, '"HELLO" "2" "AUTH" "(redacted)" "(redacted)"'),
        ('3', address, '"SELECT" "3"'),
        ('3', address, '"MULTI"'),
        ('3', address, '"SET" "b" "1"'),
        ('3', address, '"EXEC"'),
        ('3', address, '"EVAL" "return redis.call(\'get\', \'b\')" "0"'),
        ('3', 'lua', '"get" "b"')]
    assert ' flags=O ' in client.call('CLIENT', 'LIST').decode()
    assert str(monitor.call('GET', 'a')) == "ERR Replica can't interact with the keyspace"
    assert monitor.call('RESET') == b'RESET'
    assert monitor.call('GET', 'a') == b'x y\n\x01"'
    client.call('PING')
    assert_quiet(monitor)


def test_monitors_see_one_order(server):
    """Appends to one key, by several clients: the order of the lines is the order in the value."""
    monitors = [server.connect() for _ in range(2)]
    for monitor in monitors:
        monitor.call('MONITOR')

    def append(name):
        with server.connect() as client:
            client.send(encode_command(['APPEND', 'key', name]) * 300)
            received(client, 300)

    threads = [threading.Thread(target=append, args=(name,)) for name in 'abcd']
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    orders = [''.join(line[2][-2] for line in monitored(monitor, 1200)) for monitor in monitors]
    with server.connect() as client:
        assert client.call('GET', 'key').decode() == orders[0] == orders[1]


def waiting_bytes(control):
    """Used memory without what belongs to clients: their buffers grow as slowly as this process reads."""
    # Both in one request: between two of them other connections would take much of what is in their buffers.
    control.send(encode_command(['INFO', 'memory']) + encode_command(['CLIENT', 'LIST']))
    used = int(re.search(rb'used_memory:(\d+)', control.read_reply()[1])[1])
    return used - sum(map(int, re.findall(rb' tot-mem=(\d+)', control.read_reply()[1])))


@pytest.mark.parametrize('threads', ['1', '2'])
def test_a_flood_of_messages_does_not_wait_in_memory(make_server, kvick_only, threads):
    server = make_server({'threads': threads}).start()
    with contextlib.ExitStack() as stack:
        # Every second connection belongs to the other worker, where nobody publishes.
        connections = [stack.enter_context(server.connect()) for _ in range(800)]
        subscribers = connections[::2]
        for subscriber in subscribers:
            subscriber.call('SUBSCRIBE', 'channel')
        publisher, control = connections[1], connections[3]
        message_bytes = len(encode_command(['message', 'channel', 'x' * 16]))
        wanted_bytes = {subscriber.socket.fileno(): FLOOD * message_bytes for subscriber in subscribers}

        def drain():
            poll = select.epoll()
            for subscriber in subscribers:
                poll.register(subscriber.socket, select.EPOLLIN)
            sockets = {subscriber.socket.fileno(): subscriber.socket for subscriber in subscribers}
            while any(wanted_bytes.values()):
                for number, _ in poll.poll(PATIENCE_S):
                    wanted_bytes[number] -= len(sockets[number].recv(1 << 20))

        drainer = threading.Thread(target=drain)
        replies = threading.Thread(target=lambda: [publisher.read_reply() for _ in range(FLOOD)])
        before = waiting_bytes(control)
        drainer.start()
        replies.start()
        for _ in range(FLOOD // 1000):
            publisher.send(encode_command(['PUBLISH', 'channel', 'x' * 16]) * 1000)
        replies.join()
        # Without being slowed, what waits when the last is answered is most of FLOOD messages with 400 receivers each.
        assert waiting_bytes(control) - before < 64 << 20
        drainer.join()
        assert not any(wanted_bytes.values())
