"""The system gives no more memory: the process says so and ends, or answers; it never goes on with half a value.

Every limit from barely enough to plenty is tried, in steps of a megabyte.
"""

import resource

import pytest

from prefixed_server import PrefixedServer
from resp import Closed

MIB = 1 << 20
LARGE = 24 * MIB
COMMANDS = {
    'setrange': (['SET', 'value', 'x'], ['SETRANGE', 'value', str(LARGE), 'y'], LARGE + 1),
    'append': (['SET', 'value', 'x' * MIB], ['APPEND', 'value', 'y' * LARGE], LARGE + MIB),
    'setbit': (['SET', 'value', 'x'], ['SETBIT', 'value', str(LARGE * 8), '1'], LARGE + 1),
    'set': (['DEL', 'value'], ['SET', 'value', 'y' * LARGE], LARGE),
}


class LimitedServer(PrefixedServer):
    """Its address space may grow by `room` beyond what it has when it is ready."""

    def limit(self, room):
        pages = int(open(f'/proc/{self.pid}/statm').read().split()[0])
        size = pages * resource.getpagesize() + room
        resource.prlimit(self.pid, resource.RLIMIT_AS, (size, size))


@pytest.mark.parametrize('name', COMMANDS)
def test_a_large_value_under_every_limit(server_binary, kvick_only, name):
    prepare, command, size = COMMANDS[name]
    outcomes = []
    for room in range(0, 4 * LARGE, 6 * MIB):
        server = LimitedServer([], server_binary, options={'threads': '1', 'io-threads': '1'})
        try:
            server.start()
            with server.connect() as client:
                client.call('SET', 'other', 'kept')
                client.call(*prepare)
                server.limit(room)
                outcomes.append(outcome(server, client, command, size))
        finally:
            server.dispose()
    # There is a limit from which on it works, and not only there.
    assert outcomes[-1] == 'done', outcomes
    assert 'done' not in outcomes[:outcomes.index('done')]
    assert set(outcomes[:outcomes.index('done')]) <= {'ended', 'refused'}, outcomes


def outcome(server, client, command, size):
    try:
        reply = client.call(*command)
        length = client.call('STRLEN', 'value')
        assert client.call('GET', 'other') == b'kept'
    except (Closed, OSError):
        server.wait()
        assert 'Out Of Memory: the system gives no more memory' in server.log(), server.log()[-3000:]
        return 'ended'
    if isinstance(reply, RuntimeError):
        assert length < size
        return 'refused'
    assert length == size
    return 'done'
