"""Counts the commands that a server has, by group, and writes the table into README.md (`./dev readme`)."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
BEGIN = "<!-- coverage:begin -->"
END = "<!-- coverage:end -->"

sys.path.insert(0, str(ROOT / "tests"))
from reference.command_table import Reference, ServerTable  # noqa: E402
from support.server_process import ServerProcess  # noqa: E402


def coverage_table(implemented):
    """Markdown, one row a group. Containers (CONFIG) and subcommands (CONFIG GET) count as in the reference."""
    implemented = set(implemented)
    groups = {}
    for name, entry in Reference().commands.items():
        groups.setdefault((entry["set"], entry["group"]), []).append(name in implemented)
    order = sorted(groups, key=lambda key: (key[0] != "core", key))
    rows = [
        f"| {group} | {component} | {sum(groups[component, group])} | {len(groups[component, group])} |"
        for component, group in order
    ]
    done, total = sum(sum(group) for group in groups.values()), sum(len(group) for group in groups.values())
    head = ["| group | component | implemented | of |", "|---|---|---:|---:|"]
    return "\n".join([*head, *rows, f"| **all** | | **{done}** | **{total}** |"])


def replace_between(path, begin, end, content):
    text = path.read_text()
    before, rest = text.split(begin, 1)
    path.write_text(f"{before}{begin}\n{content}\n{end}{rest.split(end, 1)[1]}")


def main():
    with ServerProcess([sys.argv[1]]) as server:
        implemented = ServerTable(server.port).info
        server.stop()
    table = coverage_table(implemented)
    replace_between(README, BEGIN, END, table)
    print(table)


if __name__ == "__main__":
    main()
