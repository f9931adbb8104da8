"""The servers that every scenario runs against: kvick with several threads, and the distribution's redis-server."""

import os
import re
import shutil

import pytest

import results
from server_process import ServerProcess

OUTCOMES = pytest.StashKey()  # by server: what results.save wants


def pytest_configure(config):
    config.stash[OUTCOMES] = {}


def pytest_sessionfinish(session):
    for server, (version, outcomes) in session.config.stash[OUTCOMES].items():
        results.save(server, version, outcomes)


def chosen_servers():
    return os.environ.get('SCENARIO_SERVERS', ','.join(results.SERVERS)).split(',')


@pytest.fixture(scope='session', params=chosen_servers())
def server(request, server_binary):
    """All are asked the same. KVICK_SERVER names the first of them."""
    name = request.param
    binary = server_binary if name == 'kvick' else shutil.which(name)
    if binary is None:
        pytest.skip(f'there is no {name}')
    with ServerProcess(binary, {'threads': 4} if name == 'kvick' else {}).start() as started:
        with started.connect() as connection:
            info = connection.call('INFO', 'server').decode()
        field = f'{name.split("-")[0]}_version'
        version = re.search(rf'^{field}:(\S+)', info, re.MULTILINE)
        assert version, f'what stands in for {name} does not say {field}'
        request.config.stash[OUTCOMES][name] = (version[1], {})
        started.name = name
        yield started


@pytest.fixture
def record(request, server):
    """record(scenario, outcome, checks) is what the table of results gets."""

    def note(scenario, outcome, checks=()):
        request.config.stash[OUTCOMES][server.name][1][scenario.name] = (outcome, list(checks))

    return note
