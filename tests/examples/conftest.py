"""One server with several threads for all examples; emptied before each test."""

import pytest

from server_process import ServerProcess


@pytest.fixture(scope='session')
def shared_server(server_binary, is_kvick):
    with ServerProcess(server_binary, {'threads': 4} if is_kvick else {}).start() as server:
        yield server


@pytest.fixture
def url(shared_server):
    with shared_server.connect() as connection:
        assert connection.call('FLUSHALL') == b'OK'
    yield f'redis://127.0.0.1:{shared_server.port}'
    assert shared_server.is_running(), 'the server ended:\n' + shared_server.log()[-3000:]
