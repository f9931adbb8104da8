"""One server for the whole suite, reached in two ways; emptied before each test."""

import dataclasses
import json
import pathlib
import re
import subprocess

import pytest
import redis

import run_results
from server_process import ServerProcess, binary_from_environment

HERE = pathlib.Path(__file__).resolve().parent


def npm_version(package):
    return json.loads((HERE / 'node_modules' / package / 'package.json').read_text())['version']


def tool_version(tool):
    return subprocess.run([tool, '--version'], capture_output=True, text=True, check=True).stdout.split()[1]


# What identifies a client in the name of a test, the client, its version.
CLIENTS = (
    (r'test_redis_py\.', 'redis-py', lambda: redis.__version__),
    (r'test_redis_cli\.', 'redis-cli', lambda: tool_version('redis-cli')),
    (r'test_redis_benchmark\.', 'redis-benchmark', lambda: tool_version('redis-benchmark')),
    (r'test_node\..*\bredis\]', 'node-redis', lambda: npm_version('redis')),
    (r'test_node\..*\bioredis\]', 'ioredis', lambda: npm_version('ioredis')),
)
OUTCOMES = {}  # by client: passed, failed


def pytest_runtest_logreport(report):
    """Counts what docs/compatibility.md shows."""
    if report.outcome == 'skipped' or (report.when != 'call' and not report.failed):
        return
    for pattern, client, _ in CLIENTS:
        if re.search(pattern, report.nodeid):
            OUTCOMES.setdefault(client, {'passed': 0, 'failed': 0})[report.outcome] += 1


def pytest_sessionfinish(session):
    # A choice of tests would make less of it than it is, and another server is not what the page is about.
    if OUTCOMES and not session.config.option.keyword and 'kvick' in binary_from_environment():
        versions = {client: version for _, client, version in CLIENTS}
        run_results.save('clients', {'clients': {
            client: {**counts, 'version': versions[client]()} for client, counts in OUTCOMES.items()}})


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
