"""What the scenarios in Python share: see node/scenario.mjs."""

import contextlib
import os
import time
import urllib.parse

URL = os.environ['SERVER_URL']
PORT = urllib.parse.urlparse(URL).port


@contextlib.contextmanager
def check(what):
    yield
    print('ok', what, flush=True)


def done():
    print('done', flush=True)


def until(condition, what, timeout_s=20.0):
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f'not in time: {what}'
        time.sleep(0.02)
    return found
