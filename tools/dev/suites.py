"""The table of test suites: what `./dev test` can run. The runner is in runner.py.

A row says which targets of which presets the suite needs, and makes its steps once they are built. A step is one
command with a counter; it may want a server beside it, whose exit status then counts as a test too.
"""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
from collections.abc import Callable

import build
import counting
from shell import BUILD, ROOT, output

PYTHON = "/usr/bin/python3"  # Debian's, which has the packages of packages.txt
PYTEST = [PYTHON, "-m", "pytest", "-q", "-rfEs", "-p", "no:cacheprovider"]
FUZZ_SMOKE_SECONDS = 5
FUZZ_SMOKE_RUNS = 20_000  # if there is time for so many: a faster machine draws no others
FUZZ_SEED = 1  # the same inputs each time; ./dev soak draws others
COMPAT_COMMANDS = 50_000
COMPAT_USERS = 1_000
COMPAT_SEED = "1"  # the same commands each time; ./dev soak draws others


@dataclasses.dataclass(frozen=True)
class Server:
    """A server that a step wants beside it, with a free port and a scratch directory."""

    preset: str
    options: dict  # directive to value


@dataclasses.dataclass(frozen=True)
class Step:
    """One command of a suite. `{port}` in it becomes the port of the server."""

    title: str
    command: list
    count: Callable
    server: Server = None
    timeout_s: int = 2400
    skipped: Callable = counting.nothing_skipped  # from the output: what was not run, and why
    # From the command and its output: the tests that failed, and the command that runs only these.
    repeat: Callable = counting.nothing_to_repeat


@dataclasses.dataclass(frozen=True)
class Suite:
    """A row of the table. `make_steps` gets the words of the command line that name no suite: with words, only
    the steps and tests that contain one are made."""

    name: str
    make_steps: Callable
    builds: tuple = ()  # of (preset, targets)
    takes_words: bool = False  # `./dev test hash` looks for hash here though the suite is not named
    parallel: bool = True  # its steps do not disturb each other


def _matches(words, text):
    return not words or any(word.lower().replace("_", "") in text.lower().replace("_", "") for word in words)


def set_environment():
    """For every program that a suite starts. KVICK_SERVER is what pytest suites test."""
    os.environ.setdefault("ASAN_OPTIONS", "detect_stack_use_after_return=1:strict_string_checks=1")
    os.environ.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    os.environ.setdefault("TSAN_OPTIONS", "second_deadlock_stack=1:history_size=4")
    os.environ.setdefault("KVICK_SERVER", str(build.program("release", "kvick-server")))


def sanitizer_prefix(preset):
    """ThreadSanitizer of clang 14 needs a memory layout that newer kernels randomise away; a container may forbid
    switching that off, and then it usually is not needed."""
    if preset == "tsan" and subprocess.run(["setarch", "-R", "true"], check=False, capture_output=True).returncode == 0:
        return ["setarch", "-R"]
    return []


def repeat_googletest(command, text):
    failed = [] if "Sanitizer:" in text else counting.googletest_failed(text)
    kept = [word for word in command if not str(word).startswith(("--gtest_filter", "--gtest_repeat", "--gtest_shuffle"))]
    return failed, [*kept, f"--gtest_filter={':'.join(failed)}"]


def repeat_pytest(command, text):
    failed = counting.pytest_failed(text)
    return failed, [*command[: command.index(PYTEST[-1]) + 1], *failed]


def gtest_filter(binary, words):
    """The tests of a program that contain a word (any case); empty when there are none."""
    tests, group = [], ""
    for line in output([binary, "--gtest_list_tests"]).splitlines():
        if not line.startswith(" "):
            group = line.split("#")[0].strip()
        elif _matches(words, group + line.split("#")[0].strip()):
            tests.append(group + line.split("#")[0].strip())
    return ":".join(tests)


def _test_programs(preset, label):
    listing = json.loads(output(["ctest", "--test-dir", build.folder(preset), "-L", label, "--show-only=json-v1"]))
    return [pathlib.Path(test["command"][0]) for test in listing["tests"] if "command" in test]


def unit_steps(preset):
    def steps(words):
        made = []
        for program in _test_programs(preset, "unit"):
            command = [*sanitizer_prefix(preset), program, "--gtest_brief=0", "--gtest_color=no"]
            if words and not _matches(words, program.name):
                chosen = gtest_filter(program, words)
                if not chosen:
                    continue
                command.append(f"--gtest_filter={chosen}")
            made.append(Step(program.name, command, counting.googletest, repeat=repeat_googletest))
        return made

    return steps


def concurrency_steps(words):
    """The in-process tests with many threads, again and again under ThreadSanitizer: schedules differ by run."""
    made = []
    for program in _test_programs("tsan", "unit"):
        chosen = [test for test in gtest_filter(program, ["concurrency"]).split(":") if test and _matches(words, test)]
        if chosen:
            repeat = ["--gtest_repeat=5", "--gtest_shuffle", f"--gtest_filter={':'.join(chosen)}"]
            command = [*sanitizer_prefix("tsan"), program, "--gtest_color=no", *repeat]
            made.append(Step(program.name, command, counting.googletest, repeat=repeat_googletest))
    return made


def stress_steps(preset):
    """tests/stress in this process: every test for a moment. The longer form is `./dev soak`."""

    def steps(words):
        command = [*sanitizer_prefix(preset), build.program(preset, "stress_test"), "--gtest_color=no"]
        if words:
            chosen = gtest_filter(command[-2], words)
            if not chosen:
                return []
            command.append(f"--gtest_filter={chosen}")
        return [Step("stress_test", command, counting.googletest, repeat=repeat_googletest)]

    return steps


@dataclasses.dataclass(frozen=True)
class Permutation:
    """Another way to play the conversations: in a server with other options, or with an option of kvick-kvt."""

    title: str
    player_options: tuple = ()
    server_options: dict = dataclasses.field(default_factory=dict)
    protocols: tuple = (2, 3)


AS_WRITTEN = Permutation("")
IN_MULTI = Permutation("in MULTI", ("--in", "multi"))
# In RESP2: a script sees RESP3's maps without their order, and tables end at a null.
IN_SCRIPT = Permutation("from a script", ("--in", "script"), protocols=(2,))
AFTER_RELOAD = Permutation("after save and load", ("--after", "reload"))
# What was loaded was written as a whole, and so it is compressed if it can be.
COMPRESSED = Permutation("compressed", ("--after", "reload"), {
    "value-compression": "lz4", "value-compression-min-bytes": 0,
})  # fmt: skip
# One element a node for lists, for which there is no 0.
UNPACKED = Permutation("unpacked", ("--unpacked",), {
    "hash-max-listpack-entries": 0, "hash-max-listpack-value": 0, "list-max-listpack-size": 1,
    "set-max-intset-entries": 0, "set-max-listpack-entries": 0, "set-max-listpack-value": 0,
    "zset-max-listpack-entries": 0, "zset-max-listpack-value": 0,
})  # fmt: skip


def conversation_steps(preset, threads, protocols, permutations=(AS_WRITTEN,)):
    """tests/commands and tests/regressions against a server of `preset`; kvick-kvt itself is always the release one."""

    def steps(words):
        folders = [ROOT / "tests/commands", ROOT / "tests/regressions"]
        paths = [folder for folder in folders if any(folder.rglob("*.kvt"))]
        if words:
            files = [file for folder in paths for file in sorted(folder.rglob("*.kvt"))]
            paths = [file for file in files if _matches(words, str(file.relative_to(ROOT / "tests")))]
        if not paths:
            return []
        runner = build.program("release", "kvick-kvt")
        return [
            Step(
                ", ".join(filter(None, [f"{count} thread{'s' if count > 1 else ''}", f"RESP{protocol}", way.title])),
                [runner, "--port", "{port}", "--resp", str(protocol), *way.player_options, *paths],
                counting.last_line,
                Server(preset, {"threads": count, "enable-debug-command": "yes", **way.server_options}),
            )
            for way in permutations
            for count in threads
            for protocol in protocols
            if protocol in way.protocols
        ]

    return steps


def pytest_steps(folder, title):
    def steps(words):
        if not any((ROOT / folder).rglob("test_*.py")):
            return []
        command = [*PYTEST, ROOT / folder]
        if words:
            expression = " or ".join(words)
            listed = subprocess.run([*PYTEST, "--collect-only", "-k", expression, ROOT / folder], check=False,
                                    cwd=ROOT, capture_output=True)  # fmt: skip
            if listed.returncode == 5:  # pytest: nothing collected
                return []
            command += ["-k", expression]
        return [Step(title, command, counting.pytest, skipped=counting.pytest_skipped, repeat=repeat_pytest)]

    return steps


def pytest_steps_with_node(folder, title, packages):
    """As other pytest folders; the libraries of the JavaScript world are installed first, in the folder `packages`."""

    def steps(words):
        install_node_packages(packages)
        return pytest_steps(folder, title)(words)

    return steps


def install_node_packages(folder):
    """What package.json there asks for, unless it was installed since that was last changed."""
    package = ROOT / folder / "package.json"
    installed = package.parent / "node_modules/.package-lock.json"
    npm = shutil.which("npm")
    if npm and (not installed.exists() or installed.stat().st_mtime < package.stat().st_mtime):
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, check=False, cwd=package.parent)


def scenario_steps(words):
    """Each server has a step: most of the time is waiting, and so they do it side by side."""
    steps = pytest_steps_with_node("tests/scenarios", "scenarios", "tests/scenarios")(words)
    return [
        dataclasses.replace(step, title=server, command=["env", f"SCENARIO_SERVERS={server}", *step.command])
        for step in steps
        for server in ("kvick", "redis-server")
    ]


def compat_steps(words):
    """Random commands to kvick and to the distribution's redis-server, replies compared."""
    script = ROOT / "tests/compat/run.py"
    if words or not script.exists():
        return []
    server = build.program("release", "kvick-server")
    command = [PYTHON, script, "--kvick", server, "--commands", str(COMPAT_COMMANDS), "--seed", COMPAT_SEED]
    of_users = script.with_name("access_control.py")
    users = [PYTHON, of_users, "--kvick", server, "--users", str(COMPAT_USERS), "--seed", COMPAT_SEED]
    return [
        Step("kvick and redis-server", command, counting.last_line),
        Step("users of both", users, counting.last_line),
    ]


def fuzz_command(program, seconds, *, jobs=1, seed=None):
    """One libFuzzer run.

    With a seed it begins with the committed inputs alone and draws the same changes to them each time; without one it
    goes on from what earlier runs found. New inputs gather in build/; those worth keeping are copied by hand.
    """
    name = program.name.removesuffix("_fuzz")
    found = BUILD / "fuzz-corpus" / name
    if seed is not None:
        found = BUILD / "fuzz-smoke" / name
        shutil.rmtree(found, ignore_errors=True)
    crashes = BUILD / "fuzz-crashes"
    found.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(parents=True, exist_ok=True)
    seeds = [folder for folder in [ROOT / "tests/fuzz/corpus" / name] if folder.is_dir()]
    choices = [f"-seed={seed}", f"-runs={FUZZ_SMOKE_RUNS}"] if seed is not None else []
    choices += [f"-fork={jobs}"] if jobs > 1 else []
    limits = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-max_len=65536"]
    # These keep an engine between inputs; its growth would be taken for a leak and searched for after each of them.
    # Once, at the end, all targets are searched for leaks.
    if name in ("command_sequence", "configuration", "rdb_file", "script_libraries"):
        limits.append("-detect_leaks=0")
    return [program, *limits, *choices, f"-artifact_prefix={crashes}/{name}-", found, *seeds]


def fuzz_programs(words):
    return [program for program in _test_programs("asan", "fuzz") if _matches(words, program.name)]


def fuzz_steps(words):
    return [
        Step(program.name, fuzz_command(program, FUZZ_SMOKE_SECONDS, seed=FUZZ_SEED), counting.one_run)
        for program in fuzz_programs(words)
    ]


RELEASE = ("release", ("kvick-server", "kvick-kvt", "kvick-benchmark", "kvick-cli"))

# Cheap ones first: a mistake shows early.
SUITES = (
    Suite("structure", pytest_steps("tests/structure", "structure"), (("dev", ()),), parallel=False),
    Suite("unit", unit_steps("dev"), (("dev", ("unit_tests",)),), takes_words=True),
    Suite("conversations", conversation_steps("release", (1, 4), (2, 3)), (RELEASE,), takes_words=True),
    Suite("permutations", conversation_steps("release", (4,), (2, 3), (IN_MULTI, UNPACKED, IN_SCRIPT, AFTER_RELOAD, COMPRESSED)), (RELEASE,)),
    Suite("processes", pytest_steps("tests/processes", "processes"), (RELEASE,), takes_words=True),
    Suite("clients", pytest_steps_with_node("tests/clients", "clients", "tests/clients"), (RELEASE,)),
    Suite("examples", pytest_steps_with_node("tests/examples", "examples", "tests/clients"), (RELEASE,)),
    Suite("scenarios", scenario_steps, (RELEASE,)),
    Suite("compat", compat_steps, (RELEASE,)),
    Suite("unit-asan", unit_steps("asan"), (("asan", ("unit_tests",)),)),
    Suite("stress-asan", stress_steps("asan"), (("asan", ("stress_test",)),)),
    Suite("fuzz", fuzz_steps, (("asan", ("fuzz_targets",)),)),
    Suite("conversations-asan", conversation_steps("asan", (4,), (3,)), (RELEASE, ("asan", ("kvick-server",)))),
    Suite("unit-tsan", unit_steps("tsan"), (("tsan", ("unit_tests",)),)),
    Suite("stress-tsan", stress_steps("tsan"), (("tsan", ("stress_test",)),)),
    Suite("concurrency", concurrency_steps, (("tsan", ("unit_tests",)),)),
    Suite("conversations-tsan", conversation_steps("tsan", (4,), (3,)), (RELEASE, ("tsan", ("kvick-server",)))),
)
