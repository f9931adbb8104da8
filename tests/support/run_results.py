"""What runs of tests came to, kept in build/compatibility/ for the table of docs/compatibility.md.

A run of a part of the tests replaces the results of that part only.
"""

import json
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parents[2] / 'build' / 'compatibility'


def load(name):
    """{} when there was no run."""
    path = FOLDER / f'{name}.json'
    return json.loads(path.read_text()) if path.exists() else {}


def save(name, results):
    """`results` has dictionaries in it, whose entries are added to those of earlier runs; other values replace them."""
    kept = load(name)
    for key, value in results.items():
        kept[key] = {**kept.get(key, {}), **value} if isinstance(value, dict) else value
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f'{name}.json').write_text(json.dumps(kept, indent=1, sort_keys=True) + '\n')
