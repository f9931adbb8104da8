"""Form of the sources: headers, includes, comments, format, words. Each message says what to do instead."""

import os
import re

from sources import ROOT, include_lines, run, source_files, text_files

HEADERS = source_files("src", (".h",))


def report(advice, findings):
    assert not findings, f"{advice}\n" + "\n".join(findings)


def name(file):
    return str(file.relative_to(ROOT))


def test_there_are_sources():
    """The tests below pass on an empty list; this one says when a moved folder made it empty."""
    assert len(HEADERS) > 5


def test_headers_compile_alone():
    """CMake generates a source for each header (cmake/kvick_tests.cmake); Ninja compiles those that changed."""
    configured = run(["cmake", "--preset", "dev"])
    assert configured.returncode == 0, configured.stdout
    command = ["cmake", "--build", "build/dev", "--target", "all_verify_interface_header_sets"]
    built = run([*command, "--parallel", str(len(os.sched_getaffinity(0))), "--", "-k", "0"])
    assert built.returncode == 0, "a header needs more includes or declarations to stand alone:\n" + built.stdout[-6000:]


def test_headers_are_guarded():
    report(
        "Put `#pragma once` after the header's opening comment.",
        [name(file) for file in HEADERS if not re.search(r"^#pragma once$", file.read_text(), re.MULTILINE)],
    )


def test_headers_say_what_they_are():
    """Before the first class or struct a comment says what the header is for: at its top or above the class."""
    silent = []
    for file in HEADERS:
        before = re.split(r"^\s*(?:template.*\n\s*)?(?:class|struct|enum class)\s", file.read_text(), flags=re.MULTILINE)[0]
        if not re.search(r"^\s*//\s*\S+(\s+\S+){2,}", before, re.MULTILINE):
            silent.append(name(file))
    report("Open the header with a comment: what it is, thread rule, cost.", silent)


def test_folders_have_a_readme():
    folders = {file.parent for file in source_files("src")}
    missing = [name(folder) for folder in sorted(folders) if not (folder / "README.md").exists()]
    missing = [folder for folder in missing if not folder.startswith("src/tools/")]  # one for all tools
    if any(folder.is_relative_to(ROOT / "src/tools") for folder in folders) and not (ROOT / "src/tools/README.md").exists():
        missing.append("src/tools")
    report("Add a README.md of some ten lines: what the folder is for, what it may include, where to start.", missing)


def test_a_source_includes_its_own_header_first():
    wrong = []
    for file in source_files("src", (".cc",)):
        own = file.with_suffix(".h")
        includes = include_lines(file)
        if own.exists() and includes and includes[0][2] != str(own.relative_to(ROOT / "src")):
            wrong.append(f"{name(file)}: begin with #include \"{own.relative_to(ROOT / 'src')}\"")
    report("A source's first include is its own header, so that the header is seen to stand alone.", wrong)


def test_our_includes_come_last():
    """Own header, standard library, third party, ours."""
    wrong = []
    for file in source_files("src"):
        own = str(file.with_name(file.stem.removesuffix("_test") + ".h").relative_to(ROOT / "src"))
        seen_ours = None
        for number, _, path in include_lines(file):
            if path == own:
                continue
            if (ROOT / "src" / path).exists() or (ROOT / "tests" / path).exists():
                seen_ours = path
            elif seen_ours:
                wrong.append(f"{name(file)}:{number}: {path} comes after {seen_ours}")
                break
    report("Order includes: own header, standard library, third party, ours.", wrong)


def test_includes_are_full_paths():
    wrong = []
    for file in source_files("src"):
        for number, opening, path in include_lines(file):
            if opening == '"' and not (ROOT / "src" / path).exists() and (file.parent / path).exists():
                wrong.append(f"{name(file)}:{number}: {path}")
    report('Include by the full path from src/: #include "keyspace/stripe_locks.h".', wrong)


def test_format():
    files = [str(path) for folder in ("src", "tests", "bench") for path in source_files(folder)]
    checked = run(["clang-format", "--dry-run", "--Werror", *files])
    assert checked.returncode == 0, "Run ./dev fmt. It would change:\n" + checked.stdout[-3000:]


# The patterns are put together from pieces, so that this file does not contain them itself.
BANNED_WORDS = (
    (r"(?<![\w.])/(?:work|farm|home|root)/" + r"\w", "a path of one machine; take it from configuration or arguments"),
    (r"(?<![\w.])/tm" + r"p/\w", "a fixed temporary path; use tmp_path, tempfile or testing::TempDir()"),
    (r"\bTO" + r"DO\b(?!\(#\d+\))", "name its issue in brackets, (#12)"),
    (r"\bFIX" + r"ME\b|\bXX" + r"X\b", "file an issue, and write a TO" + "DO that names it"),
)


def test_banned_words():
    found = []
    for file in text_files():
        text = file.read_text(errors="replace")
        for pattern, advice in BANNED_WORDS:
            for match in re.finditer(pattern, text):
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{name(file)}:{line}: `{match[0]}`: {advice}")
    report("These words have no place here:", found)


def test_lines_end_cleanly():
    found = []
    for file in text_files():
        text = file.read_text(errors="replace")
        if text and not text.endswith("\n"):
            found.append(f"{name(file)}: ends without a newline")
        if "\r\n" in text and file.suffix in (".cc", ".h", ".py"):
            found.append(f"{name(file)}: has CRLF line ends")
    report("Text files end with a newline and have LF line ends.", found)
