"""Runs the suites of suites.py, prints a section for each, and at the end one line `N passed, N failed`."""

import concurrent.futures
import dataclasses
import os
import signal
import subprocess
import sys
import time

import build
import counting
from shell import BUILD, CORES, ROOT, fail, say
from suites import SUITES, sanitizer_prefix, set_environment

sys.path.insert(0, str(ROOT / "tests/support"))
from prefixed_server import PrefixedServer  # noqa: E402
from server_process import StartError, StopError  # noqa: E402

LOGS = BUILD / "test-logs"
TAIL_LINES = 40
FAILURES_SHOWN = 5
# So many failed tests of a step are run once more, alone; more than that are no accident. KVICK_TEST_TRIES=1: none.
REPEATED_MAX = 3


@dataclasses.dataclass
class Outcome:
    """What a step or a suite came to. `reason` says what went wrong besides failed tests."""

    passed: int = 0
    failed: int = 0
    reason: str = ""
    seconds: float = 0.0
    skipped: tuple = ()  # what was not run, and why
    unsteady: tuple = ()  # tests that failed once and then passed

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.unsteady += other.unsteady

    def with_failure(self):
        self.failed += 1
        return self


def chosen_suites(names):
    """The suites that the names select, and the words left over, which select inside them.

    A name that is a suite's, or a part of one between dashes, selects it: `unit`, `tsan`, `conversations`. With
    none, the suites that take words are searched.
    """
    words = [name for name in names if not any(_names_suite(name, suite) for suite in SUITES)]
    named = [suite for suite in SUITES if any(_names_suite(name, suite) for name in names)]
    if named:
        # An exact name means that suite alone: `unit` is not `unit-tsan`.
        exact = [suite for suite in named if suite.name in names]
        parts = [name for name in names if name not in {suite.name for suite in SUITES} and name not in words]
        return [s for s in named if s in exact or any(_names_suite(part, s) for part in parts)], words
    return [suite for suite in SUITES if not words or suite.takes_words], words


def _names_suite(name, suite):
    return name == suite.name or name in suite.name.split("-")


class Builder:
    """Builds each (preset, targets) once and remembers what failed, so that other suites still run."""

    def __init__(self):
        self._results = {}

    def failure(self, needs):
        for preset, targets in needs:
            if (preset, targets) not in self._results:
                started = time.monotonic()
                try:
                    build.try_build(preset, targets)
                    self._results[preset, targets] = ""
                except build.BuildFailed as failure:
                    self._results[preset, targets] = str(failure)[-6000:] or "see above"
                say(f"  built {preset} in {time.monotonic() - started:.0f} s")
            if self._results[preset, targets]:
                return f"the build of preset {preset} failed:\n{self._results[preset, targets]}"
        return ""


def run_tests(names):
    set_environment()
    suites, words = chosen_suites(names)
    builder = Builder()
    outcomes = {}
    for suite in suites:
        say(f"\n== {suite.name} ".ljust(80, "="))
        started = time.monotonic()
        outcome = _run_suite(suite, words, builder)
        if outcome is None:
            say("  nothing matches")
            continue
        outcome.seconds = time.monotonic() - started
        outcomes[suite.name] = outcome
    if not outcomes:
        fail(f"no test matches {' '.join(names)}")

    say("\n== all ".ljust(80, "="))
    total = Outcome()
    for name, outcome in outcomes.items():
        say(f"  {name:<24}{outcome.passed:>8} passed {outcome.failed:>6} failed {outcome.seconds:>8.0f} s")
        total.add(outcome)
    if total.unsteady:
        say("\nUnsteady: failed, and passed when run again alone. Each is a mistake of the test or of the server:")
        for name in total.unsteady:
            say(f"  {name}")
        say("")
    say(f"{total.passed} passed, {total.failed} failed")
    raise SystemExit(0 if total.failed == 0 else 1)


def _run_suite(suite, words, builder):
    """None when words were given and nothing of the suite matches them."""
    reason = builder.failure(suite.builds)
    steps = []
    if not reason:
        try:
            steps = suite.make_steps(words)
        except (OSError, subprocess.CalledProcessError) as error:
            reason = f"the suite could not be prepared: {error}"
        if not reason and not steps:
            if words:
                return None
            reason = "there is nothing to run, which counts as a failure: a suite must not vanish unseen"
    if reason:
        _print_indented(reason)
        return Outcome(failed=1, reason=reason)

    total = Outcome()
    with concurrent.futures.ThreadPoolExecutor(CORES if suite.parallel else 1) as pool:
        running = [(step, pool.submit(run_step, suite.name, step)) for step in steps]
        for step, future in running:
            outcome = future.result()
            if outcome.failed:
                concurrent.futures.wait([other for _, other in running])  # alone
                outcome = repeat_failed(suite.name, step, outcome)
            total.add(outcome)
            say(f"  {step.title:<32}{outcome.passed:>8} passed {outcome.failed:>6} failed {outcome.seconds:>8.1f} s")
            for line in outcome.skipped:
                say(f"    not run: {line}")
            for name in outcome.unsteady:
                say(f"    unsteady: {name}")
            if outcome.reason:
                _print_indented(outcome.reason)
    return total


def repeat_failed(suite_name, step, outcome):
    """What a step came to once the few tests in it that failed were run again.

    Only tests that say themselves that they failed: a program that crashed, hung or ended with a sanitizer's report has
    failed for good. The first run's log is kept beside the second one's.
    """
    log = _log_of(suite_name, step)
    failed, command = step.repeat(step.command, log.read_text(errors="replace")) if log.exists() else ([], [])
    if os.environ.get("KVICK_TEST_TRIES") == "1" or len(failed) != outcome.failed or len(failed) > REPEATED_MAX:
        return outcome
    again = run_step(suite_name, dataclasses.replace(step, title=f"{step.title} again", command=command))
    if again.failed or again.passed != len(failed):
        return outcome
    return dataclasses.replace(outcome, passed=outcome.passed + len(failed), failed=0, unsteady=tuple(failed))


def run_step(suite_name, step):
    started = time.monotonic()
    log = _log_of(suite_name, step)
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        outcome = _with_server(step, log) if step.server else _without_server(step, log, port=0)
    except (OSError, StartError, StopError) as error:
        outcome = Outcome(failed=1, reason=str(error))
    outcome.seconds = time.monotonic() - started
    return outcome


def _log_of(suite_name, step):
    return LOGS / suite_name / (step.title.replace(" ", "_").replace(",", "") + ".log")


def _with_server(step, log):
    preset = step.server.preset
    with PrefixedServer(sanitizer_prefix(preset), build.program(preset, "kvick-server"), options=step.server.options) as server:
        server.start()
        outcome = _without_server(step, log, server.port)
        died = not server.is_running()
        status = server.stop()
        log.with_suffix(".server.log").write_text(server.log())
        if died or status != 0:
            outcome.failed += 1
            what = "ended during the test" if died else "did not shut down cleanly"
            outcome.reason += f"the server {what} (status {status}); its log ends:\n{_tail(server.log())}"
    return outcome


def _without_server(step, log, port):
    command = [str(word).replace("{port}", str(port)) for word in step.command]
    with open(log, "w") as sink:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
                                   start_new_session=True)  # fmt: skip
        try:
            status = process.wait(step.timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            status = "none"
    text = log.read_text(errors="replace")
    count = step.count(text)
    failures = "".join(f"{_tail(failure)}\n" for failure in counting.googletest_failures(text)[:FAILURES_SHOWN])
    where = f"log: {log.relative_to(ROOT)}\n{failures}it ends:\n{_tail(text)}"
    if status == "none":
        return Outcome(*(count or (0, 0)), reason=f"stopped after {step.timeout_s} s; {where}").with_failure()
    if count is None or count == (0, 0):
        return Outcome(reason=f"printed no count (status {status}); {where}").with_failure()
    outcome = Outcome(*count, skipped=tuple(step.skipped(text)))
    if outcome.failed == 0 and status != 0:
        outcome.reason = f"ended with status {status}; {where}"
        return outcome.with_failure()
    if outcome.failed:
        outcome.reason = where
    return outcome


def _tail(text):
    return "\n".join(text.splitlines()[-TAIL_LINES:])


def _print_indented(text):
    for line in text.splitlines():
        say(f"    | {line}")
