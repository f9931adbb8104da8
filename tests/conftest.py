"""Fixtures that all Python suites share: the server under test, named by KVICK_SERVER."""

import contextlib
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / 'support'))

from server_process import ServerProcess, binary_from_environment  # noqa: E402  (the path comes first)


@pytest.fixture(scope='session')
def server_binary():
    binary = shutil.which(binary_from_environment())
    if binary is None:
        pytest.exit(f'no server at {binary_from_environment()}: build the release preset or set KVICK_SERVER', 2)
    return binary


@pytest.fixture(scope='session')
def is_kvick(server_binary):
    """False when a stock server stands in, which is how the tests themselves are checked."""
    return 'kvick' in pathlib.Path(server_binary).name


@pytest.fixture
def make_server(server_binary):
    """make_server(options=..., arguments=..., ...) gives a ServerProcess that is not started yet; all end with the test."""
    with contextlib.ExitStack() as servers:
        yield lambda *args, **kwargs: servers.enter_context(ServerProcess(server_binary, *args, **kwargs))


def has_command(connection, name):
    reply = connection.call('COMMAND', 'INFO', name)
    return isinstance(reply, list) and len(reply) == 1 and reply[0] is not None


@pytest.fixture
def need_command():
    """need_command(server, 'multi') skips the test, with the reason, on a server that does not have the command."""

    def need(server, *names):
        with server.connect() as connection:
            missing = [name for name in names if not has_command(connection, name)]
        if missing:
            pytest.skip('the server has no ' + ' '.join(missing).upper())

    return need
