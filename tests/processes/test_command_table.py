"""What a running server says of its commands, against the reference table (tests/reference/commands.json).

Only commands that the server has are compared; how many it has is counted for README.md (`./dev readme`). Each test
looks at one aspect of all commands and lists a line for each difference:

    SET: flags: server has denyoom write fast; the reference has denyoom write; take away fast

so that a family can be mended in one go. Where the reference knows two answers (its public page and its server's own
table), the line shows the first.
"""

import difflib
import pathlib
import sys

import pytest

import markdown
from server_process import ServerProcess

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reference"))
from argument_notes import missing_notes  # noqa: E402
from command_table import (  # noqa: E402
    COMMANDS_OF_OTHERS,
    Reference,
    ServerTable,
    argument_aspect,
    docs_aspects,
    info_aspects,
)
from coverage_table import MARKER, README, coverage_table  # noqa: E402

REFERENCE = Reference()


@pytest.fixture(scope="module")
def table(server_binary):
    with ServerProcess(server_binary).start() as server:
        return ServerTable(server.port)


def _show(value):
    return " ".join(sorted(value)) or "none" if isinstance(value, frozenset) else repr(value)


def _advice(aspect):
    if not isinstance(aspect.server, frozenset):
        return ""
    wanted = aspect.accepted[0]
    add, remove = sorted(wanted - aspect.server), sorted(aspect.server - wanted)
    steps = [f"add {' '.join(add)}"] * bool(add) + [f"take away {' '.join(remove)}"] * bool(remove)
    return "; " + ", ".join(steps)


def _differences(aspects_by_command):
    lines = []
    for command, aspects in aspects_by_command:
        for aspect in aspects:
            if not aspect.agrees:
                wanted = _show(aspect.accepted[0])
                lines.append(f"{command}: {aspect.name}: server has {_show(aspect.server)}; the reference has {wanted}{_advice(aspect)}")  # fmt: skip
    return lines


def _known(entries):
    return [(name, entry, REFERENCE.find(name)) for name, entry in sorted(entries.items()) if REFERENCE.find(name)]


def test_every_command_is_in_the_reference(table):
    unknown = sorted(name for name in table.info if not REFERENCE.find(name) and name not in COMMANDS_OF_OTHERS)
    near = [f"{name}: {difflib.get_close_matches(name, REFERENCE.commands, 2)} are" for name in unknown]
    assert not unknown, "these are not in the reference:\n" + "\n".join(near)


def test_list_count_and_docs_name_the_same_commands(table):
    top_level = {name for name in table.info if " " not in name}
    assert table.listed == set(table.info), "COMMAND LIST and COMMAND name different commands or subcommands"
    assert table.count == len(top_level)
    assert set(table.docs) == set(table.info), "COMMAND DOCS and COMMAND name different commands or subcommands"


@pytest.mark.parametrize(
    "aspect_name", ["arity", "flags", "ACL categories", "tips", "key specs", "first key, last key, step"]
)
def test_info_agrees(table, aspect_name):
    found = [
        (name, [aspect for aspect in info_aspects(entry, reference) if aspect.name == aspect_name])
        for name, entry, reference in _known(table.info)
    ]
    assert found, "the server has no command of the reference"
    differences = _differences(found)
    assert not differences, f"{len(differences)} differences:\n" + "\n".join(differences)


@pytest.mark.parametrize("aspect_name", ["since", "group", "complexity", "documentation flags", "deprecated_since"])
def test_docs_agree(table, aspect_name):
    found = [
        (name, [aspect for aspect in docs_aspects(document, reference) if aspect.name == aspect_name])
        for name, document, reference in _known(table.docs)
    ]
    assert found, "the server documents no command of the reference"
    differences = _differences(found)
    assert not differences, f"{len(differences)} differences:\n" + "\n".join(differences)


def test_arguments_agree(table):
    """Trees of arguments, shown as the lines to take away (-) and to add (+), and what to write for it."""
    found = []
    for name, document, reference in _known(table.docs):
        aspect = argument_aspect(document, reference)
        if not aspect.agrees:
            lines = difflib.unified_diff(aspect.server, aspect.accepted[0], n=0, lineterm="")
            found.append("\n".join([f"{name}:", *(f"    {line}" for line in lines if line[:2] not in ("--", "++", "@@"))]))
            notes = missing_notes(document.get("arguments", ()), reference.get("arguments", ()))
            found.append("    mend the syntax of its row" if notes is None else f"    add to its argument_notes: {notes}")
    assert not found, f"{len(found)} commands differ:\n" + "\n".join(found)


def test_every_command_has_a_summary(table):
    silent = sorted(name for name, document in table.docs.items() if not document.get("summary"))
    assert not silent, f"write a summary for {', '.join(silent)}"


def test_readme_counts_the_commands(table):
    """The table between the markers is what the generator writes now."""
    written = markdown.between(README, MARKER)
    assert written is not None, f"README.md needs the lines <!-- {MARKER}:begin --> and <!-- {MARKER}:end -->"
    assert written == coverage_table(table.info), "run ./dev readme"
