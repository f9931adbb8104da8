"""What the benchmarks of this folder share: servers pinned to cores, load, medians, where the machine is named."""

import argparse
import csv
import dataclasses
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
sys.path.insert(0, str(ROOT / "tests/support"))
import markdown  # noqa: E402
import process_figures  # noqa: E402
from prefixed_server import PrefixedServer  # noqa: E402

RELEASE = ROOT / "build/release"
CORES = sorted(os.sched_getaffinity(0))
KEY_BYTES = 16  # of kvick-benchmark's keys: key: and twelve digits


def common_arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--kvick", default=RELEASE / "kvick-server", help="the server to measure")
    parser.add_argument("--redis", default=shutil.which("redis-server"), help="the one to compare with")
    parser.add_argument("--load", default=RELEASE / "kvick-benchmark", help="the load generator")
    parser.add_argument("--output", type=pathlib.Path, help="also write the result to this file")
    parser.add_argument("--readme", action="store_true", help="write the result into README.md")
    parser.add_argument("--quick", action="store_true", help="fewer requests and repetitions: for a look, not a claim")
    return parser


def server(binary, *, threads, core=None, options=None):
    """A server that keeps nothing on disk. `threads` reaches kvick; redis-server runs commands in one thread."""
    options = dict(options or {})
    if pathlib.Path(binary).name.startswith("kvick"):
        options["threads"] = threads
    prefix = ["taskset", "-c", core] if core is not None else []
    return PrefixedServer(prefix, binary, options=options).start(60)


@dataclasses.dataclass(frozen=True)
class Sample:
    """One run of the load."""

    requests_per_second: float
    cpu_us_per_request: float


def load_command(program, port, *, test, requests=1, pipeline=1, size=3, keys=1, clients=50, core=None, more=()):
    command = [str(program), "-p", str(port), "-t", test, "-n", str(requests), "-P", str(pipeline)]
    command += ["-d", str(size), "-r", str(keys), "-c", str(clients), "--csv"]
    if core is not None:
        command += ["--pin", str(core)]
    return command + [str(word) for word in more]


def run_load(program, process, *, test, requests, **options):
    """Runs kvick-benchmark against `process` and says how fast that was and what it cost the server."""
    before = process_figures.cpu_seconds(process.pid)
    command = load_command(program, process.port, test=test, requests=requests, **options)
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr or done.stdout}")
    cpu_us = (process_figures.cpu_seconds(process.pid) - before) * 1e6
    row = next(csv.DictReader(line for line in done.stdout.splitlines() if line.startswith('"')))
    return Sample(float(row["rps"]), cpu_us / requests)


def fill(program, process, keys, size, *, ttl_seconds=0):
    more = ["--ttl", str(ttl_seconds)] if ttl_seconds else []
    command = load_command(program, process.port, test="fill", pipeline=64, size=size, keys=keys, more=more)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def median(samples):
    return Sample(
        statistics.median(sample.requests_per_second for sample in samples),
        statistics.median(sample.cpu_us_per_request for sample in samples),
    )


def version(binary):
    """`redis-server 7.0.15`, from --version."""
    text = subprocess.run([str(binary), "--version"], check=False, capture_output=True, text=True).stdout
    found = re.search(r"\bv=(\S+)", text)
    return f"{pathlib.Path(binary).name} {found[1] if found else '?'}"


def machine():
    model = re.search(r"^model name\s*:\s*(.+)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return f"{model[1].strip() if model else platform.machine()}, {len(CORES)} cores, Linux {platform.release().split('-')[0]}"


def publish(given, marker, text):
    """Prints the result and puts it where the arguments say."""
    print(f"\n{text}")
    if given.output:
        given.output.write_text(text + "\n")
    if given.readme:
        markdown.replace_between(README, marker, text)
