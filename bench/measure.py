"""What the benchmarks of this folder share: servers pinned to cores, load, medians, tables."""

import argparse
import contextlib
import csv
import dataclasses
import datetime
import os
import pathlib
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
sys.path.insert(0, str(ROOT / "tests/support"))
import markdown  # noqa: E402
import process_figures  # noqa: E402
import rows  # noqa: E402
from prefixed_server import PrefixedServer  # noqa: E402

RELEASE = ROOT / "build/release"
CORES = sorted(os.sched_getaffinity(0))
# So that a run takes about a second where a server answers 200,000, 1,000,000 and 2,000,000 requests.
REQUESTS_AT_PIPELINE = {1: 200_000, 16: 1_000_000, 64: 2_000_000}
# Columns of a comparison, as compared() fills them behind the command and the pipeline.
COMPARED = ["command", "pipeline:", "kvick req/s:", "redis req/s:", "× req/s:", "kvick µs:", "redis µs:", "× µs:"]
KEY_BYTES = 16  # of kvick-benchmark's keys: key: and twelve digits


def common_arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--kvick", default=RELEASE / "kvick-server", help="the server to measure")
    parser.add_argument("--redis", default=shutil.which("redis-server"), help="the one to compare with")
    parser.add_argument("--load", default=RELEASE / "kvick-benchmark", help="the load generator")
    parser.add_argument("--output", type=pathlib.Path, help="also append the result to this file")
    parser.add_argument("--readme", action="store_true", help="write the result into README.md")
    parser.add_argument("--record", action="store_true", help="add the numbers to bench/history/")
    parser.add_argument("--quick", action="store_true", help="fewer requests and repetitions: for a look, not a claim")
    return parser


def words(text):
    """An argument that is a list."""
    return [word for word in text.split(",") if word]


def add_families(parser):
    parser.add_argument("--families", type=words, help="of commands: strings," + ",".join(rows.family_names()))


def chosen_families(parser, given):
    """The given families, or all. `strings` has no file in families/: it has rows of its own form."""
    known = ["strings", *rows.family_names()]
    for family in given.families or []:
        if family not in known:
            parser.error(f"no family {family}; there are {', '.join(known)}")
    return [family for family in known if not given.families or family in given.families]


def server(binary, *, threads, core=None, options=None):
    """A server that keeps nothing on disk. `threads` reaches kvick; redis-server runs commands in one thread."""
    options = dict(options or {})
    if pathlib.Path(binary).name.startswith("kvick"):
        options["threads"] = threads
    prefix = ["taskset", "-c", core] if core is not None else []
    return PrefixedServer(prefix, binary, options=options).start()


@contextlib.contextmanager
def both_servers(given, *, pinned=True, with_stock=True):
    """[kvick, redis], or kvick alone: with one thread on the first core, or with all cores."""
    core = CORES[0] if pinned else None
    threads = 1 if pinned else len(CORES)
    with contextlib.ExitStack() as running:
        binaries = [given.kvick, given.redis] if with_stock else [given.kvick]
        yield [running.enter_context(server(binary, threads=threads, core=core)) for binary in binaries]


@dataclasses.dataclass(frozen=True)
class Sample:
    """One run of the load."""

    requests_per_second: float
    cpu_us_per_request: float


def load_command(program, port, *, test=None, requests=1, pipeline=1, size=3, keys=1, clients=50, core=None, more=()):
    """`test` is one that kvick-benchmark knows by name; without it, `more` ends in a command."""
    command = [str(program), "-p", str(port), "-n", str(requests), "-P", str(pipeline)]
    command += ["-d", str(size), "-r", str(keys), "-c", str(clients), "--csv"]
    if test is not None:
        command += ["-t", test]
    if core is not None:
        command += ["--pin", str(core)]
    return command + [str(word) for word in more]


def run_load(program, process, *, requests, **options):
    """Runs kvick-benchmark against `process` and says how fast that was and what it cost the server."""
    before = process_figures.cpu_seconds(process.pid)
    command = load_command(program, process.port, requests=requests, **options)
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr or done.stdout}")
    cpu_us = (process_figures.cpu_seconds(process.pid) - before) * 1e6
    row = next(csv.DictReader(line for line in done.stdout.splitlines() if line.startswith('"')))
    return Sample(float(row["rps"]), cpu_us / requests)


def paced_load(program, process, *, rate, seconds, **options):
    """The row of kvick-benchmark's table, as numbers, for a load of `rate` requests a second (an open loop)."""
    more = ["--rate", str(rate), *options.pop("more", ())]
    done = subprocess.run(load_command(program, process.port, requests=int(rate * seconds), more=more, **options),
                          check=True, capture_output=True, text=True)  # fmt: skip
    row = next(csv.DictReader(line for line in done.stdout.splitlines() if line.startswith('"')))
    return {name: float(value) for name, value in row.items() if name != "test"}


def apply_fills(program, process, fills, *, measured_count=0):
    """Fills of rows.py, in order and by one client, so that a DEL is done before what follows it."""
    for one in fills:
        count = one.count or measured_count
        more = ["--each", *shlex.split(one.command)]
        run_load(program, process, requests=count, pipeline=64, size=one.data_bytes, keys=one.numbers or count,
                 clients=1, more=more)  # fmt: skip


def fill(program, process, keys, size, *, ttl_seconds=0):
    more = ["--ttl", str(ttl_seconds)] if ttl_seconds else []
    command = load_command(program, process.port, test="fill", pipeline=64, size=size, keys=keys, more=more)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def in_turn(given, servers, *, before=(), command=None, requests, **load):
    """The median Sample of each server, loaded one after the other, several times. `before`: Fills before each run."""
    if command is not None:
        load["more"] = shlex.split(command)
    taken = [[] for _ in servers]
    for _ in range(given.repetitions):
        for process, samples in zip(servers, taken):
            apply_fills(given.load, process, before, measured_count=requests)
            samples.append(run_load(given.load, process, requests=requests, **load))
    return [median(samples) for samples in taken]


def compared(kvick, redis=None):
    """The cells of COMPARED behind command and pipeline. Without redis-server there is nothing to compare with."""
    rates = [f"{kvick.requests_per_second:,.0f}", "", ""]
    costs = [f"{kvick.cpu_us_per_request:.2f}", "", ""]
    if redis is not None:
        rates[1:] = f"{redis.requests_per_second:,.0f}", f"{kvick.requests_per_second / redis.requests_per_second:.2f}"
        costs[1:] = f"{redis.cpu_us_per_request:.2f}", f"{kvick.cpu_us_per_request / redis.cpu_us_per_request:.2f}"
    return rates + costs


def show(cells):
    """A row as soon as it is there."""
    print("  ".join(str(cell) for cell in cells), flush=True)


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


def conditions(given):
    """What ran on which machine, as a sentence to begin with."""
    return f"{version(given.kvick)} and {version(given.redis)} on {machine()}."


HISTORY = ROOT / "bench/history"
HISTORY_COLUMNS = ["date", "commit", "machine", "row", "figure", "value"]


def commit():
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _number(cell):
    try:
        return float(str(cell).replace(",", ""))
    except ValueError:
        return None


def record(head, cells):
    """Adds a table's numbers to the history that is named like the running program: a line for each number. The columns
    in front of the first one with a number say which row it is."""
    path = HISTORY / f"{pathlib.Path(sys.argv[0]).name}.csv"
    is_new = not path.exists()
    with open(path, "a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(HISTORY_COLUMNS)
        for row in cells:
            name = [f"{title} {cell}" if _number(cell) is not None else str(cell)
                    for title, cell in zip(head, row) if _is_key(title, cell)]  # fmt: skip
            for title, cell in zip(head, row):
                if not _is_key(title, cell) and _number(cell) is not None:
                    line = [datetime.date.today(), commit(), machine(), " ".join(name), title, _number(cell)]
                    writer.writerow(line)


def _is_key(title, cell):
    return _number(cell) is None and cell != "" or title in ("bytes", "pipeline", "clients", "size", "value", "threads", "connections")


def record_tables(given, text):
    if not getattr(given, "record", False):
        return
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        if len(lines) > 2:
            record([cell.strip() for cell in lines[0].strip("| ").split(" | ")], markdown.rows("\n".join(lines[:1] + lines[2:])))


def publish(given, marker, text):
    """Prints the result and puts it where the arguments say. A program may publish several."""
    print(f"\n{text}")
    record_tables(given, text)
    if given.output:
        with open(given.output, "a") as file:
            file.write(text + "\n\n")
    if given.readme:
        markdown.replace_between(README, marker, text)


def publish_by_family(given, marker, about, head, measured):
    """A table whose first column is the family. In README.md, families that were not measured now keep their rows.

    `measured`: family to rows.
    """
    result = [[family, *row] for family in sorted(measured) for row in measured[family]]
    print("\n" + markdown.table(["family", *head], result))
    record_tables(given, markdown.table(["family", *head], result))
    if given.readme:
        kept = [row for row in markdown.rows(markdown.between(README, marker) or "") if row[0] not in measured]
        result = sorted(result + kept, key=lambda row: row[0])  # stable: rows of a family stay in order
    table = f"{about}\n\n{markdown.table(['family', *head], result)}"
    if given.output:
        with open(given.output, "a") as file:
            file.write(table + "\n\n")
    if given.readme:
        markdown.replace_between(README, marker, table)
