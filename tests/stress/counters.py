#!/usr/bin/python3
"""Counters that add up: many connections increment, and move amounts between accounts in transactions, for minutes.

What is checked each round: every acknowledged increment is in the sum of the counters; the sum of the accounts never
changes, neither seen by MULTI while transfers run nor at the end; and the server's memory does not grow from round to
round, since the data does not.

    ./dev soak counters --minutes 10
"""

import argparse
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from resp import Connection, encode_command, to_python  # noqa: E402

CONNECTIONS = 16
COUNTERS = 1000
ACCOUNTS = 100
START_BALANCE = 1000
PIPELINE = 32
ROUND_S = 10.0
GROWTH_MAX_BYTES = 16 << 20  # buffers and tables may settle; a leak of 1 byte per operation is more than this


class Worker(threading.Thread):
    """Sends batches on a connection of its own until the deadline."""

    def __init__(self, port, seed, deadline):
        super().__init__(daemon=True)
        self.address = ("127.0.0.1", port)
        self.random = random.Random(seed)
        self.deadline = deadline
        self.increments = 0
        self.problems = []

    def run(self):
        try:
            with Connection(self.address, timeout_s=60.0) as connection:
                while time.monotonic() < self.deadline and not self.problems:
                    self.increment(connection)
                    self.transfer(connection)
                    self.look(connection)
        except Exception as error:  # a thread must report, not die silently
            self.problems.append(f"{type(error).__name__}: {error}")

    def batch(self, connection, commands):
        connection.send(b"".join(encode_command(command) for command in commands))
        return [to_python(connection.read_reply()) for _ in commands]

    def increment(self, connection):
        names = [f"counter:{self.random.randrange(COUNTERS)}" for _ in range(PIPELINE)]
        replies = self.batch(connection, [("INCR", name) for name in names])
        if not all(isinstance(reply, int) for reply in replies):
            self.problems.append(f"INCR answered {replies}")
        self.increments += len(replies)

    def transfer(self, connection):
        source, target = (f"account:{self.random.randrange(ACCOUNTS)}" for _ in range(2))
        amount = self.random.randrange(100)
        commands = [("MULTI",), ("DECRBY", source, amount), ("INCRBY", target, amount), ("EXEC",)]
        done = self.batch(connection, commands)[-1]
        if not isinstance(done, list) or len(done) != 2:
            self.problems.append(f"EXEC answered {done}")

    def look(self, connection):
        """One command over all accounts is atomic, so it must see the money in no other place."""
        balances = connection.call("MGET", *[f"account:{i}" for i in range(ACCOUNTS)])
        total = sum(map(int, balances))
        if total != ACCOUNTS * START_BALANCE:
            self.problems.append(f"the accounts held {total} in the middle of a transfer")


def used_memory(connection):
    lines = connection.call("INFO", "memory").decode().splitlines()
    return int(next(line for line in lines if line.startswith("used_memory:")).split(":")[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    given = parser.parse_args()
    print(f"seed {given.seed}: repeat with --seed {given.seed}")

    control = Connection(("127.0.0.1", given.port), timeout_s=60.0)
    control.call("FLUSHALL")
    for i in range(ACCOUNTS):
        control.call("SET", f"account:{i}", START_BALANCE)
    end = time.monotonic() + given.minutes * 60
    passed = failed = expected = 0
    settled_bytes = None
    while time.monotonic() < end:
        deadline = min(time.monotonic() + ROUND_S, end)
        workers = [Worker(given.port, given.seed + passed * CONNECTIONS + i, deadline) for i in range(CONNECTIONS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        problems = [problem for worker in workers for problem in worker.problems]
        expected += sum(worker.increments for worker in workers)
        held = sum(int(value or 0) for value in control.call("MGET", *[f"counter:{i}" for i in range(COUNTERS)]))
        if held != expected:
            problems.append(f"the counters hold {held} after {expected} increments")
        memory = used_memory(control)
        settled_bytes = settled_bytes or memory  # after the first round
        if memory > settled_bytes + GROWTH_MAX_BYTES:
            problems.append(f"used_memory grew from {settled_bytes} to {memory}")
        print(f"{expected} increments, used_memory {memory}", *problems, sep="\n  ", flush=True)
        passed, failed = (passed, failed + 1) if problems else (passed + 1, failed)
        if problems:
            break
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
