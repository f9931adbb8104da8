#!/usr/bin/python3
"""Churn at the limit: values of every type come, grow, shrink, expire and are evicted, for minutes.

What is checked each round: no command is refused; used_memory stays below maxmemory, but for what is under way; and
resident memory stays where it was once the limit had been reached, or a leak or growing fragmentation would show.

    ./dev soak memory --minutes 120
"""

import argparse
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from resp import Connection, encode_command  # noqa: E402

MIB = 1 << 20
LIMIT_BYTES = 32 * MIB
OVERSHOOT_MAX_BYTES = 2 * MIB
RESIDENT_GROWTH_MAX = 1.15
CONNECTIONS = 4
KEYS = 40_000  # of each type: more than there is room for
PIPELINE = 32
ROUNDS = 12
WARM_ROUNDS = 3  # until buffers have their size and what was filled in has gone
ROUND_S_MAX = 10.0


class Worker(threading.Thread):
    """Sends batches on a connection of its own until the deadline."""

    def __init__(self, port, seed, deadline):
        super().__init__(daemon=True)
        self.address = ("127.0.0.1", port)
        self.random = random.Random(seed)
        self.deadline = deadline
        self.commands = 0
        self.problems = []

    def run(self):
        try:
            with Connection(self.address, timeout_s=60.0) as connection:
                while time.monotonic() < self.deadline and not self.problems:
                    self.batch(connection, [self.draw() for _ in range(PIPELINE)])
        except Exception as error:  # a thread must report, not die silently
            self.problems.append(f"{type(error).__name__}: {error}")

    def batch(self, connection, commands):
        connection.send(b"".join(encode_command(command) for command in commands))
        for command in commands:
            kind, value = connection.read_reply()
            if kind == "-":
                self.problems.append(f"{command[:2]} answered {value}")
        self.commands += len(commands)

    def bytes(self, size_max):
        return b"v" * self.random.randrange(1, size_max)

    def draw(self):
        choose = self.random.randrange
        number, part = choose(KEYS), choose(200)
        return self.random.choice([
            ("SET", f"string:{number}", self.bytes(400)),
            ("SET", f"string:{number}", self.bytes(200), "PX", choose(1, 5000)),
            ("APPEND", f"string:{number}", self.bytes(100)),
            ("SETRANGE", f"string:{number}", choose(2000), self.bytes(50)),
            ("SET", f"large:{number % 100}", self.bytes(100_000), "EX", choose(1, 20)),
            ("GET", f"string:{number}"),
            ("HSET", f"hash:{number % 4000}", part, self.bytes(100), part + 1, 1),
            ("HPEXPIRE", f"hash:{number % 4000}", choose(1, 3000), "FIELDS", 1, part),
            ("HDEL", f"hash:{number % 4000}", part, part + 3),
            ("RPUSH", f"list:{number % 4000}", self.bytes(300), part),
            ("LTRIM", f"list:{number % 4000}", choose(3), choose(40)),
            ("SADD", f"set:{number % 4000}", part, choose(1 << 40), self.bytes(40)),
            ("SPOP", f"set:{number % 4000}", 2),
            ("ZADD", f"zset:{number % 4000}", part, f"member:{choose(500)}"),
            ("ZREMRANGEBYRANK", f"zset:{number % 4000}", 0, choose(4)),
            ("XADD", f"stream:{number % 1000}", "MAXLEN", "~", 100, "*", "field", self.bytes(60)),
            ("PEXPIRE", f"{self.random.choice(['hash', 'list', 'set', 'zset'])}:{number % 4000}", choose(1, 10_000)),
            ("UNLINK", f"list:{number % 4000}", f"large:{number % 100}"),
        ])  # fmt: skip


def info(connection, section):
    lines = connection.call("INFO", section).decode().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def fill(connection):
    """Up to the limit, and a little more."""
    for start in range(0, 2 * LIMIT_BYTES // 1000, 100):
        connection.send(b"".join(encode_command(("SET", f"fill:{start + i}", b"v" * 600)) for i in range(100)))
        for _ in range(100):
            connection.read_reply()


def run_round(port, seed, deadline, control):
    """(commands, highest used_memory, resident memory, problems)"""
    workers = [Worker(port, seed + i, deadline) for i in range(CONNECTIONS)]
    for worker in workers:
        worker.start()
    highest = 0
    while any(worker.is_alive() for worker in workers):
        highest = max(highest, int(info(control, "memory")["used_memory"]))
        time.sleep(0.05)
    problems = [problem for worker in workers for problem in worker.problems]
    resident = int(info(control, "memory")["used_memory_rss"])
    return sum(worker.commands for worker in workers), highest, resident, problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    given = parser.parse_args()
    print(f"seed {given.seed}: repeat with --seed {given.seed}")

    control = Connection(("127.0.0.1", given.port), timeout_s=60.0)
    control.call("FLUSHALL")
    control.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "maxmemory", LIMIT_BYTES)
    fill(control)
    end = time.monotonic() + given.minutes * 60
    round_s = min(ROUND_S_MAX, given.minutes * 60 / ROUNDS)
    passed = failed = 0
    settled = None
    while (time.monotonic() < end or settled is None) and not failed:
        deadline = time.monotonic() + round_s
        seed = given.seed + passed * CONNECTIONS
        commands, highest, resident, problems = run_round(given.port, seed, deadline, control)
        if highest > LIMIT_BYTES + OVERSHOOT_MAX_BYTES:
            problems.append(f"used_memory reached {highest} of {LIMIT_BYTES}")
        if int(info(control, "stats")["evicted_keys"]) == 0:
            problems.append("the limit was never reached")
        if passed == WARM_ROUNDS:
            settled = resident
        if settled and resident > settled * RESIDENT_GROWTH_MAX:
            problems.append(f"resident memory grew from {settled} to {resident}")
        print(f"{commands} commands, used_memory up to {highest}, resident {resident}", *problems, sep="\n  ", flush=True)
        passed, failed = (passed, failed + 1) if problems else (passed + 1, failed)
    if settled is None and not failed:
        print(f"too short: resident memory is compared after {WARM_ROUNDS} rounds")
        failed = 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
