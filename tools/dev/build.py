"""Configuring and building the CMake presets, each in build/<preset>."""

import subprocess
import sys

from shell import BUILD, CORES, ROOT, fail, say


class BuildFailed(Exception):
    """Carries what the compiler said."""


def folder(preset):
    return BUILD / preset


def program(preset, name):
    return folder(preset) / name


def _quietly(command):
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise BuildFailed(done.stdout)


def try_build(preset, targets=()):
    """Brings the targets (all when none is named) up to date; raises BuildFailed."""
    # Also when the folder exists: a changed preset reaches the cache only this way, and it takes a moment.
    _quietly(["cmake", "--preset", preset])
    command = ["cmake", "--build", str(folder(preset)), "--parallel", str(CORES)]
    if targets:
        command += ["--target", *targets]
    if sys.stdout.isatty():
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            raise BuildFailed("")
    else:
        _quietly(command)


def build(preset, targets=()):
    """As try_build, but ends ./dev when it fails."""
    say(f"dev: building {preset}" + (f" ({', '.join(targets)})" if targets else ""))
    try:
        try_build(preset, targets)
    except BuildFailed as failure:
        say(str(failure))
        fail(f"the build of preset {preset} failed")
