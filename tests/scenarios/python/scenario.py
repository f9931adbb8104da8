"""What the scenarios in Python share: see node/scenario.mjs."""

import contextlib
import os
import pathlib
import sys
import urllib.parse

# Behind all others: the libraries have modules of these names too.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / 'support'))

from waiting import PATIENCE_S, wait_until  # noqa: E402, F401  (the path comes first; scenarios take them from here)

URL = os.environ['SERVER_URL']
PORT = urllib.parse.urlparse(URL).port


@contextlib.contextmanager
def check(what):
    yield
    print('ok', what, flush=True)


def done():
    print('done', flush=True)
