"""The sources as the structure tests see them."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
_INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
_SKIPPED = {"build", "node_modules", "__pycache__", ".git", ".cache", ".pytest_cache", "third_party", "corpus"}
_TEXT = {".cc", ".h", ".py", ".md", ".txt", ".cmake", ".json", ".kvt", ".sh", ".ts", ".js", ".conf", ".html", ".css", ""}


def source_files(folder="src", suffixes=(".cc", ".h")):
    """C++ files below a folder, sorted."""
    return sorted(path for path in (ROOT / folder).rglob("*") if path.suffix in suffixes and path.is_file())


def text_files():
    """Every text file of the repository that people write."""
    found = []
    pending = [ROOT]
    while pending:
        for path in sorted(pending.pop().iterdir()):
            if path.is_dir() and path.name not in _SKIPPED:
                pending.append(path)
            elif path.is_file() and path.suffix in _TEXT and path.name != ".git":
                found.append(path)
    return sorted(found)


def layer_of(file):
    return file.relative_to(ROOT / "src").parts[0]


def include_lines(file):
    """(line number, opening character, path) of each include."""
    found = []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if match := _INCLUDE.match(line):
            found.append((number, match[1], match[2]))
    return found


def includes_of(file):
    return [(number, path) for number, _, path in include_lines(file)]


def run(command):
    return subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
