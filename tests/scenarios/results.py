"""Writes the tables of docs/compatibility.md, from what the latest runs of tests/scenarios and tests/clients came to.

    /usr/bin/python3 tests/scenarios/results.py
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / 'docs' / 'compatibility.md'
SERVERS = ('kvick', 'redis-server')

sys.path.insert(0, str(ROOT / 'tests' / 'support'))
import markdown  # noqa: E402
import run_results  # noqa: E402

from catalog import SCENARIOS  # noqa: E402


def scenario_table():
    results = [run_results.load(server) for server in SERVERS]
    heads = [f'{server} {found.get("version", "")}'.strip() for server, found in zip(SERVERS, results)]
    rows = []
    for scenario in SCENARIOS:
        runs = [found.get('scenarios', {}).get(scenario.name, {'outcome': 'not run'}) for found in results]
        known = next((run for run in runs if run.get('checks')), {})
        rows.append([
            f'[{scenario.library}](../tests/scenarios/{scenario.program})', known.get('version', '-'), scenario.language,
            '; '.join(known.get('checks', ['-'])), *(run['outcome'] for run in runs)])
    return markdown.table(['library', 'version', 'language', 'what was checked', *heads], rows)


def client_table():
    clients = run_results.load('clients').get('clients', {})
    rows = [[name, client['version'], client['passed'], client['failed']] for name, client in sorted(clients.items())]
    return markdown.table(['client', 'version', 'tests passed:', 'failed:'], rows)


def main():
    markdown.replace_between(PAGE, 'scenarios', scenario_table())
    markdown.replace_between(PAGE, 'clients', client_table())


if __name__ == '__main__':
    main()
