"""./dev itself: a suite that dies, hangs or prints nothing must not count as passed."""

import sys

import pytest

from sources import ROOT

sys.path.insert(0, str(ROOT / "tools/dev"))
import counting  # noqa: E402
import runner  # noqa: E402
from suites import PYTEST, SUITES, Step, repeat_googletest, repeat_pytest  # noqa: E402

GOOGLETEST = """\
[ RUN      ] A.Works
[       OK ] A.Works (0 ms)
[ RUN      ] A.Fails
a_test.cc:7: Failure
[  FAILED  ] A.Fails (0 ms)
[  PASSED  ] 1 test.
[  FAILED  ] 1 test, listed below:
[  FAILED  ] A.Fails
"""


def outcome_of(script, count=counting.last_line, timeout_s=20):
    outcome = runner.run_step("front-door", Step("step", ["sh", "-c", script], count, timeout_s=timeout_s))
    return outcome.passed, outcome.failed


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo 3 passed, 0 failed", (3, 0)),
        ("echo 3 passed, 1 failed; exit 1", (3, 1)),
        ("echo 3 passed, 0 failed; exit 1", (3, 1)),
        ("echo 3 passed, 0 failed; kill -SEGV $$", (3, 1)),
        ("echo 0 passed, 0 failed", (0, 1)),
        ("echo 3 passed, 0 failed; echo more", (0, 1)),
        ("exit 0", (0, 1)),
    ],
)
def test_silence_and_bad_ends_are_failures(script, expected):
    assert outcome_of(script) == expected


def test_a_step_that_hangs_is_stopped():
    assert outcome_of("echo 3 passed, 0 failed; sleep 60", timeout_s=1) == (3, 1)


ONCE = """if [ -e {mark} ]; then echo '1 passed in 0.01s'; exit 0; fi
touch {mark}; printf 'FAILED x.py::test_a[4 threads] - no\n1 failed, 3 passed in 0.10s\n'; exit 1
"""


def repeated(script, tmp_path, monkeypatch, tries="2"):
    monkeypatch.setenv("KVICK_TEST_TRIES", tries)
    command = ["sh", "-c", script.format(mark=tmp_path / "mark"), *PYTEST[-1:]]
    step = Step("step", command, counting.pytest, repeat=repeat_pytest)
    return runner.repeat_failed("front-door", step, runner.run_step("front-door", step))


def test_a_test_that_fails_once_is_run_again_and_named(tmp_path, monkeypatch):
    outcome = repeated(ONCE, tmp_path, monkeypatch)
    assert (outcome.passed, outcome.failed, outcome.unsteady) == (4, 0, ("x.py::test_a[4 threads]",))


@pytest.mark.parametrize(
    ("script", "tries", "expected"),
    [
        (ONCE, "1", (3, 1)),
        ("printf 'FAILED x.py::test_a - no\n1 failed, 3 passed in 0.10s\n'; exit 1", "2", (3, 1)),
        ("for i in 1 2 3 4; do echo FAILED x.py::test_$i; done; echo 4 failed in 0.10s; exit 1", "2", (0, 4)),
        ("echo 4 passed in 0.10s; kill -SEGV $$", "2", (4, 1)),
    ],
)
def test_what_fails_again_or_is_no_failed_test_has_failed(script, tries, expected, tmp_path, monkeypatch):
    outcome = repeated(script, tmp_path, monkeypatch, tries)
    assert (outcome.passed, outcome.failed, outcome.unsteady) == (*expected, ())


def test_the_failed_tests_are_run_again_by_name():
    failed = ["tests/x.py::test_a[4 threads]", "tests/x.py::test_b"]
    text = "FAILED tests/x.py::test_a[4 threads] - assert 1 == 2\nERROR tests/x.py::test_b\n2 failed in 0.10s"
    assert repeat_pytest([*PYTEST, "tests", "-k", "a"], text) == (failed, [*PYTEST, *failed])
    command = ["program", "--gtest_color=no", "--gtest_repeat=5", "--gtest_filter=*"]
    assert repeat_googletest(command, GOOGLETEST) == (["A.Fails"], ["program", "--gtest_color=no", "--gtest_filter=A.Fails"])


def test_googletest_counts_names():
    assert counting.googletest(GOOGLETEST) == (1, 1)
    assert counting.googletest(GOOGLETEST * 3) == (1, 1)
    assert counting.googletest(GOOGLETEST.split("[  PASSED")[0]) is None


def test_a_failed_googletest_is_quoted():
    quote = "[ RUN      ] A.Fails\na_test.cc:7: Failure\n[  FAILED  ] A.Fails (0 ms)"
    assert counting.googletest_failures(GOOGLETEST + GOOGLETEST.split("[ RUN      ] A.F")[0]) == [quote]


def test_pytest_counts_errors_as_failures():
    assert counting.pytest("....\n3 failed, 4 passed, 1 skipped, 2 errors in 0.30s") == (4, 5)
    assert counting.pytest("no tests ran in 0.01s") == (0, 0)
    assert counting.pytest("Traceback") is None


def test_what_pytest_skipped_is_named():
    text = "SKIPPED [2] tests/x/test_x.py:36: not installed: php-redis\n4 passed, 2 skipped in 0.30s"
    assert counting.pytest_skipped(text) == ["not installed: php-redis (2)"]
    assert counting.pytest_skipped("4 passed in 0.30s") == []


def test_names_choose_suites():
    def names(*words):
        suites, left = runner.chosen_suites(words)
        return [suite.name for suite in suites], left

    assert names() == ([suite.name for suite in SUITES], [])
    assert names("unit") == (["unit"], [])
    assert names("tsan", "hash") == (["unit-tsan", "stress-tsan", "conversations-tsan"], ["hash"])
    assert names("hash") == ([suite.name for suite in SUITES if suite.takes_words], ["hash"])
