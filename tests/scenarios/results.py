"""What the latest runs of the scenarios came to, kept in build/scenarios/, and the page that is made of it.

    /usr/bin/python3 tests/scenarios/results.py      writes the table into docs/compatibility.md

A run of a part of the scenarios replaces the results of that part only.
"""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
RESULTS = ROOT / 'build' / 'scenarios'  # a file for each server
PAGE = ROOT / 'docs' / 'compatibility.md'
SERVERS = ('kvick', 'redis-server')

sys.path.insert(0, str(ROOT / 'tests' / 'support'))
import markdown  # noqa: E402

from catalog import SCENARIOS  # noqa: E402


def load(server):
    path = RESULTS / f'{server}.json'
    return json.loads(path.read_text()) if path.exists() else {'version': '', 'scenarios': {}}


def save(server, version, outcomes):
    """`outcomes`: a scenario's name to (outcome, checks); an outcome is `passed`, `failed` or why it was not run."""
    kept = load(server)
    kept['version'] = version
    versions = {scenario.name: scenario.version() for scenario in SCENARIOS}
    for name, (outcome, checks) in outcomes.items():
        kept['scenarios'][name] = {'outcome': outcome, 'checks': checks, 'version': versions[name] or ''}
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f'{server}.json').write_text(json.dumps(kept, indent=1, sort_keys=True) + '\n')


def table(results):
    """`results`: what `load` gave for each of SERVERS."""
    heads = [f'{server} {found["version"]}'.strip() for server, found in zip(SERVERS, results)]
    rows = []
    for scenario in SCENARIOS:
        runs = [found['scenarios'].get(scenario.name, {'outcome': 'not run'}) for found in results]
        known = next((run for run in runs if run.get('checks')), {})
        rows.append([
            f'[{scenario.library}](../tests/scenarios/{scenario.program})', known.get('version', '-'), scenario.language,
            '; '.join(known.get('checks', ['-'])), *(run['outcome'] for run in runs)])
    return markdown.table(['library', 'version', 'language', 'what was checked', *heads], rows)


def main():
    results = [load(server) for server in SERVERS]
    if not any(found['scenarios'] for found in results):
        sys.exit(f'there are no results in {RESULTS.relative_to(ROOT)}: run ./dev test scenarios first')
    markdown.replace_between(PAGE, 'scenarios', table(results))


if __name__ == '__main__':
    main()
