"""The two node.js clients. The scenarios are in node/; each of their tests is one line in the output of a failure."""

import os
import pathlib
import shutil
import subprocess

import pytest

from waiting import PATIENCE_S

HERE = pathlib.Path(__file__).resolve().parent
NODE = shutil.which('node')

pytestmark = pytest.mark.skipif(NODE is None, reason='no node.js')


@pytest.fixture(scope='module', autouse=True)
def packages():
    """Installs what package-lock.json pins, once."""
    if not (HERE / 'node_modules').is_dir():
        subprocess.run(['npm', 'ci', '--no-audit', '--no-fund'], cwd=HERE, check=True, timeout=300)


@pytest.mark.parametrize('library', ['redis', 'ioredis'])
def test_scenarios(target, library):
    # Not --test: it would start a process for each file and colour the output.
    done = subprocess.run([NODE, HERE / 'node' / f'{library}.mjs'], cwd=HERE, env=dict(os.environ, **target.node_environment()),
                          capture_output=True, text=True, timeout=2 * PATIENCE_S)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert 'not ok' not in done.stdout and '# fail 0' in done.stdout.replace('ℹ', '#')


@pytest.mark.parametrize('library', ['redis', 'ioredis'])
def test_reconnects_after_a_restart(make_server, library):
    server = make_server().start()
    process = subprocess.Popen([NODE, HERE / 'node' / 'reconnect.mjs'], cwd=HERE, text=True, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=dict(os.environ, SERVER=str(server.port), LIBRARY=library))
    try:
        assert process.stdout.readline() == 'connected\n', process.stderr.read()
        server.restart()
        output, errors = process.communicate('go\n', timeout=PATIENCE_S)
        assert output == '2 null\n', errors
    finally:
        process.kill()
        process.wait()
