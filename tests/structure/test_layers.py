"""Who may include whom: docs/architecture.md draws the arrows, this test holds the sources to them."""

import pytest

from sources import ROOT, includes_of, layer_of, source_files

# Each step may use all steps before it; folders of one step leave each other alone. `None` as user means all below.
STEPS = (
    ("base",),
    ("config", "containers", "resp", "net"),
    ("types",),
    ("keyspace",),
    ("engine",),
    ("commands", "scripting", "security", "observability", "modules"),
    ("persistence",),
    ("replication",),
    ("cluster", "sentinel"),
    ("serving",),
    ("server", "console", "memcached"),
)
# Beside the ladder: programs that talk to a server over the wire know the wire only.
TOOLS_MAY_USE = ("base", "resp", "net", "tools")
# Those that read files use what the server reads them with.
FILE_TOOLS = ("check_rdb", "check_aof")

STEP_OF = {layer: number for number, step in enumerate(STEPS) for layer in step}


def allowed(user, used):
    if user == used:
        return True
    if user == "tools":
        return used in TOOLS_MAY_USE
    if user == "file tools":
        return used in ("tools", "persistence") or STEP_OF[used] < STEP_OF["persistence"]
    return used != "tools" and STEP_OF[used] < STEP_OF[user]


def test_every_folder_has_a_place():
    folders = {path.name for path in (ROOT / "src").iterdir() if path.is_dir() and any(path.rglob("*.[ch]*"))}
    unknown = sorted(folders - set(STEP_OF) - {"tools"})
    assert not unknown, f"src/ has folders without a step: {unknown}; give them one in STEPS here and in CMakeLists.txt"


def test_modules_leave_each_other_alone():
    wrong = []
    for file in source_files("src/modules"):
        own = file.relative_to(ROOT / "src/modules").parts[0]
        for line, included in includes_of(file):
            parts = included.split("/")
            if parts[0] == "modules" and len(parts) > 2 and parts[1] != own:
                wrong.append(f"{file.relative_to(ROOT)}:{line}: {included}")
    assert not wrong, "a module uses another; move what both need to a folder below:\n" + "\n".join(wrong)


@pytest.mark.parametrize("layer", sorted({layer_of(file) for file in source_files("src")}))
def test_includes_only_go_down(layer):
    wrong = []
    for file in source_files(f"src/{layer}"):
        for line, included in includes_of(file):
            used = included.split("/")[0]
            is_file_tool = layer == "tools" and file.parent.name in FILE_TOOLS
            user = "file tools" if is_file_tool else layer
            if (used in STEP_OF or used == "tools") and layer in (*STEP_OF, "tools") and not allowed(user, used):
                wrong.append(f"{file.relative_to(ROOT)}:{line}: {included}")
    assert not wrong, (
        f"src/{layer} may not include these. Move what both need down, or let engine/hooks.h state a narrow interface "
        "that src/server plugs in:\n" + "\n".join(wrong)
    )
