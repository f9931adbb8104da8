"""The servers that every scenario runs against: kvick with several threads, and the distribution's redis-server."""

import os
import re
import shutil

import pytest

import results
import run_results
from server_process import ServerProcess

OUTCOMES = pytest.StashKey()  # by server: its version, and what each scenario came to


def pytest_configure(config):
    config.stash[OUTCOMES] = {}


def pytest_sessionfinish(session):
    for server, (version, outcomes) in session.config.stash[OUTCOMES].items():
        run_results.save(server, {'version': version, 'scenarios': outcomes})


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
    """record(scenario, outcome, checks) is what the table of results gets. An outcome is `passed`, `failed`, or why it
    was not run."""

    def note(scenario, outcome, checks=()):
        found = {'outcome': outcome, 'checks': list(checks), 'version': scenario.version() or ''}
        request.config.stash[OUTCOMES][server.name][1][scenario.name] = found

    return note
