"""A lock among processes, held for a limited time and renewed while its holder works.

    python3 lock.py --url redis://127.0.0.1:6379

The lock is a key that holds a token only its owner knows. It expires, so that the end of a process frees it. Whoever
releases or renews it must still own it, which one script checks and does in one step: between a GET and a DEL of two
commands the lock could expire and become another's.

A lock that expires is a promise about time: a holder that stalls for longer than `ttl_ms` loses it, and learns that
from `lost` only afterwards. Where two holders at once would do damage, what they write to has to refuse the late one.
"""

import argparse
import secrets
import threading
import time

import redis

RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""


class LockTimeout(Exception):
    """The lock was not free within the time one was ready to wait."""


class Lock:
    """
    with Lock(client, 'report', ttl_ms=10_000) as lock:
        ...            # renewed in the background
        if lock.lost.is_set(): ...
    """

    def __init__(self, client, name, ttl_ms=10_000, wait_s=10.0):
        self._client = client
        self._key = f'lock:{name}'
        self._ttl_ms = ttl_ms
        self._wait_s = wait_s
        self._token = None
        self._release = client.register_script(RELEASE)
        self._renew = client.register_script(RENEW)
        self._done = threading.Event()
        self._renewal = None
        self.lost = threading.Event()

    def try_acquire(self):
        token = secrets.token_hex(16)
        if not self._client.set(self._key, token, nx=True, px=self._ttl_ms):
            return False
        self._token = token
        return True

    def acquire(self):
        deadline = time.monotonic() + self._wait_s
        while not self.try_acquire():
            if time.monotonic() > deadline:
                raise LockTimeout(self._key)
            time.sleep(0.01 + secrets.randbelow(20) / 1000)  # not all waiters at the same moments

    def renew(self):
        """False when the lock is not ours any more."""
        return self._renew(keys=[self._key], args=[self._token, self._ttl_ms]) == 1

    def release(self):
        """False when the lock was not ours any more: it expired, and another may hold it now."""
        return self._release(keys=[self._key], args=[self._token]) == 1

    def _keep_renewing(self):
        while not self._done.wait(self._ttl_ms / 3000):
            try:
                if not self.renew():
                    self.lost.set()
                    return
            except redis.ConnectionError:
                pass  # there are two more attempts until it expires

    def __enter__(self):
        self.acquire()
        self._done.clear()
        self.lost.clear()
        self._renewal = threading.Thread(target=self._keep_renewing, daemon=True)
        self._renewal.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._renewal.join()
        self.release()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--url', default='redis://127.0.0.1:6379')
    client = redis.Redis.from_url(parser.parse_args().url)

    account = {'balance': 0}  # changed in two steps, so that two at once would lose changes

    def deposit():
        for _ in range(20):
            with Lock(client, 'account', ttl_ms=2000):
                balance = account['balance']
                time.sleep(0.001)
                account['balance'] = balance + 1

    workers = [threading.Thread(target=deposit) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print('3 workers, 20 deposits each, balance:', account['balance'])


if __name__ == '__main__':
    main()
