"""One server for the whole suite, reached in four ways; emptied before each test."""

import dataclasses
import json
import pathlib
import re
import subprocess
import urllib.parse

import pytest
import redis

import certificates
import run_results
import tls
from free_port import free_port
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
def shared_server(server_binary, is_kvick, tmp_path_factory):
    folder = certificates.make(tmp_path_factory.mktemp('tls') / 'certificates')
    options = tls.server_options(folder, free_port(), tls_auth_clients='optional')
    options['user'] = ['client', 'on', 'nopass', '~*', '&*', '+@all']
    if is_kvick:
        options['tls-auth-clients-user'] = 'CN'  # the stock server of Debian 12 does not have it
    with ServerProcess(server_binary, options, unix_socket=True).start() as server:
        server.certificates = folder
        server.tls_port = int(options['tls-port'])
        yield server


@dataclasses.dataclass
class Target:
    """The server and the way to it."""
    server: ServerProcess
    transport: str

    @property
    def port(self):
        return self.server.tls_port if self.uses_tls else self.server.port

    @property
    def uses_tls(self):
        return self.transport in ('tls', 'certificate')

    @property
    def tls_files(self):
        """By the names that redis-cli's options have."""
        folder = self.server.certificates
        files = {'cacert': folder / 'ca.crt'} if self.uses_tls else {}
        if self.transport == 'certificate':
            files.update(cert=folder / 'client.crt', key=folder / 'client.key')
        return {name: str(path) for name, path in files.items()}

    def cli_arguments(self):
        if self.transport == 'unix':
            return ['-s', self.server.unix_socket]
        arguments = ['-h', '127.0.0.1', '-p', str(self.port)] + ['--tls'] * self.uses_tls
        return arguments + [word for name, path in self.tls_files.items() for word in ('--' + name, path)]

    def connect(self):
        return self.server.connect_unix() if self.transport == 'unix' else self.server.connect()

    def redis_py_files(self):
        names = {'cacert': 'ssl_ca_certs', 'cert': 'ssl_certfile', 'key': 'ssl_keyfile'}
        return {names[name]: path for name, path in self.tls_files.items()}

    def redis_py_arguments(self):
        if self.transport == 'unix':
            return {'unix_socket_path': self.server.unix_socket}
        return {'host': '127.0.0.1', 'port': self.port, 'ssl': self.uses_tls, **self.redis_py_files()}

    def redis_py_url(self):
        if self.transport == 'unix':
            return f'unix://{self.server.unix_socket}'
        scheme = 'rediss' if self.uses_tls else 'redis'
        return f'{scheme}://127.0.0.1:{self.port}?{urllib.parse.urlencode(self.redis_py_files())}'

    def node_environment(self):
        """What node/address.mjs reads."""
        server = self.server.unix_socket if self.transport == 'unix' else str(self.port)
        return {'SERVER': server, 'EXPECTED_USER': self.user, **{'TLS_' + name.upper(): path for name, path in self.tls_files.items()}}

    @property
    def user(self):
        """As whom a client is admitted."""
        reads_names = 'tls-auth-clients-user' in self.server.options
        return 'client' if self.transport == 'certificate' and reads_names else 'default'


@pytest.fixture(params=['tcp', 'unix', 'tls', 'certificate'])
def target(request, shared_server):
    if not shared_server.is_running():
        shared_server.start()
    with shared_server.connect() as connection:
        assert connection.call('FLUSHALL') == b'OK'
    yield Target(shared_server, request.param)
    assert shared_server.is_running(), 'the server ended:\n' + shared_server.log()[-3000:]
