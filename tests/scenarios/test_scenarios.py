"""Runs every scenario of catalog.py against every server. SCENARIO_JOBS makes those that count jobs longer."""

import os
import re
import signal
import subprocess

import pytest

from catalog import SCENARIOS


def run(command, environment, timeout_s, folder):
    """Exit status (None: it did not end) and output. Its children end with it."""
    with open(folder / 'output', 'w+') as output:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            status = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
    return status, (folder / 'output').read_text(errors='replace')


@pytest.mark.parametrize('scenario', SCENARIOS, ids=lambda scenario: scenario.name)
def test_scenario(server, scenario, record, tmp_path):
    reason = scenario.why_not()
    if reason:
        record(scenario, f'not run: {reason}')
        pytest.skip(reason)
    with server.connect() as connection:
        assert connection.call('FLUSHALL') == b'OK'
    environment = dict(os.environ, SERVER_URL=f'redis://127.0.0.1:{server.port}', **scenario.environment)
    timeout_s = scenario.timeout_s
    if jobs := os.environ.get('SCENARIO_JOBS'):
        environment['JOBS'] = jobs
        timeout_s += int(jobs) // 10

    record(scenario, 'failed')  # until it is known better
    status, output = run(scenario.command(tmp_path), environment, timeout_s, tmp_path)
    checks = re.findall(r'^ok (.+)$', output, re.MULTILINE)
    assert status is not None, f'it did not end within {timeout_s} s:\n{output[-6000:]}'
    assert status == 0, output[-6000:]
    assert checks and re.search('^done$', output, re.MULTILINE), f'it ended before it was done:\n{output[-6000:]}'
    assert server.is_running(), 'the server ended:\n' + server.log()[-3000:]
    record(scenario, 'passed', checks)
