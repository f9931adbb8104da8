"""The examples with node-redis: the programs, and node/classes.mjs, which asks their classes about the corners."""

import os
import pathlib
import shutil
import subprocess

import pytest

import printed
from printed import EXAMPLES
from waiting import PATIENCE_S

HERE = pathlib.Path(__file__).resolve().parent
CLIENTS = HERE.parent / 'clients'
NODE = shutil.which('node')

pytestmark = pytest.mark.skipif(NODE is None, reason='no node.js')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A copy of the examples beside the node-redis of tests/clients: 6 wants node.js 20, which Debian 12 has not."""
    if not (CLIENTS / 'node_modules').is_dir():
        subprocess.run(['npm', 'ci', '--no-audit', '--no-fund'], cwd=CLIENTS, check=True, timeout=300)
    version = subprocess.run([NODE, '--version'], capture_output=True, text=True, check=True).stdout
    library = 'redis' if int(version.lstrip('v').split('.')[0]) >= 20 else 'redis-for-node-18'
    made = tmp_path_factory.mktemp('examples')
    for source in [*(EXAMPLES / 'node').glob('*.mjs'), HERE / 'node' / 'classes.mjs']:
        shutil.copy(source, made)
    (made / 'node_modules').mkdir()
    (made / 'node_modules' / 'redis').symlink_to(CLIENTS / 'node_modules' / library)
    return made


def test_every_example_is_tested():
    assert sorted(printed.NODE) == sorted(path.stem for path in (EXAMPLES / 'node').glob('*.mjs') if path.stem != 'run')


@pytest.mark.parametrize('name', printed.NODE)
def test_program(url, folder, name):
    done = subprocess.run([NODE, folder / f'{name}.mjs', '--url', url], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    assert printed.without_chance(done.stdout) == printed.NODE[name]


def test_classes(url, folder):
    done = subprocess.run([NODE, folder / 'classes.mjs'], env=dict(os.environ, URL=url), capture_output=True, text=True,
                          timeout=2 * PATIENCE_S)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    summary = done.stdout.replace('ℹ', '#')
    assert '# fail 0' in summary and '# pass 11' in summary, summary
