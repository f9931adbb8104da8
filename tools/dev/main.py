"""The commands of ./dev; each is a row of COMMANDS below."""

import argparse
import os
import sys

import build
import package
import planted
import quality
import runner
import suites
import workloads
from shell import ROOT, fail, run, say

PRESETS = ("dev", "release", "asan", "tsan", "coverage", "tidy")
DEFAULT_PORT = 6379


def run_server(arguments):
    build.build("release", ["kvick-server"])
    words = arguments.server_arguments
    port = words[words.index("--port") + 1] if "--port" in words[:-1] else str(DEFAULT_PORT)
    say(f"dev: kvick-server listens on port {port}; connect with any Redis client, for example: redis-cli -p {port}")
    say("dev: Ctrl-C stops it")
    program = str(build.program("release", "kvick-server"))
    if not words or words[0].startswith("--"):
        words = ["--port", port, *words]
    os.execv(program, [program, *words])


def build_presets(arguments):
    for preset in arguments.presets or ["release"]:
        if preset not in PRESETS:
            fail(f"no preset {preset}; there are {', '.join(PRESETS)}")
        build.build(preset)


def update_readme():
    build.build("release", ["kvick-server"])
    for script in ("coverage_table", "parity_tables"):
        run([suites.PYTHON, ROOT / f"tests/reference/{script}.py", build.program("release", "kvick-server")])


def add_run(parser):
    parser.add_argument("server_arguments", nargs=argparse.REMAINDER, metavar="server arguments")


def add_build(parser):
    parser.add_argument("presets", nargs="*", metavar="preset", help=", ".join(PRESETS))


def add_test(parser):
    parser.add_argument("names", nargs="*", metavar="name", help="suites, or words that tests contain")


def add_fmt(parser):
    parser.add_argument("--check", action="store_true", help="only say what would change")


def add_tidy(parser):
    parser.add_argument("words", nargs="*", metavar="path", help="only sources whose path contains this")


def add_bench(parser):
    parser.add_argument("--gate", action="store_true", help="fail when instructions or recorded ratios got worse")
    parser.add_argument("name", nargs="?", default="compare", choices=workloads.BENCHMARKS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="arguments")


def add_fuzz(parser):
    parser.add_argument("targets", nargs="*", metavar="target")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")


def add_soak(parser):
    parser.add_argument("names", nargs="*", metavar="name")
    parser.add_argument("--minutes", type=float, default=10.0, help="for each of tests/stress")
    parser.add_argument("--commands", type=int, default=1_000_000, help="for each family of tests/compat")
    parser.add_argument("--preset", default="release", choices=("release", "asan", "tsan"))


def add_planted(parser):
    parser.add_argument("names", nargs="*", metavar="name", help="words of their names; all, and the table, when none")


def add_nothing(parser):
    del parser


# name, arguments, what it does (with the arguments' namespace), help.
COMMANDS = (
    ("run", add_run, run_server, "build release and start kvick-server in the foreground"),
    ("test", add_test, lambda given: runner.run_tests(given.names), "build and run the tests"),
    ("build", add_build, build_presets, "build presets (release when none is named)"),
    ("fmt", add_fmt, lambda given: quality.format_sources(given.check), "clang-format all sources"),
    ("tidy", add_tidy, lambda given: quality.tidy(given.words), "clang-tidy"),
    ("bench", add_bench, lambda given: workloads.gate() if given.gate else workloads.bench(given.name, given.rest),
     "compare, memory, connections, saving, latency, scripts, pubsub, tls, eviction, expiry, returned, instructions, scaling, "
     "plots, micro"),
    ("fuzz", add_fuzz, lambda given: workloads.fuzz(given.targets, given.seconds), "run fuzz targets for longer"),
    ("soak", add_soak, lambda given: workloads.soak(given.names, given.minutes, given.preset, given.commands),
     "run tests/stress, tests/compat and tests/scenarios for longer"),
    ("plant", add_planted, lambda given: sys.exit(planted.plant(given.names)), "plant bugs, and see that the tests catch them"),
    ("package", add_nothing, lambda given: package.package(), "the Debian package of the release build: build/package/"),
    ("readme", add_nothing, lambda given: update_readme(), "count what kvick-server has into README.md and docs/compatibility.md"),
    ("cover", add_nothing, lambda given: quality.cover(), "line coverage of the tests, as a page"),
)


def main():
    parser = argparse.ArgumentParser(prog="./dev", description="builds, tests and runs kvick")
    commands = parser.add_subparsers(metavar="command", required=True)
    for name, add_arguments, act, text in COMMANDS:
        command = commands.add_parser(name, help=text, description=text)
        add_arguments(command)
        command.set_defaults(act=act)
    if sys.argv[1:] in ([], ["help"]):
        parser.print_help()
        return
    # argparse takes what begins with "--" for an option of its own, also where all that follows is the server's.
    server_arguments = sys.argv[2:] if sys.argv[1] == "run" and sys.argv[2:] not in (["-h"], ["--help"]) else []
    given = parser.parse_args(sys.argv[1:len(sys.argv) - len(server_arguments)])
    if server_arguments:
        given.server_arguments = server_arguments
    given.act(given)


main()
