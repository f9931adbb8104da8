"""The bugs that ./dev plant plants: each has a place in the sources as they are."""

import sys

import pytest

from sources import ROOT

sys.path.insert(0, str(ROOT / "tests/planted"))
from bugs import BUGS  # noqa: E402


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_has_one_place(bug):
    assert (ROOT / bug.file).read_text().count(bug.find) == 1
