"""The rows of strings: SET, GET and their like by the size of the value, and on shared cores."""

import measure
from measure import CORES

TESTS = {"set": "SET", "get": "GET", "incr": "INCR", "mset": "MSET of 10", "mixed": "10 % SET, 90 % GET"}
SIZES = ("32", "1024", "65536")
PIPELINES = ("1", "16", "64")
SHARED_PIPELINE = 64
DATA_BYTES_MAX = 1 << 30  # of one server's values; large values get fewer keys
BYTES_PER_RUN_MAX = 2 << 30
HEAD = ["bytes:", *measure.COMPARED]


def add_arguments(parser):
    parser.add_argument("--keys", type=int, default=1_000_000, help="strings: in the key space, 1000000 or 10000000")
    parser.add_argument("--sizes", type=measure.words, default=SIZES, help="strings: value bytes")
    parser.add_argument("--pinned-only", action="store_true", help="strings: leave out the runs on shared cores")


def measure_all(given):
    """(what the table says of itself, head, rows)"""
    sizes = [int(size) for size in given.sizes]
    rows = []
    for size in sizes:
        rows += measure_size(given, size, pinned=True)
    if not given.pinned_only:
        rows += measure_size(given, sizes[0], pinned=False)
    about = (
        f"{measure.conditions(given)} {given.keys:,} keys ({DATA_BYTES_MAX >> 30} GiB of values at most), 50 "
        f"connections, medians of {given.repetitions} runs in turn. µs: the server's processor time for a request. "
        "Server and load have a core each; on shared cores, kvick has "
        f"{len(CORES)} threads and load and server share {len(CORES)} cores."
    )
    return about, HEAD, rows


def measure_size(given, size, *, pinned):
    """Rows of one value size, with fresh servers that hold all keys before the first measurement."""
    keys = min(given.keys, max(DATA_BYTES_MAX // size, 1000))
    load_core = CORES[-1] if pinned else None
    pipelines = (given.pipelines or PIPELINES) if pinned else [SHARED_PIPELINE]
    label = size if pinned else f"{size}, shared cores"
    rows = []
    tests = [test for test in TESTS if not given.only or test in given.only]
    with measure.both_servers(given, pinned=pinned) as servers:
        for process in servers if tests else ():
            measure.fill(given.load, process, keys, size)
        for test in tests:
            if test == "incr" and str(size) != given.sizes[0]:
                continue  # its values do not depend on the size
            for pipeline in map(int, pipelines):
                load = {"test": test, "requests": request_count(given, test, pipeline, size), "pipeline": pipeline}
                samples = measure.in_turn(given, servers, **load, size=size, keys=keys, core=load_core)
                rows.append([label, TESTS[test], pipeline, *measure.compared(*samples)])
                measure.show(rows[-1])
    return rows


def request_count(given, test, pipeline, size):
    count = measure.REQUESTS_AT_PIPELINE.get(pipeline, 500_000)
    if test == "mset":
        count //= 10
    per_request = 0 if test == "incr" else size * (10 if test == "mset" else 1)
    count = min(count, BYTES_PER_RUN_MAX // max(per_request, 1))
    return max(count // (5 if given.quick else 1), 1000)
