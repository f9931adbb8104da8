"""The Debian package: what is in it, and what its scripts do when it comes, is followed by another and goes.

dpkg itself installs it, into a folder and with a database of packages there; the commands with which the scripts reach
into the system are replaced by ones that write down how they were called.
"""

import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from waiting import PATIENCE_S

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNIT = 'kvick-server.service'
# What the scripts of the package call to change the system.
SYSTEM_COMMANDS = ('adduser', 'chown', 'deb-systemd-helper', 'deb-systemd-invoke', 'dpkg-statoverride', 'ldconfig',
                   'systemctl')
CONFIGURATION = 'etc/kvick/kvick.conf'

sys.path.insert(0, str(ROOT / 'tools' / 'dev'))
import package as package_tool  # noqa: E402


@pytest.fixture(scope='module')
def packages(server_binary, tmp_path_factory):
    """Two versions made of the programs beside the server under test."""
    programs = pathlib.Path(server_binary).resolve().parent
    if not all((programs / name).exists() for name in package_tool.PROGRAMS):
        pytest.skip('not all programs of the package are there')
    package_tool.FOLDER = tmp_path_factory.mktemp('package')
    return [package_tool.make_package(programs, version) for version in ('0.1.0', '0.2.0')]


class System:
    """A root folder with its own list of packages, and a log of what was called."""

    def __init__(self, folder, has_systemd=True):
        self.root = folder / 'root'
        self.calls_path = folder / 'calls'
        self.calls_path.touch()
        database = self.root / 'var/lib/dpkg'
        (database / 'info').mkdir(parents=True)
        (database / 'updates').mkdir()
        (database / 'status').touch()
        if has_systemd:
            (self.root / 'run/systemd/system').mkdir(parents=True)
        commands = folder / 'commands'
        commands.mkdir()
        for name in SYSTEM_COMMANDS:
            # No override is listed, every unit was enabled.
            (commands / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{self.calls_path}\n'
                                         + ('exit 1\n' if name == 'dpkg-statoverride' else ''))
            (commands / name).chmod(0o755)
        self.environment = {**os.environ, 'PATH': f'{commands}:{os.environ["PATH"]}:/usr/sbin:/sbin', 'LC_ALL': 'C'}

    def dpkg(self, *arguments):
        """Returns what the scripts called."""
        before = len(self.calls_path.read_text().splitlines())
        done = subprocess.run(
            ['dpkg', f'--root={self.root}', '--force-script-chrootless', '--force-depends', '--force-not-root',
             '--force-bad-path', '--force-confold', f'--log={self.root}/dpkg.log', *map(str, arguments)],
            env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 0, done.stdout + done.stderr
        return [line.replace(str(self.root), '') for line in self.calls_path.read_text().splitlines()[before:]]

    def file(self, path):
        return self.root / path


@pytest.fixture
def system(tmp_path):
    return System(tmp_path)


def contents(package):
    """path → (mode, target of a link)."""
    listing = subprocess.run(['dpkg-deb', '--contents', str(package)], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in listing.splitlines():
        mode, owner, _, _, _, name = line.split(None, 5)
        assert owner == 'root/root', line
        path, _, target = name.partition(' -> ')
        found[path.removeprefix('.')] = (mode, target)
    return found


def field(package, name):
    return subprocess.run(['dpkg-deb', '--field', str(package), name], capture_output=True, text=True,
                          check=True).stdout.strip()


def test_what_is_in_it(packages):
    found = contents(packages[0])
    for name in package_tool.PROGRAMS:
        assert found[f'/usr/bin/{name}'][0] == '-rwxr-xr-x'
        assert f'/usr/share/man/man1/{name}.1.gz' in found
        link = f'/usr/lib/kvick/redis/{name.replace("kvick", "redis")}'
        assert found[link][1] == f'../../../bin/{name}'
    for path in (f'/lib/systemd/system/{UNIT}', '/etc/logrotate.d/kvick-server', '/etc/kvick/kvick.conf',
                 '/usr/share/doc/kvick/copyright'):
        assert found[path][0] == '-rw-r--r--'
    assert not any('redis' in path for path in found if path.startswith('/usr/bin/')), 'those belong to other packages'
    assert '/usr/lib/kvick/redis/redis-sentinel' not in found


def test_what_it_says_of_itself(packages):
    assert field(packages[0], 'Package') == 'kvick' and field(packages[0], 'Version') == '0.1.0'
    libraries = field(packages[0], 'Depends')
    assert 'libc6 (>=' in libraries and 'libssl3' in libraries and 'adduser' in libraries
    control = subprocess.run(['dpkg-deb', '--ctrl-tarfile', str(packages[0])], capture_output=True, check=True).stdout
    conffiles = subprocess.run(['tar', '-xO', './conffiles'], input=control, capture_output=True, check=True).stdout
    assert conffiles.split() == [b'/etc/kvick/kvick.conf', b'/etc/logrotate.d/kvick-server']


def test_comes_and_starts(system, packages):
    calls = system.dpkg('--install', packages[0])
    assert calls[0].startswith('adduser --system --group ') and calls[0].endswith(' kvick')
    assert f'deb-systemd-helper enable {UNIT}' in calls
    assert calls.index('systemctl --system daemon-reload') < calls.index(f'deb-systemd-invoke start {UNIT}')
    for path, mode, owner in (('var/lib/kvick', 0o750, 'kvick:kvick'), ('var/log/kvick', 0o2750, 'kvick:adm'),
                              ('etc/kvick', 0o2770, 'kvick:kvick'), (CONFIGURATION, 0o640, 'kvick:kvick')):
        assert system.file(path).stat().st_mode & 0o7777 == mode
        assert f'chown {owner} /{path}' in calls


def test_comes_without_an_init(tmp_path, packages):
    calls = System(tmp_path, has_systemd=False).dpkg('--install', packages[0])
    assert not [call for call in calls if call.startswith(('systemctl', 'deb-systemd-invoke'))]


def test_an_upgrade_restarts_and_keeps_what_is_the_operators(system, packages):
    system.dpkg('--install', packages[0])
    system.file(CONFIGURATION).write_text('maxmemory 1gb\n')
    system.file(CONFIGURATION).chmod(0o600)
    system.file('var/lib/kvick').chmod(0o700)
    system.file('var/lib/kvick/dump.rdb').write_text('data')
    calls = system.dpkg('--install', packages[1])
    assert f'deb-systemd-invoke restart {UNIT}' in calls and f'deb-systemd-invoke stop {UNIT}' not in calls
    assert not [call for call in calls if call.startswith('chown')]
    assert system.file(CONFIGURATION).read_text() == 'maxmemory 1gb\n'
    assert system.file(CONFIGURATION).stat().st_mode & 0o777 == 0o600
    assert system.file('var/lib/kvick').stat().st_mode & 0o777 == 0o700
    assert system.file('var/lib/kvick/dump.rdb').read_text() == 'data'


def test_removal_stops_and_keeps_data(system, packages):
    system.dpkg('--install', packages[0])
    system.file('var/lib/kvick/dump.rdb').write_text('data')
    calls = system.dpkg('--remove', 'kvick')
    assert f'deb-systemd-invoke stop {UNIT}' in calls and f'deb-systemd-helper mask {UNIT}' in calls
    assert not system.file('usr/bin/kvick-server').exists()
    assert system.file(CONFIGURATION).exists() and system.file('var/lib/kvick/dump.rdb').exists()
    calls = system.dpkg('--install', packages[0])
    assert f'deb-systemd-helper unmask {UNIT}' in calls, 'it comes back'


@pytest.mark.parametrize('is_removed_first', [False, True])
def test_purge_leaves_nothing(system, packages, is_removed_first):
    system.dpkg('--install', packages[0])
    system.file('var/lib/kvick/dump.rdb').write_text('data')
    system.file('var/log/kvick/kvick-server.log').write_text('line')
    if is_removed_first:
        system.dpkg('--remove', 'kvick')
    calls = system.dpkg('--purge', 'kvick')
    assert f'deb-systemd-helper purge {UNIT}' in calls
    left = [str(path.relative_to(system.root)) for path in system.root.rglob('*kvick*') if path.is_file()]
    assert [path for path in left if not path.startswith('var/lib/dpkg/')] == []
    assert not any(system.file(path).exists() for path in ('etc/kvick', 'var/lib/kvick', 'var/log/kvick'))


def test_its_server_runs_with_its_configuration(system, packages, make_server):
    """Under the name of redis-server, and with the folders of the test."""
    system.dpkg('--install', packages[0])
    configuration = system.file(CONFIGURATION)
    configuration.write_text(re.sub('(?<= )/(?=(var|run)/)', f'{system.root}/', configuration.read_text()))
    server = make_server(arguments=[])
    server.binary = str(system.file('usr/lib/kvick/redis/redis-server'))
    server.arguments = [str(configuration), '--supervised', 'systemd', '--daemonize', 'no', '--port', str(server.port)]
    server.spawn()
    log = system.file('var/log/kvick/kvick-server.log')
    while not (log.exists() and 'Ready to accept' in log.read_text()):
        assert server.is_running(), server.log()
    with server.connect() as connection:
        assert connection.call('CONFIG', 'GET', 'bind')[1] == b'127.0.0.1 -::1'
        assert connection.call('CONFIG', 'GET', 'protected-mode')[1] == b'yes'
        connection.call('SET', 'key', 'value')
    assert server.stop() == 0
    assert system.file('var/lib/kvick/dump.rdb').exists()


def unit():
    return (ROOT / 'deploy/systemd' / UNIT).read_text()


def test_unit_and_configuration_agree():
    configuration = package_tool.service_configuration()
    writable = re.search('^ReadWritePaths=(.*)$', unit(), re.M)[1].split()
    assert '/etc/kvick' in writable
    for name in ('dir', 'logfile'):
        path = re.search(f'^{name} (.*)$', configuration, re.M)[1]
        assert any(path.startswith(folder) for folder in writable)
    assert 'Type=notify' in unit() and '--supervised systemd' in unit()
    assert '/var/log/kvick/' in (ROOT / 'deploy/logrotate/kvick-server').read_text()


@pytest.mark.skipif(shutil.which('systemd-analyze') is None, reason='systemd-analyze checks the unit; machines without systemd, such as containers, cannot')
def test_systemd_takes_the_unit(tmp_path):
    """And finds it well protected: 0 is best, 10 worst."""
    file = tmp_path / UNIT
    file.write_text(re.sub('^Documentation=.*\n', '', re.sub('(?m)^ExecStart=.*', 'ExecStart=/bin/true', unit()), flags=re.M))
    verified = subprocess.run(['systemd-analyze', 'verify', str(file)], capture_output=True, text=True, timeout=PATIENCE_S)
    assert UNIT not in verified.stderr
    done = subprocess.run(['systemd-analyze', 'security', '--offline=true', '--threshold=20', str(file)],
                          capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout


def test_pages_of_the_manual_are_whole(packages):
    for name in package_tool.PROGRAMS:
        page = gzip.decompress((package_tool.FOLDER / f'kvick_0.1.0_{field(packages[0], "Architecture")}' /
                                f'usr/share/man/man1/{name}.1.gz').read_bytes()).decode()
        assert page.startswith(f'.TH {name.upper()} 1') and '.SH SYNOPSIS' in page
