"""One server for the whole suite, reached in two ways; emptied before each test."""

import dataclasses

import pytest

from server_process import ServerProcess


@pytest.fixture(scope='session')
def shared_server(server_binary):
    with ServerProcess(server_binary, unix_socket=True).start() as server:
        yield server


@dataclasses.dataclass
class Target:
    """The server and the way to it."""
    server: ServerProcess
    transport: str

    def cli_arguments(self):
        if self.transport == 'unix':
            return ['-s', self.server.unix_socket]
        return ['-h', '127.0.0.1', '-p', str(self.server.port)]

    def connect(self):
        return self.server.connect_unix() if self.transport == 'unix' else self.server.connect()

    def redis_py_arguments(self):
        if self.transport == 'unix':
            return {'unix_socket_path': self.server.unix_socket}
        return {'host': '127.0.0.1', 'port': self.server.port}


@pytest.fixture(params=['tcp', 'unix'])
def target(request, shared_server):
    if not shared_server.is_running():
        shared_server.start()
    with shared_server.connect() as connection:
        assert connection.call('FLUSHALL') == b'OK'
    yield Target(shared_server, request.param)
    assert shared_server.is_running(), 'the server ended:\n' + shared_server.log()[-3000:]
