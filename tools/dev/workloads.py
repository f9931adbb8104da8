"""What runs for longer than a test: benchmarks, fuzzing, soaking."""

import build
import counting
from runner import run_step
from shell import CORES, ROOT, fail, run, say
from suites import PYTHON, Server, Step, fuzz_command, fuzz_programs, set_environment

BENCHMARKS = ("compare", "memory", "connections", "micro")


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
    build.build("release", ["kvick-server", "kvick-benchmark"])
    run([PYTHON, ROOT / "bench" / name, *arguments])


def fuzz(targets, seconds):
    """Each target in turn, on all cores; ends with the first crash, whose input libFuzzer names."""
    build.build("asan", ["fuzz_targets"])
    programs = fuzz_programs(targets)
    if not programs:
        fail(f"no fuzz target matches {' '.join(targets)}")
    for program in programs:
        say(f"\n== {program.name} for {seconds} s")
        run(fuzz_command(program, seconds, jobs=CORES))


def soak(names, minutes, preset):
    """The programs of tests/stress, each with a server of its own for some minutes."""
    build.build(preset, ["kvick-server"])
    scripts = sorted((ROOT / "tests/stress").glob("*.py"))
    scripts = [script for script in scripts if not names or any(name in script.stem for name in names)]
    if not scripts:
        fail(f"no program of tests/stress matches {' '.join(names)}")
    set_environment()
    failed = 0
    for script in scripts:
        say(f"\n== {script.stem} for {minutes:g} minutes ({preset})")
        command = [PYTHON, script, "--port", "{port}", "--minutes", str(minutes)]
        timeout_s = int(minutes * 60 + 300)
        outcome = run_step("soak", Step(script.stem, command, counting.last_line, Server(preset, {}), timeout_s))
        say(outcome.reason or "  as it should be")
        failed += outcome.failed
    if failed:
        fail(f"{failed} failed")
