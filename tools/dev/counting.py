"""How each kind of suite says how many tests passed and failed.

A counter reads what a program printed and returns (passed, failed), or None when the output has no count. The
runner treats None, a bad exit status without a failure, and a sum of zero as failures: silence is no success.
"""

import re


def googletest(text):
    """Counts by name, so that --gtest_repeat counts a test once and one bad run of several is a failure."""
    if "[  PASSED  ]" not in text:
        return None  # the program ended before its summary
    failed = set(re.findall(r"^\[  FAILED  \] ([\w/]+\.[\w/]+)", text, re.MULTILINE))
    passed = set(re.findall(r"^\[       OK \] ([\w/]+\.[\w/]+)", text, re.MULTILINE)) - failed
    return len(passed), len(failed)


def googletest_failed(text):
    """The names of the failed tests; none when the program did not come to its summary."""
    return sorted(set(re.findall(r"^\[  FAILED  \] ([\w/]+\.[\w/]+)", text, re.MULTILINE))) if "[  PASSED  ]" in text else []


def googletest_failures(text):
    """What each failed test printed, from the line that begins it: a log of many tests ends far behind it."""
    block = re.compile(
        r"^\[ RUN      \] (?P<name>\S+)\n(?:(?!\[ RUN ).*\n)*?\[  FAILED  \] (?P=name)\b.*$", re.MULTILINE
    )
    return [found[0] for found in block.finditer(text)]


def last_line(text):
    """`N passed, N failed` as the last line: kvick-kvt, the differential runner, our own scripts."""
    lines = text.rstrip().splitlines()
    match = re.fullmatch(r"(\d+) passed, (\d+) failed", lines[-1].strip()) if lines else None
    return (int(match[1]), int(match[2])) if match else None


def pytest(text):
    """The last line of pytest, in which each part is left out when it is zero. Errors are failures."""
    lines = text.rstrip().splitlines()
    if not lines or not re.search(r" in [\d.]+s", lines[-1]):
        return None
    parts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", lines[-1])}
    return parts.get("passed", 0), parts.get("failed", 0) + parts.get("error", 0)


def pytest_failed(text):
    """The failed tests that `-rfE` lists, as they are named to run them."""
    return re.findall(r"^(?:FAILED|ERROR) (\S+::.+?)(?: - .*)?$", text, re.MULTILINE)


def pytest_skipped(text):
    """The reasons that `-rs` lists, without the places."""
    return [f"{reason} ({count})" for count, reason in re.findall(r"^SKIPPED \[(\d+)\] \S+: (.+)$", text, re.MULTILINE)]


def nothing_skipped(text):
    del text
    return []


def nothing_to_repeat(command, text):
    del command, text
    return [], []


def one_run(text):
    """A fuzz target is one test: libFuzzer says `DONE` when its time is over without a finding."""
    return (1, 0) if re.search(r"^(#\d+\s+DONE|Done \d+ runs)", text, re.MULTILINE) else (0, 1)
