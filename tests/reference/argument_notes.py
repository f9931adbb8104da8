"""The notes that a command's row lacks (`argument_notes`, grammar in src/engine/syntax.h), worked out from what the
server says of its arguments and what the reference says.
"""

from command_table import as_map, text


def missing_notes(server, reference):
    """The items to append, as one string. None: the trees differ in shape, and the syntax line has to be mended."""
    items = []
    return " ".join(items) if _collect(list(map(as_map, server)), reference, [], items) else None


def _collect(server, reference, path, items):
    if len(server) != len(reference):
        return False
    names = [text(argument["name"]) for argument in server]
    for index, (mine, wanted) in enumerate(zip(server, reference)):
        token = text(mine.get("token", ""))
        if token != wanted.get("token", ""):
            return False
        is_clear = names.count(names[index]) == 1
        here = [*path, names[index] if is_clear or not token else token]
        changes = ""
        if names[index] != wanted["name"]:
            changes += f"={wanted['name']}"
            names[index] = wanted["name"]  # the notes that follow find it under the new name
        if text(mine["type"]) != wanted.get("type", text(mine["type"])):
            if wanted["type"] in ("oneof", "block", "pure-token") or "arguments" in mine:
                return False
            changes += f"({wanted['type']})"
        if wanted.get("key_spec", mine.get("key_spec_index")) != mine.get("key_spec_index"):
            changes += f"#{wanted['key_spec']}"
        if wanted.get("since", "") != text(mine.get("since", "")):
            changes += f"@{wanted['since']}"
        if changes:
            items.append(".".join(here) + changes)
            here[-1] = token if token else wanted["name"]
        inner = list(map(as_map, mine.get("arguments", ())))
        if not _collect(inner, wanted.get("arguments", ()), here, items):
            return False
    return True
