"""Plants the bugs of tests/planted/bugs.py one at a time, in a working tree of its own, and runs the suites that should
catch each. Notes in the table of docs/testing.md which one did."""

import os
import subprocess
import sys
import time

from shell import BUILD, ROOT, fail, run, say

sys.path[:0] = [str(ROOT / "tests/planted"), str(ROOT / "tests/support")]
import bugs  # noqa: E402
import markdown  # noqa: E402

TREE = BUILD / "planted"
TESTING = ROOT / "docs/testing.md"
MARKER = "planted"
TEST_TIMEOUT_S = 120


def plant(names):
    chosen = [bug for bug in bugs.BUGS if not names or any(name in bug.name for name in names)]
    if not chosen:
        fail(f"no planted bug is called {' '.join(names)}")
    _make_tree()
    missed = []
    for bug in chosen:
        begin = time.monotonic()
        caught_by = _caught_by(bug)
        say(f"  {bug.name:70} {caught_by or 'NOT CAUGHT'} ({time.monotonic() - begin:.0f} s)")
        _note(bug, caught_by or "nothing")
        if caught_by is None:
            missed.append(bug)
    say(f"\n{len(chosen) - len(missed)} passed, {len(missed)} failed")
    return 1 if missed else 0


def _note(bug, caught_by):
    """Its row in docs/testing.md; the other bugs keep theirs as long as they exist."""
    known = {row[0]: row for row in markdown.rows(markdown.between(TESTING, MARKER) or "")}
    known[bug.name] = [bug.name, f"`{bug.file}`", caught_by]
    rows = [known[one.name] for one in bugs.BUGS if one.name in known]
    markdown.replace_between(TESTING, MARKER, markdown.table(["bug", "planted in", "caught by"], rows))


def _make_tree():
    """What is committed, without a bug; what was built there before is kept."""
    if not TREE.exists():
        run(["git", "-C", ROOT, "worktree", "prune"])
        run(["git", "-C", ROOT, "worktree", "add", "--detach", "--quiet", TREE, "HEAD"])
    head = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    run(["git", "-C", TREE, "checkout", "--quiet", "--force", "--detach", head])


def _caught_by(bug):
    """The first suite that fails with the bug, or that it does not compile; None when none does."""
    path = TREE / bug.file
    original = path.read_text()
    if original.count(bug.find) != 1:
        fail(f"{bug.name}: its place stands {original.count(bug.find)} times in {bug.file}")
    path.write_text(original.replace(bug.find, bug.put))
    try:
        return next((suite for suite in bug.suites if not _passes(suite)), None)
    finally:
        path.write_text(original)


def _passes(suite):
    kind, *words = suite.split()
    if kind != "unit":
        return _run([TREE / "dev", "test", *suite.split()])
    test, filters = words[0], words[1:]
    if _status(["cmake", "--preset", "dev"]) != 0 or _status(["cmake", "--build", "build/dev", "--target", test]) != 0:
        fail(f"{suite} does not build")
    return _run([TREE / "build/dev" / test, "--gtest_brief=1", *(f"--gtest_filter={text}" for text in filters)])


def _status(command):
    return subprocess.run(command, cwd=TREE, check=False, capture_output=True).returncode


def _run(command):
    try:
        done = subprocess.run(
            [str(word) for word in command], cwd=TREE, check=False, capture_output=True, timeout=TEST_TIMEOUT_S,
            env={**os.environ, "KVICK_TEST_TRIES": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False  # it hangs: that is noticed, too
    return done.returncode == 0
