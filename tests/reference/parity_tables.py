"""What is there of Redis 8.10, counted from a running server into docs/compatibility.md (`./dev readme`)."""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "compatibility.md"
HERE = pathlib.Path(__file__).resolve().parent

sys.path.insert(0, str(ROOT / "tests/support"))
import markdown  # noqa: E402
from command_table import COMMANDS_OF_OTHERS, Reference, ServerTable, text  # noqa: E402
from parity_reasons import DIRECTIVES_KEPT, INFO_FIELDS_ABSENT, INFO_FIELDS_ON_OCCASION  # noqa: E402
from server_process import ServerProcess  # noqa: E402

# Those whose subcommands have a table.
CONTAINERS = ("CLIENT", "COMMAND", "CONFIG", "ACL", "LATENCY", "SLOWLOG", "MEMORY", "OBJECT")


class Unexplained(Exception):
    """Something is missing, or there, and the reasons say otherwise."""


def _names(names):
    return ", ".join(f"`{name}`" for name in names) or "-"


# ---- Commands


def command_table(implemented):
    groups = {}
    for name, entry in Reference().commands.items():
        groups.setdefault((entry["set"] != "core", entry["set"], entry["group"]), []).append(name)
    rows = []
    for (_, owner, group), names in sorted(groups.items()):
        missing = [name for name in sorted(names) if name not in implemented]
        words = "all" if len(missing) == len(names) else _names(missing)
        rows.append([group, owner, len(names) - len(missing), len(names), words])
    return markdown.table(["group", "component", "works:", "of:", "missing"], rows)


def subcommand_table(implemented):
    known = Reference().commands
    rows = []
    for container in CONTAINERS:
        names = [name for name in sorted(known) if name.startswith(container + " ")]
        works = [name.split(" ", 1)[1] for name in names if name in implemented]
        missing = [name.split(" ", 1)[1] for name in names if name not in implemented]
        rows.append([container, _names(works), _names(missing)])
    return markdown.table(["command", "works", "missing"], rows)


def own_command_table(implemented):
    rows = [[f"`{name}`", owner] for name, owner in sorted(COMMANDS_OF_OTHERS.items()) if name in implemented]
    return markdown.table(["command", "as in"], rows)


# ---- INFO


def info_reference():
    return json.loads((HERE / "info-fields.json").read_text())["sections"]


def info_shown(connection):
    """section → names of the fields."""
    shown, section = {}, None
    for line in text(connection.call("INFO", "everything") + b"\r\n" + connection.call("INFO", "hotkeys")).split("\r\n"):
        if line.startswith("# "):
            section = line[2:].lower()
        elif line:
            shown.setdefault(section, []).append(line.split(":", 1)[0])
    return shown


def _source_text():
    return "".join(path.read_text() for suffix in ("cc", "h") for path in sorted((ROOT / "src").rglob(f"*.{suffix}"))
                   if not path.name.endswith("_test.cc"))


def _is_shown(name, shown):
    pattern = re.compile(re.sub("<[^>]*>", ".+", name))
    return any(pattern.fullmatch(field) for field in shown)


def _reason_row(section, name):
    for row in INFO_FIELDS_ABSENT:
        if section == row[0] and re.fullmatch(row[1], name):
            return row
    return None


def info_tables(shown):
    """Two tables: the sections, and the fields that are absent with the reason."""
    source = _source_text()
    sections, absent, used, problems = [], {}, set(), []
    for section, fields in info_reference().items():
        present = 0
        for name in (field["name"] for field in fields):
            on_occasion = INFO_FIELDS_ON_OCCASION.get(name)
            if _is_shown(name, shown.get(section, ())) or (on_occasion and f'"{on_occasion}' in source):
                present += 1
                continue
            row = _reason_row(section, name)
            if row is None:
                problems.append(f"{name} of {section} is neither there nor explained")
                continue
            used.add(row)
            absent.setdefault((section, row[2]), []).append(name)
        sections.append([section, present, len(fields)])
    problems += [f"{row[1]} of {row[0]} is explained, but there" for row in INFO_FIELDS_ABSENT if row not in used]
    if problems:
        raise Unexplained("\n".join(problems))
    rows = [[section, _names(names), reason] for (section, reason), names in absent.items()]
    return (markdown.table(["section", "fields there:", "of:"], sections),
            markdown.table(["section", "absent", "because"], rows))


# ---- CONFIG


def _option_rows():
    return "".join(path.read_text() for path in sorted((ROOT / "src/config").glob("options_*.cc")))


def directives_without_effect():
    """Those whose value is only kept (the rows Kept...), and those whose field of Settings nobody reads."""
    readers = "".join(path.read_text() for suffix in ("cc", "h") for path in sorted((ROOT / "src").rglob(f"*.{suffix}"))
                      if path.parent.name != "config" and not path.name.endswith("_test.cc"))
    words = set(re.findall(r"\w+", readers))
    rows = _option_rows()
    kept = {name for name in re.findall(r'\bKept\w+\(\s*"([\w-]+)"', rows) if f'"{name}"' not in readers}
    for name, member in re.findall(r'\b\w+\(\s*"([\w-]+)",\s*&Settings::(\w+)', rows):
        if member not in words and f'"{name}"' not in readers:
            kept.add(name)
    # Switches of what is not there, although a part of the server reads them.
    return kept | {"tls-replication"}


def config_table(known):
    """Rows by reason. `known` has what CONFIG and its files know."""
    data = json.loads((HERE / "redis-conf-directives.json").read_text())
    reference = [directive["name"] for part in ("core", "components") for directive in data[part]]
    inert = directives_without_effect()
    ignored = {"list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands", "loadmodule"}
    lines = {directive["name"] for directive in data["core"] if directive["type"] == "file directive"}
    by_reason, works, absent, problems = {}, [], [], []
    for name in reference:
        reason = next((reason for pattern, reason in DIRECTIVES_KEPT if re.fullmatch(pattern, name)), None)
        if name in inert or name in ignored:
            if reason is None:
                problems.append(f"{name} has no effect, and no reason")
            by_reason.setdefault(reason, []).append(name)
        elif name in known or name in lines or name == "io-threads":
            works.append(name)
        else:
            absent.append(name)
    used = set(by_reason)
    problems += [f"{pattern} is explained, but has an effect" for pattern, reason in DIRECTIVES_KEPT if reason not in used]
    if problems or absent:
        raise Unexplained("\n".join(problems + [f"{name} is not known" for name in absent]))
    rows = [["works", len(works), "", ""]]
    rows += [["kept only", len(names), _names(names), reason] for reason, names in by_reason.items()]
    return markdown.table(["", "directives:", "names", "because"], rows)


def known_directives(connection):
    """Hidden ones show only by their whole name."""
    data = json.loads((HERE / "redis-conf-directives.json").read_text())
    known = set()
    for part in ("core", "components"):
        for directive in data[part]:
            if connection.call("CONFIG", "GET", directive["name"]):
                known.add(directive["name"])
    return known


def tables(binary):
    """Marker in the page → table."""
    with ServerProcess(pathlib.Path(binary).resolve(), {"appendonly": "yes"}).start() as server:
        implemented = ServerTable(server.port).info
        with server.connect() as connection:
            shown = info_shown(connection)
            known = known_directives(connection)
    sections, absent = info_tables(shown)
    return {
        "parity-commands": command_table(implemented),
        "parity-subcommands": subcommand_table(implemented),
        "parity-own-commands": own_command_table(implemented),
        "parity-info": sections,
        "parity-info-absent": absent,
        "parity-config": config_table(known),
    }


def main():
    for marker, table in tables(sys.argv[1]).items():
        markdown.replace_between(PAGE, marker, table)


if __name__ == "__main__":
    main()
