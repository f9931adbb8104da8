"""redis-benchmark completes, and the data it wrote is there."""

import csv
import io
import subprocess

import pytest

from waiting import PATIENCE_S


def benchmark(target, *arguments):
    done = subprocess.run(['redis-benchmark', *target.cli_arguments(), *arguments], capture_output=True, timeout=4 * PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert b'Error' not in done.stdout + done.stderr
    return done.stdout.decode()


@pytest.mark.parametrize('resp3', [False, True], ids=['resp2', 'resp3'])
def test_usual_run_as_csv(target, resp3):
    output = benchmark(target, '-t', 'set,get,incr,mset,ping', '-P', '16', '-c', '50', '-n', '20000', '-r', '1000', '--csv',
                       *(['-3'] if resp3 else []))
    rows = list(csv.DictReader(io.StringIO(output[output.index('"test"'):])))
    assert [row['test'] for row in rows] == ['PING_INLINE', 'PING_MBULK', 'SET', 'GET', 'INCR', 'MSET (10 keys)']
    assert all(float(row['rps']) > 0 for row in rows)
    with target.connect() as connection:
        counters = connection.call('KEYS', 'counter:*')
        assert sum(int(connection.call('GET', key)) for key in counters) == 20000


def test_several_benchmark_threads(target):
    output = benchmark(target, '-t', 'set,get', '-P', '16', '-c', '50', '-n', '20000', '--threads', '2', '-q')
    assert 'SET:' in output and 'GET:' in output


def test_own_command_with_idle_connections_and_random_data(target):
    output = benchmark(target, '-c', '20', '-n', '2000', '-r', '100', '-q', 'SET', 'key:__rand_int__', '__data__')
    assert 'requests per second' in output
    with target.connect() as connection:
        assert 0 < connection.call('DBSIZE') <= 100
