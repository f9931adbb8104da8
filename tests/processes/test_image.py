"""The image for containers: what its entry point runs, and that its Dockerfile says what it must.

The entry point is run by sh in a folder that plays the image; programs that would need another user or a real server
are replaced by ones that print how they were called.
"""

import os
import pathlib
import re
import subprocess

import pytest

from waiting import PATIENCE_S

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / 'deploy' / 'docker'
ENTRY_POINT = DEPLOY / 'docker-entrypoint.sh'


@pytest.fixture
def enter(tmp_path):
    """enter('--port', '1', user=0) gives the words of the program that came to run, and what was called on the way."""
    commands, data = tmp_path / 'commands', tmp_path / 'data'
    commands.mkdir()
    data.mkdir()
    calls = tmp_path / 'calls'

    def command(name, text):
        (commands / name).write_text('#!/bin/sh\n' + text)
        (commands / name).chmod(0o755)

    for name in ('redis-server', 'kvick-server', 'redis-cli'):
        command(name, f'echo "{name} $(umask)" >>{calls}\nprintf "%s\\n" {name} "$@"\n')
    command('find', f'echo "find $*" >>{calls}\n')
    # The other user, who comes in again by the entry point.
    command('setpriv', f'echo "setpriv $*" >>{calls}\nwhile [ "$1" != -- ]; do shift; done\nshift\nKVICK_UID=999 exec "$@"\n')
    command('id', 'echo "${KVICK_UID:-0}"\n')

    def run(*words, user=0, mask=0o022):
        calls.write_text('')
        environment = {'PATH': f'{commands}:{os.environ["PATH"]}', 'KVICK_UID': str(user)}
        done = subprocess.run([str(ENTRY_POINT), *map(str, words)], env=environment, cwd=data, umask=mask,
                              capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines(), calls.read_text().splitlines()

    return run


OPEN = ['--protected-mode', 'no']


@pytest.mark.parametrize('words, expected', [
    ([], ['redis-server', *OPEN]),
    (['redis-server'], ['redis-server', *OPEN]),
    (['kvick-server', '--hz', '20'], ['kvick-server', *OPEN, '--hz', '20']),
    (['--appendonly', 'yes'], ['redis-server', *OPEN, '--appendonly', 'yes']),
    (['--protected-mode', 'yes'], ['redis-server', *OPEN, '--protected-mode', 'yes']),  # the last one counts
    (['-'], ['redis-server', *OPEN, '-']),
    (['--version'], ['redis-server', '--version']),
    (['redis-cli', '-h', 'other host'], ['redis-cli', '-h', 'other host']),
    (['sh', '-c', 'echo "$0"'], ['sh']),
])
def test_words(enter, words, expected):
    assert enter(*words)[0] == expected


@pytest.mark.parametrize('text, added', [('hz 20\n', OPEN), ('# protected-mode yes\n', OPEN),
                                         ('hz 20\n  Protected-Mode yes\n', [])])
def test_a_file_decides_about_protected_mode(enter, tmp_path, text, added):
    file = tmp_path / 'a b.conf'
    file.write_text(text)
    for words in ([file], ['redis-server', file]):
        assert enter(*words, '--port', '1')[0] == ['redis-server', str(file), *added, '--port', '1']


def test_root_gives_the_volume_to_the_server_and_becomes_it(enter):
    calls = enter('--port', '1')[1]
    assert calls == ['find . ! -user kvick -exec chown kvick:kvick {} +',
                     f'setpriv --reuid=kvick --regid=kvick --init-groups -- {ENTRY_POINT} redis-server --port 1',
                     'redis-server 0077']


def test_another_user_stays_who_he_is(enter):
    assert enter(user=1000)[1] == ['redis-server 0077']
    assert enter(user=1000, mask=0o027)[1] == ['redis-server 0027'], 'a chosen mask stays'


def test_other_programs_stay_root(enter):
    assert enter('redis-cli')[1] == ['redis-cli 0022']


def test_the_server_understands_the_words(make_server, tmp_path):
    """Those that the entry point makes, with a file and without."""
    file = tmp_path / 'server.conf'
    file.write_text('hz 20\n')
    for words in ([], [str(file)]):
        server = make_server(arguments=[])
        server.arguments = [*words, *OPEN, '--port', str(server.port)]
        server.start()
        assert server.config('protected-mode') == 'no'


def instructions():
    """(instruction, arguments) of the Dockerfile, continued lines joined."""
    text = re.sub(r'^#.*\n', '', (DEPLOY / 'Dockerfile').read_text(), flags=re.M).replace('\\\n', ' ')
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


def test_instructions():
    found = instructions()
    assert {name for name, _ in found} <= {'FROM', 'WORKDIR', 'COPY', 'RUN', 'VOLUME', 'EXPOSE', 'ENTRYPOINT', 'CMD'}
    stages = [i for i, (name, _) in enumerate(found) if name == 'FROM']
    assert [found[i][1] for i in stages] == ['debian:12-slim AS build', 'debian:12-slim']
    image = found[stages[1]:]
    assert {('VOLUME', '/data'), ('WORKDIR', '/data'), ('EXPOSE', '6379'), ('CMD', '["redis-server"]'),
            ('ENTRYPOINT', '["docker-entrypoint.sh"]')} <= set(image)
    root = DEPLOY.parents[1]
    for name, arguments in found:
        if name == 'COPY' and '--from' not in arguments:
            assert all((root / source).exists() for source in arguments.split()[:-1])


def test_the_image_has_the_libraries_of_the_programs(kvick_only, server_binary):
    """What the programs load is among the packages of the last stage, or comes with debian:12-slim."""
    text = ' '.join(arguments for name, arguments in instructions() if name == 'RUN')
    needed = set()
    for program in pathlib.Path(server_binary).resolve().parent.glob('kvick-*'):
        listing = subprocess.run(['objdump', '-p', str(program)], capture_output=True, text=True, check=False).stdout
        needed |= set(re.findall(r'NEEDED +(\S+)', listing))
    assert needed
    for library in needed - {'libc.so.6', 'libm.so.6'}:
        stem, version = re.fullmatch(r'(?:lib)?(.+)\.so\.(\d+)', library).groups()
        dash = '-' if stem[-1].isdigit() else ''
        package = {'crypto': 'libssl3', 'gcc_s': 'libgcc-s1'}.get(stem, f'lib{stem}{dash}{version}')
        assert re.search(rf'\s{re.escape(package)}(\s|$)', text), library


def test_both_names_of_every_program():
    text = (DEPLOY / 'Dockerfile').read_text()
    for name in ('server', 'cli', 'benchmark', 'check-rdb', 'check-aof'):
        assert re.search(rf'for program in [^;]*\b{name}\b', text)
    assert 'redis-$program' in text and 'sentinel' not in text
