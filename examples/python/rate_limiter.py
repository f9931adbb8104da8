"""Two rate limiters: a fixed window, which costs one counter, and a sliding window, which is exact.

    python3 rate_limiter.py --url redis://127.0.0.1:6379

A fixed window lets through up to twice its limit around the moment where one window follows another. The sliding
window remembers each request that it let through, so that no stretch of time ever holds more than the limit.
"""

import argparse
import time
from typing import NamedTuple

import redis


class Decision(NamedTuple):
    allowed: bool
    remaining: int
    retry_after_ms: int


class FixedWindow:
    """`limit` requests in each window, which begins with the first request after the last one ended."""

    def __init__(self, client, limit, window_ms):
        self._client = client
        self._limit = limit
        self._window_ms = window_ms

    def hit(self, who):
        key = f'rate:fixed:{who}'
        with self._client.pipeline(transaction=True) as transaction:
            transaction.incr(key)
            transaction.pexpire(key, self._window_ms, nx=True)  # only the first request sets the end
            transaction.pttl(key)
            count, _, left_ms = transaction.execute()
        allowed = count <= self._limit
        return Decision(allowed, max(0, self._limit - count), 0 if allowed else left_ms)


class SlidingWindow:
    """At most `limit` requests in any `window_ms` milliseconds."""

    # A script, because looking and adding must be one step. The time is the server's: clients' clocks differ.
    _HIT = """
    local key, limit, window_us = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000
    local time = redis.call('TIME')
    local now_us = time[1] * 1000000 + time[2]
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now_us - window_us)
    local count = redis.call('ZCARD', key)
    if count >= limit then
      local oldest_us = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
      return {0, 0, math.ceil((oldest_us + window_us - now_us) / 1000)}
    end
    -- Two requests of one microsecond need two names.
    local name = string.format('%.0f', now_us)
    while redis.call('ZADD', key, 'NX', now_us, name) == 0 do name = name .. '+' end
    redis.call('PEXPIRE', key, ARGV[2])
    return {1, limit - count - 1, 0}
    """

    def __init__(self, client, limit, window_ms):
        self._limit = limit
        self._window_ms = window_ms
        self._hit = client.register_script(self._HIT)

    def hit(self, who):
        allowed, remaining, retry_after_ms = self._hit(keys=[f'rate:sliding:{who}'], args=[self._limit, self._window_ms])
        return Decision(bool(allowed), remaining, retry_after_ms)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--url', default='redis://127.0.0.1:6379')
    client = redis.Redis.from_url(parser.parse_args().url)

    for limiter in (FixedWindow(client, limit=3, window_ms=1000), SlidingWindow(client, limit=3, window_ms=1000)):
        print(type(limiter).__name__)
        for _ in range(5):
            decision = limiter.hit('ada')
            print(f'  yes, {decision.remaining} left' if decision.allowed else f'  no, wait {decision.retry_after_ms} ms')
        time.sleep(decision.retry_after_ms / 1000 + 0.01)
        print('  after the wait:', 'yes' if limiter.hit('ada').allowed else 'no')


if __name__ == '__main__':
    main()
