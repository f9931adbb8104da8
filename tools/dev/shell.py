"""Paths, and how commands are run and reported, for every part of ./dev."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
# The cores this process may use, which a container can have limited.
CORES = len(os.sched_getaffinity(0))


def say(text=""):
    print(text, flush=True)


def fail(text):
    say()
    print(f"dev: {text}", file=sys.stderr, flush=True)
    raise SystemExit(1)


def run(command, **options):
    """Runs `command` with our terminal; ./dev ends with its status when it fails."""
    status = subprocess.run([str(word) for word in command], check=False, **options).returncode
    if status != 0:
        raise SystemExit(status if status > 0 else 128 - status)


def output(command, **options):
    """What `command` prints."""
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **options).stdout


def source_files(*suffixes, folders=("src", "tests", "bench")):
    """Our files with these suffixes, sorted, without generated and installed ones."""
    found = []
    for folder in folders:
        for directory, names, files in os.walk(ROOT / folder):
            names[:] = sorted(name for name in names if name not in ("node_modules", "__pycache__"))
            found += [pathlib.Path(directory, file) for file in sorted(files) if file.endswith(suffixes)]
    return found
