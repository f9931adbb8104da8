"""Counts the commands that a server has, by group, and writes the table into README.md (`./dev readme`)."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
MARKER = "coverage"

sys.path.insert(0, str(ROOT / "tests/support"))
import markdown  # noqa: E402
from command_table import Reference, ServerTable  # noqa: E402
from server_process import ServerProcess  # noqa: E402


def coverage_table(implemented):
    """Markdown, one row a group. Containers (CONFIG) and subcommands (CONFIG GET) count as in the reference."""
    implemented = set(implemented)
    groups = {}
    for name, entry in Reference().commands.items():
        groups.setdefault((entry["set"], entry["group"]), []).append(name in implemented)
    order = sorted(groups, key=lambda key: (key[0] != "core", key))
    rows = [[name, owner, sum(groups[owner, name]), len(groups[owner, name])] for owner, name in order]
    done, total = sum(sum(group) for group in groups.values()), sum(len(group) for group in groups.values())
    return markdown.table(["group", "component", "implemented:", "of:"], [*rows, ["**all**", "", done, total]])


def main():
    with ServerProcess(sys.argv[1]).start() as server:
        implemented = ServerTable(server.port).info
    table = coverage_table(implemented)
    markdown.replace_between(README, MARKER, table)
    print(table)


if __name__ == "__main__":
    main()
