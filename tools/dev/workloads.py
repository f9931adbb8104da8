"""What runs for longer than a test: benchmarks, fuzzing, soaking."""

import build
import counting
from runner import run_step
from shell import CORES, ROOT, fail, run, say
from suites import (
    PYTEST,
    PYTHON,
    Server,
    Step,
    fuzz_command,
    fuzz_programs,
    gtest_filter,
    install_node_packages,
    sanitizer_prefix,
    set_environment,
)

SCENARIO_JOBS = 20_000
BENCHMARKS = ("compare", "memory", "connections", "saving", "latency", "scripts", "pubsub", "tls", "eviction", "expiry", "returned", "instructions", "scaling", "plots", "micro")


def bench(name, arguments):
    if name == "micro":
        build.build("release", ["micro_benchmarks"])
        programs = sorted(build.folder("release").glob("*_bench"))
        words = [word for word in arguments if not word.startswith("-")]
        options = [word for word in arguments if word.startswith("-")]
        for program in programs:
            if not words or any(word in program.name for word in words):
                say(f"\n== {program.name}")
                run([program, *options])
        return
    build.build("release", ["kvick-server", "kvick-benchmark", "command_loop", "trace_replay"])
    run([PYTHON, ROOT / "bench" / name, *arguments])


def gate():
    """What got slower: instructions counted now, and ratios as they were last recorded."""
    bench("instructions", ["--gate"])
    run([PYTHON, ROOT / "bench/plots", "--gate"])


def fuzz(targets, seconds):
    """Each target in turn, on all cores; ends with the first crash, whose input libFuzzer names."""
    build.build("asan", ["fuzz_targets"])
    programs = fuzz_programs(targets)
    if not programs:
        fail(f"no fuzz target matches {' '.join(targets)}")
    for program in programs:
        say(f"\n== {program.name} for {seconds} s")
        run(fuzz_command(program, seconds, jobs=CORES))


def soak(names, minutes, preset, commands):
    """The programs of tests/stress, each with a server of its own, and the tests of stress_test, each for some
    minutes; then each family of tests/compat for a number of commands, and the scenarios that count jobs."""
    build.build(preset, ["kvick-server", "stress_test"])
    set_environment()
    steps = [(step, f"{minutes:g} minutes") for step in _soak_scripts(names, minutes, preset)]
    steps += [(step, f"{minutes:g} minutes") for step in _soak_tests(names, minutes, preset)]
    steps += [(step, f"{commands:,} commands in each protocol") for step in _soak_compat(names, commands, preset)]
    steps += [(step, f"{SCENARIO_JOBS:,} jobs") for step in _soak_scenarios(names, preset)]
    if not steps:
        fail(f"nothing in tests/stress, tests/compat or tests/scenarios matches {' '.join(names)}")
    failed = 0
    for step, amount in steps:
        say(f"\n== {step.title} for {amount} ({preset})")
        outcome = run_step("soak", step)
        say(outcome.reason or "  as it should be")
        failed += outcome.failed
    if failed:
        fail(f"{failed} failed")


def _soak_scripts(names, minutes, preset):
    for script in sorted((ROOT / "tests/stress").glob("*.py")):
        if not names or any(name in script.stem for name in names):
            command = [PYTHON, script, "--port", "{port}", "--minutes", str(minutes)]
            yield Step(script.stem, command, counting.last_line, Server(preset, {}), int(minutes * 60 + 300))


def _soak_tests(names, minutes, preset):
    program = build.program(preset, "stress_test")
    prefix = [*sanitizer_prefix(preset), "env", f"KVICK_TEST_MS={int(minutes * 60_000)}"]
    for test in filter(None, gtest_filter(program, names).split(":")):
        command = [*prefix, program, "--gtest_color=no", f"--gtest_filter={test}"]
        yield Step(test, command, counting.googletest, timeout_s=int(minutes * 60 + 300))


def _soak_scenarios(names, preset):
    """Whether every job is done once shows in many jobs; the other scenarios are the same in `./dev test`."""
    title = "scenarios bullmq"
    if names and not any(name in title for name in names):
        return
    install_node_packages("tests/scenarios")
    environment = ["env", f"KVICK_SERVER={build.program(preset, 'kvick-server')}", f"SCENARIO_JOBS={SCENARIO_JOBS}"]
    command = [*sanitizer_prefix(preset), *environment, *PYTEST, ROOT / "tests/scenarios", "-k", "bullmq"]
    yield Step(title, command, counting.pytest, timeout_s=3600)


def _soak_compat(names, commands, preset):
    """Other commands each time; the log begins with the seed."""
    script = ROOT / "tests/compat/run.py"
    for family in [*sorted(path.stem for path in (ROOT / "tests/compat/families").glob("[a-z]*.py")), "mixed"]:
        title = f"compat {family}"
        if not names or any(name in title for name in names):
            server = build.program(preset, "kvick-server")
            command = [PYTHON, script, "--kvick", server, "--family", family, "--commands", str(commands)]
            yield Step(title, command, counting.last_line, timeout_s=600 + commands // 200)
    if not names or any(name in "compat access_control" for name in names):
        server = build.program(preset, "kvick-server")
        command = [PYTHON, script.with_name("access_control.py"), "--kvick", server, "--users", str(commands // 25)]
        yield Step("compat access_control", command, counting.last_line, timeout_s=600 + commands // 200)
