"""A server of many workers as a simulation of discrete events: what they do, and what they wait for.

A worker takes a batch of commands: it reads and parses them and sends the replies (`outside_us` for each), and in between
runs them one by one. A command holds the locks of its stripes for `hold_us`, with the append-only file on the log's
mutex within that; PUBLISH holds the lock of its channel. Who finds a lock taken spins, then sleeps, as SpinLock does:
locks are not handed over, whoever comes first gets them. Now and then somebody wants to be alone: nobody begins a command
before all have ended theirs and it is done.
"""

import collections
import dataclasses
import heapq
import itertools
import random

STRIPES = 1024
BATCH = 16
LOG = "log"
CHANNEL = "channel"
# Assumed, for a machine of 2020 or later; not measured here.
TRANSFER_US = 0.10  # a lock and the lines that it protects come from another core
SPIN_US = 5.0  # 200 pauses
SLEEP_US = 8.0  # from being woken to trying again
WAKE_US = 1.5  # of waking somebody, in the one who unlocks
MAILBOX_US = 0.10  # a message into another worker's mailbox, its lock and its line


@dataclasses.dataclass(frozen=True)
class Work:
    """What one command takes, in microseconds of a processor."""

    outside_us: float
    hold_us: float
    keys: int = 1
    is_hot: bool = False  # always the same key
    log_us: float = 0.0
    is_message: bool = False  # PUBLISH, to a subscriber of each worker
    deliver_us: float = 0.0
    alone_per_second: float = 0.0
    alone_us: float = 0.0


def stripe_weights(exponent, seed=1, keys=100_000):
    """Cumulative shares of the stripes when keys are drawn by Zipf's law; exponent 0: all alike."""
    draw = random.Random(seed)
    shares = [0.0] * STRIPES
    for rank in range(1, keys + 1):
        shares[draw.randrange(STRIPES)] += rank**-exponent
    return list(itertools.accumulate(shares))


@dataclasses.dataclass
class Lock:
    is_held: bool = False
    sleepers: collections.deque = dataclasses.field(default_factory=collections.deque)
    spinners: collections.deque = dataclasses.field(default_factory=collections.deque)
    last: int = -1  # worker that held it
    waited_us: float = 0.0


class Simulation:
    """`run` gives commands a second, processor microseconds for each, and the lock that was waited for longest."""

    def __init__(self, work, workers, weights, *, commands, seed=1):
        self.work = work
        self.workers = workers
        self.random = random.Random(seed)
        self.weights = weights
        self.commands = commands
        self.locks = collections.defaultdict(Lock)
        self.now = 0.0
        self.cpu = 0.0
        self.done = 0
        self.events = []
        self.order = itertools.count()
        self.debt = [0.0] * workers  # messages that a worker has to deliver
        self.closed_until = 0.0
        self.next_close = 1e6 / work.alone_per_second if work.alone_per_second else float("inf")

    def at(self, time, step):
        heapq.heappush(self.events, (time, next(self.order), step))

    def run(self):
        for worker in range(self.workers):
            # They begin at different places of their first batch.
            process = self.worker(worker, self.random.uniform(0, BATCH * (self.work.outside_us + self.work.hold_us)))
            self.advance(process, worker)
        while self.events and self.done < self.commands:
            self.now, _, step = heapq.heappop(self.events)
            step()
        waits = {name: lock.waited_us for name, lock in self.locks.items() if lock.waited_us > 0}
        worst = max(waits, key=waits.get) if waits else None
        share = waits[worst] / (self.now * self.workers) if waits else 0.0
        return self.done / self.now * 1e6, self.cpu / self.done, worst, share

    def advance(self, process, worker):
        """Runs a worker up to its next wait: a duration, or a lock."""
        for wanted in process:
            if isinstance(wanted, float):
                self.at(self.now + wanted, lambda: self.advance(process, worker))
                return
            lock = self.locks[wanted]
            if not self.take(lock, worker):
                lock.spinners.append((self.now, process, worker))
                waiter = lock.spinners[-1]
                self.at(self.now + SPIN_US, lambda: self.fall_asleep(lock, waiter))
                return

    def take(self, lock, worker):
        if lock.is_held:
            return False
        lock.is_held = True
        return True

    def fall_asleep(self, lock, waiter):
        if waiter in lock.spinners:
            lock.spinners.remove(waiter)
            lock.sleepers.append(waiter)
            self.cpu += SPIN_US

    def unlock(self, name, worker):
        lock = self.locks[name]
        lock.is_held = False
        lock.last = worker
        if lock.spinners:  # the next one has it at once
            began, process, other = lock.spinners.popleft()
            self.grant(lock, began, process, other)
            self.cpu += self.now - began
        if not lock.sleepers:
            return 0.0
        sleeper = lock.sleepers.popleft()
        self.at(self.now + SLEEP_US, lambda: self.wake(lock, sleeper))
        return WAKE_US

    def wake(self, lock, sleeper):
        began, process, worker = sleeper
        if lock.is_held:
            lock.sleepers.appendleft(sleeper)
        else:
            self.grant(lock, began, process, worker)

    def grant(self, lock, began, process, worker):
        lock.is_held = True
        lock.waited_us += self.now - began
        self.at(self.now, lambda: self.advance(process, worker))

    def places(self):
        if self.work.is_message:
            return [CHANNEL]
        if self.work.is_hot:
            return [0]
        return sorted(set(self.random.choices(range(STRIPES), cum_weights=self.weights, k=self.work.keys)))

    def spend(self, duration):
        self.cpu += duration
        return duration

    def worker(self, me, begin):
        """Yields durations and names of locks to be taken."""
        work = self.work
        yield begin
        while True:
            yield self.spend(BATCH * work.outside_us + self.debt[me])
            self.debt[me] = 0.0
            for _ in range(BATCH):
                if self.now >= self.next_close:  # the gate closes; all are between two commands soon
                    self.closed_until = self.now + work.hold_us + work.alone_us
                    self.next_close = self.now + 1e6 / work.alone_per_second
                if self.now < self.closed_until:
                    yield self.closed_until - self.now + SLEEP_US
                names = self.places() if self.workers > 1 else []
                moved = 0.0
                for name in names:
                    yield name
                    moved += TRANSFER_US * (self.locks[name].last not in (me, -1))
                hold = work.hold_us + moved
                if work.is_message:
                    hold += MAILBOX_US * (self.workers - 1)
                    for other in range(self.workers):
                        self.debt[other] += work.deliver_us
                yield self.spend(hold)
                if work.log_us and self.workers > 1:
                    yield LOG
                    moved = TRANSFER_US * (self.locks[LOG].last != me)
                    yield self.spend(work.log_us + moved)
                    waking = self.unlock(LOG, me)
                    if waking:
                        yield self.spend(waking)
                elif work.log_us:
                    yield self.spend(work.log_us)
                waking = sum(self.unlock(name, me) for name in names)
                if waking:
                    yield self.spend(waking)
                self.done += 1
