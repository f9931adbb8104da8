"""Tables that programs write into pages that people write."""

import pathlib


def table(head, rows):
    """Columns whose head ends with a colon are numbers and stand to the right."""
    rule = "|".join("---:" if name.endswith(":") else "---" for name in head)
    lines = ["| " + " | ".join(name.removesuffix(":") for name in head) + " |", f"|{rule}|"]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def rows(text):
    """The cells of the table in `text`, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[1:]]


def between(path, name):
    """What stands between `<!-- name:begin -->` and `<!-- name:end -->`, or None without the markers."""
    text = pathlib.Path(path).read_text()
    begin, end = _markers(name)
    if begin not in text or end not in text:
        return None
    return text.split(begin, 1)[1].split(end, 1)[0].strip()


def replace_between(path, name, content):
    path = pathlib.Path(path)
    begin, end = _markers(name)
    before, rest = path.read_text().split(begin, 1)
    path.write_text(f"{before}{begin}\n{content}\n{end}{rest.split(end, 1)[1]}")


def _markers(name):
    return f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
