"""Format, lint and coverage."""

import os
import subprocess

import build
from shell import BUILD, CORES, ROOT, fail, output, run, say, source_files
from suites import conversation_steps, unit_steps


def format_sources(check):
    files = source_files(".cc", ".h")
    if not files:
        return
    run(["clang-format", *(["--dry-run", "--Werror"] if check else ["-i"]), *files], cwd=ROOT)
    say(f"{len(files)} files {'are formatted' if check else 'formatted'}")


def tidy(words):
    """clang-tidy over the sources, several at once; the checks are in .clang-tidy."""
    run(["cmake", "--preset", "tidy"], cwd=ROOT, stdout=subprocess.DEVNULL)
    files = [str(f.relative_to(ROOT)) for f in source_files(".cc", folders=("src",))]
    files = [f for f in files if not words or any(word in f for word in words)]
    run(["run-clang-tidy", "-quiet", "-p", build.folder("tidy"), "-j", CORES, *files], cwd=ROOT)


def cover():
    """Runs unit tests and conversations with instrumented programs; build/coverage/html/index.html is the result."""
    build.build("coverage", ["unit_tests", "kvick-server"])
    build.build("release", ["kvick-kvt"])
    profiles = BUILD / "coverage" / "profiles"
    profiles.mkdir(exist_ok=True)
    for old in profiles.iterdir():
        old.unlink()
    os.environ["LLVM_PROFILE_FILE"] = str(profiles / "%p.profraw")
    import runner  # reads os.environ when it starts programs

    programs = [step.command[0] for step in unit_steps("coverage")([])]
    for step in unit_steps("coverage")([]) + conversation_steps("coverage", (4,), (2, 3))([]):
        outcome = runner.run_step("coverage", step)
        say(f"  {step.title:<32}{outcome.passed:>8} passed {outcome.failed:>6} failed")
    raw = list(profiles.glob("*.profraw"))
    if not raw:
        fail("no profile was written")
    merged = profiles / "all.profdata"
    run(["llvm-profdata", "merge", "-sparse", "-o", merged, *raw])
    server = build.program("coverage", "kvick-server")
    objects = [str(word) for program in programs for word in ("-object", program)]
    only = [f"-ignore-filename-regex={pattern}" for pattern in ("_test\\.cc$", "/usr/")]
    arguments = [server, *objects, f"-instr-profile={merged}", *only]
    run(["llvm-cov", "show", *arguments, "-format=html", f"-output-dir={BUILD}/coverage/html"])
    say(output(["llvm-cov", "report", *arguments]).splitlines()[-1])
    say(f"dev: {BUILD.relative_to(ROOT)}/coverage/html/index.html")
