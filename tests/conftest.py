"""Fixtures for every pytest suite. KVICK_SERVER names the program under test; the release build is the default."""

import os
import pathlib
import sys

import pytest

TESTS = pathlib.Path(__file__).parent
sys.path.insert(0, str(TESTS))
sys.path.insert(0, str(TESTS / "structure"))

from support.server_process import ServerProcess  # noqa: E402


@pytest.fixture(scope="session")
def server_binary():
    return pathlib.Path(os.environ.get("KVICK_SERVER", TESTS.parent / "build/release/kvick-server"))


@pytest.fixture
def server(server_binary):
    """A server of the test's own."""
    with ServerProcess([server_binary, "--save", ""]) as process:
        yield process


@pytest.fixture(scope="session")
def shared_server(server_binary):
    """One for all tests that only ask questions."""
    with ServerProcess([server_binary, "--save", ""]) as process:
        yield process
