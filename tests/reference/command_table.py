"""The reference command table (commands.json: facts about the command set of Redis 8.10) and what a running server
says of its own, read into one shape so that they can be compared.

Where the public documentation and the newest server's own table disagree, the reference has both (`server_table`),
and a server agrees when it says either.
"""

import dataclasses
import json
import pathlib

from resp import Connection

REFERENCE = pathlib.Path(__file__).with_name("commands.json")

# Commands of kvick that Redis does not have, and whose they are.
COMMANDS_OF_OTHERS = {
    "COMMANDLOG": "Valkey 8.1",
    "COMMANDLOG GET": "Valkey 8.1",
    "COMMANDLOG HELP": "Valkey 8.1",
    "COMMANDLOG LEN": "Valkey 8.1",
    "COMMANDLOG RESET": "Valkey 8.1",
    "DELIFEQ": "Valkey 9.0",
    "EXPIREMEMBER": "KeyDB",
    "EXPIREMEMBERAT": "KeyDB",
    "FIELDEXPIRE": "Dragonfly",
    "FIELDTTL": "Dragonfly",
    "PEXPIREMEMBERAT": "KeyDB",
    "SADDEX": "Dragonfly",
}


@dataclasses.dataclass(frozen=True)
class Aspect:
    """One thing the two say of a command. `accepted` has the reference's answers (any will do); none: not stated."""

    name: str
    server: object
    accepted: tuple

    @property
    def agrees(self):
        return not self.accepted or self.server in self.accepted


class Reference:
    def __init__(self):
        data = json.loads(REFERENCE.read_text())
        self.commands = {entry["name"]: entry for entry in data["commands"]}
        # In the server's table but on no public page: may be there, does not count.
        self.unlisted = {entry["name"]: entry for entry in data["unlisted"]}

    def find(self, name):
        return self.commands.get(name) or self.unlisted.get(name)


def text(value):
    """Replies without bytes, whatever the client decoded."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (list, tuple, set, frozenset)):
        return [text(item) for item in value]
    if isinstance(value, dict):
        return {text(key): text(item) for key, item in value.items()}
    return value


def as_map(value):
    """A RESP2 map is a flat list."""
    if isinstance(value, list):
        return {text(value[i]): value[i + 1] for i in range(0, len(value), 2)}
    return {text(key): item for key, item in value.items()}


def _plain(name):
    """`config|get` as the reference writes it."""
    return text(name).upper().replace("|", " ")


class ServerTable:
    """COMMAND INFO, COMMAND DOCS and COMMAND LIST of a server, by upper-case name (`CONFIG GET`)."""

    def __init__(self, port):
        with Connection(("127.0.0.1", port)) as connection:
            ask = connection.call
            self.listed = {_plain(name) for name in ask("COMMAND", "LIST")}
            self.count = ask("COMMAND", "COUNT")
            self.info = {}
            for entry in ask("COMMAND"):
                self._add_info(entry)
            self.docs = {}
            self._add_docs(as_map(ask("COMMAND", "DOCS")))

    def _add_info(self, entry):
        self.info[_plain(entry[0])] = entry
        for subcommand in entry[9]:
            self._add_info(subcommand)

    def _add_docs(self, documents):
        for name, document in documents.items():
            document = as_map(document)
            self.docs[_plain(name)] = document
            self._add_docs(as_map(document.get("subcommands", [])))


def info_aspects(entry, reference):
    """What COMMAND INFO says, beside the reference."""
    other = reference.get("server_table", {})
    yield Aspect("arity", entry[1], _stated(reference, "arity"))
    flags = frozenset(reference.get("flags", ()))
    yield Aspect("flags", _words(entry[2]), (flags, frozenset(other.get("flags", flags))))
    categories = [frozenset(source["acl"]) for source in (reference, other) if "acl" in source]
    yield Aspect("ACL categories", _words(entry[6]), tuple(categories))
    yield Aspect("tips", _words(entry[7]), (frozenset(reference.get("tips", ())),))
    specs = tuple(_reference_key_spec(spec) for spec in reference.get("key_specs", ()))
    yield Aspect("key specs", tuple(_server_key_spec(as_map(spec)) for spec in entry[8]), (specs,))
    if len(specs) <= 1:
        yield Aspect("first key, last key, step", tuple(entry[3:6]), (_key_range(specs),))


def docs_aspects(document, reference):
    """What COMMAND DOCS says, without the arguments."""
    other = reference.get("server_table", {})
    yield Aspect("since", text(document.get("since")), _stated(reference, "since") + _stated(other, "since"))
    if reference["set"] == "core":
        yield Aspect("group", text(document.get("group")), _stated(reference, "group"))
    yield Aspect("complexity", text(document.get("complexity")), _stated(reference, "complexity"))
    flags = frozenset(reference.get("doc_flags", ()))
    yield Aspect("documentation flags", _words(document.get("doc_flags", ())), (flags,))
    yield Aspect("deprecated_since", text(document.get("deprecated_since")), (reference.get("deprecated_since"),))


def argument_aspect(document, reference):
    other = reference.get("server_table", {})
    accepted = tuple(_reference_arguments(source["arguments"]) for source in (reference, other) if "arguments" in source)
    if accepted and any(": any" in line for line in accepted[0]):
        return Aspect("arguments", None, ())  # the page does not state the type of one: nothing to hold a server to
    return Aspect("arguments", _server_arguments(document.get("arguments", ())), accepted or ((),))


def _stated(source, field):
    return (source[field],) if field in source else ()


def _words(reply):
    return frozenset(text(word) for word in reply)


def _server_key_spec(spec):
    begin, find = as_map(spec["begin_search"]), as_map(spec["find_keys"])
    return (
        frozenset(text(flag) for flag in spec["flags"]),
        _search(text(begin["type"]), as_map(begin["spec"])),
        _search(text(find["type"]), as_map(find["spec"])),
    )


def _search(kind, fields):
    if kind == "unknown":
        return ("unknown",)
    renamed = {"keystep": "step"}
    return tuple(sorted((renamed.get(name, name), text(value)) for name, value in fields.items()))


def _reference_key_spec(spec):
    def part(value):
        return ("unknown",) if value == "unknown" else tuple(sorted(value.items()))

    return frozenset(spec["flags"]), part(spec["begin"]), part(spec["find"])


def _key_range(specs):
    """The old form of a single key spec: (first, last, step), zeros when it has no fixed place."""
    if not specs:
        return (0, 0, 0)
    begin, find = dict(specs[0][1]) if specs[0][1] != ("unknown",) else {}, specs[0][2]
    find = dict(find) if find != ("unknown",) else {}
    if "index" not in begin or "lastkey" not in find:
        return (0, 0, 0)
    last = find["lastkey"] + begin["index"] if find["lastkey"] >= 0 else find["lastkey"]
    return (begin["index"], last, find["step"])


def _server_arguments(arguments, indent=""):
    lines = []
    for argument in map(as_map, arguments):
        flags = _words(argument.get("flags", ()))
        fields = {field: text(argument[field]) for field in ("token", "since") if field in argument}
        if "key_spec_index" in argument:
            fields["key spec"] = argument["key_spec_index"]
        lines.append(_argument_line(indent, text(argument["name"]), text(argument["type"]), fields, flags))
        lines += _server_arguments(argument.get("arguments", ()), indent + "  ")
    return tuple(lines)


def _reference_arguments(arguments, indent=""):
    lines = []
    for argument in arguments:
        flags = {flag for flag in ("optional", "multiple", "multiple_token") if argument.get(flag)}
        fields = {field: argument[field] for field in ("token", "since") if field in argument}
        if "key_spec" in argument:
            fields["key spec"] = argument["key_spec"]
        lines.append(_argument_line(indent, argument["name"], argument.get("type"), fields, flags))
        lines += _reference_arguments(argument.get("arguments", ()), indent + "  ")
    return tuple(lines)


def _argument_line(indent, name, kind, fields, flags):
    """One argument as a line, so that trees are compared and shown as lines."""
    words = [f"{field}={fields[field]}" for field in sorted(fields)] + sorted(flags)
    return f"{indent}{name}: {' '.join([kind or 'any', *words])}"
