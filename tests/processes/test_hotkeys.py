"""HOTKEYS: where time and bytes go, key by key."""

import pytest

from resp import encode_command
from waiting import wait_until


def tracked(client):
    reply = client.call('HOTKEYS', 'GET')
    assert len(reply) == 1
    fields = reply[0]
    return dict(zip([name.decode() for name in fields[::2]], fields[1::2]))


def amounts(fields, name):
    return {key.decode(): amount for key, amount in zip(fields[name][::2], fields[name][1::2])}


def request_size(*words):
    return len(encode_command(words))


@pytest.mark.parametrize('threads', ['1', '2'])
def test_bytes_are_those_of_the_protocol(make_server, kvick_only, threads):
    with make_server({'threads': threads}).start() as server, server.connect() as client, server.connect() as other:
        client.call('HOTKEYS', 'START', 'METRICS', '1', 'NET')
        for _ in range(10):
            client.call('SET', 'a', 'value')
            other.call('SET', 'a', 'value')
        client.call('MSET', 'b', '1', 'c', '2')
        client.call('HOTKEYS', 'STOP')
        fields = tracked(client)
        each = request_size('SET', 'a', 'value') + len('+OK\r\n')
        shared = request_size('MSET', 'b', '1', 'c', '2') + len('+OK\r\n')
        assert amounts(fields, 'by-net-bytes') == {'a': 20 * each, 'b': shared // 2, 'c': shared // 2}
        assert fields['net-bytes-all-commands-all-slots'] >= 20 * each + shared
        assert fields['total-net-bytes'] == fields['net-bytes-all-commands-all-slots']
        assert fields['tracking-active'] == 0
        assert fields['sample-ratio'] == 1
        assert fields['selected-slots'] == [[0, 16383]]
        assert 'by-cpu-time-us' not in fields and 'total-cpu-time-user-ms' not in fields
        # It has stopped: nothing is added.
        client.call('SET', 'a', 'value')
        assert amounts(tracked(client), 'by-net-bytes')['a'] == 20 * each


def test_time_is_that_of_the_keys_that_take_it(make_server, kvick_only):
    with make_server({'threads': '2'}).start() as server, server.connect() as client:
        client.call('RPUSH', 'long', *range(20_000))
        client.call('SET', 'short', '1')
        client.call('HOTKEYS', 'START', 'METRICS', '2', 'CPU', 'NET', 'COUNT', '1')
        for _ in range(20):
            client.call('LRANGE', 'long', '0', '-1')
            client.call('GET', 'short')
        fields = tracked(client)
        assert fields['tracking-active'] == 1
        assert list(amounts(fields, 'by-cpu-time-us')) == ['long']
        assert fields['all-commands-all-slots-us'] >= amounts(fields, 'by-cpu-time-us')['long'] > 100
        assert fields['total-cpu-time-user-ms'] >= 0 and fields['total-cpu-time-sys-ms'] >= 0
        assert list(fields)[:3] == ['tracking-active', 'sample-ratio', 'selected-slots']


def test_commands_of_transactions_and_scripts_count_for_their_keys(make_server, kvick_only):
    with make_server({'threads': '2'}).start() as server, server.connect() as client:
        client.call('HOTKEYS', 'START', 'METRICS', '2', 'CPU', 'NET')
        client.call('MULTI')
        client.call('SET', 'in-transaction', 'x')
        client.call('EXEC')
        client.call('EVAL', 'for i = 1, 3000 do redis.call("SET", KEYS[1], i) end', '1', 'in-script')
        client.call('EVAL', 'for i = 1, 3000 do redis.call("SET", "undeclared", i) end', '0')
        fields = tracked(client)
        assert amounts(fields, 'by-net-bytes')['in-transaction'] == request_size('SET', 'in-transaction', 'x') + 5
        # What a script calls takes time, and no bytes of the network.
        assert amounts(fields, 'by-cpu-time-us')['undeclared'] > 100
        assert 'undeclared' not in amounts(fields, 'by-net-bytes')
        assert amounts(fields, 'by-cpu-time-us')['in-script'] > 100
        # A command's time is counted once, though EXEC and EVAL ran meanwhile.
        assert fields['all-commands-all-slots-us'] <= fields['collection-duration-ms'] * 1000 + 1000


def test_a_tracking_ends_by_itself_and_is_discarded_by_the_next(make_server, kvick_only):
    with make_server().start() as server, server.connect() as client:
        assert client.call('HOTKEYS', 'GET') is None
        client.call('HOTKEYS', 'START', 'METRICS', '1', 'NET', 'DURATION', '2')
        client.call('SET', 'a', '1')
        wait_until(lambda: tracked(client)['tracking-active'] == 0)
        fields = tracked(client)
        assert fields['tracking-active'] == 0 and fields['collection-duration-ms'] == 2000
        assert list(amounts(fields, 'by-net-bytes')) == ['a']
        assert client.call('HOTKEYS', 'START', 'METRICS', '1', 'NET') == b'OK'
        assert amounts(tracked(client), 'by-net-bytes') == {}
        client.call('HOTKEYS', 'STOP')
        assert client.call('HOTKEYS', 'RESET') == b'OK'
        assert client.call('HOTKEYS', 'GET') is None


def test_a_sample_finds_the_hot_key(make_server, kvick_only):
    with make_server({'threads': '2'}).start() as server, server.connect() as client:
        client.call('HOTKEYS', 'START', 'METRICS', '1', 'NET', 'SAMPLE', '10')
        each = request_size('SET', 'hot', '1') + 5
        for _ in range(2000):
            client.call('SET', 'hot', '1')
        fields = tracked(client)
        assert 100 * each < amounts(fields, 'by-net-bytes')['hot'] < 300 * each
        assert fields['total-net-bytes'] >= 2000 * each


def test_no_field_of_info_stands_twice(make_server):
    """Clients read INFO into one dictionary: HOTKEYS' used_memory must not take the server's place."""
    server = make_server().start()
    with server.connect() as client:
        for section in ('all', 'everything', 'default'):
            lines = client.call('INFO', section).decode().splitlines()
            names = [line.partition(':')[0] for line in lines if ':' in line]
            assert len(names) == len(set(names)), sorted(name for name in set(names) if names.count(name) > 1)
        assert client.call('INFO', 'hotkeys').startswith(b'# Hotkeys')
