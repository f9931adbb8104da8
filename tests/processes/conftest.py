"""Helpers of the process tests."""

import subprocess

import pytest

from waiting import PATIENCE_S


@pytest.fixture
def kvick_only(is_kvick):
    if not is_kvick:
        pytest.skip('kvick promises this, the stock server does not')


@pytest.fixture
def run_to_end(server_binary, tmp_path):
    """run_to_end('--port', 'x') runs a server that is expected to end by itself; gives status, output and errors."""

    def run(*arguments, stdin=b''):
        return subprocess.run([server_binary, *map(str, arguments)], input=stdin, capture_output=True, timeout=PATIENCE_S,
                              cwd=tmp_path)

    return run


@pytest.fixture
def from_file(make_server):
    """from_file('maxmemory 100mb\\n', '--hz', '20'): a running server with a configuration file and arguments behind it."""

    def start(text='', *arguments):
        server = make_server(arguments=[])
        server.config_file = server.folder / 'server.conf'
        server.config_file.write_text(f'port {server.port}\nbind 127.0.0.1\nsave ""\n' + text)
        server.arguments = [str(server.config_file), *arguments]
        return server.start()

    return start
