"""kvick-benchmark against a running server."""

import csv
import os
import subprocess

import pytest


@pytest.fixture
def measured(server_binary, kvick_only):
    """measured(server, options ...) is the row of its table."""
    program = os.path.join(os.path.dirname(server_binary), 'kvick-benchmark')

    def run(server, *options):
        command = [program, '-p', str(server.port), '--csv', *options]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return next(csv.DictReader(done.stdout.splitlines()))

    return run


def test_an_open_loop_counts_from_when_a_request_was_due(make_server, measured):
    """The server stands still while all but a few requests become due: a closed loop would see one slow request."""
    server = make_server().start()
    with server.connect() as client:
        client.call('CLIENT', 'PAUSE', '5000', 'ALL')
        row = measured(server, '-t', 'get', '-c', '3', '-n', '300', '--rate', '1000')
        assert float(row['max_latency_ms']) > 1000
        assert float(row['p50_latency_ms']) > float(row['max_latency_ms']) / 2
        assert float(row['p99.99_latency_ms']) >= float(row['p99.9_latency_ms']) >= float(row['p99_latency_ms'])


def test_a_closed_loop_has_as_many_requests_out_as_connections(make_server, measured):
    server = make_server().start()
    with server.connect() as client:
        client.call('CLIENT', 'PAUSE', '5000', 'ALL')
        row = measured(server, '-t', 'get', '-c', '3', '-n', '300')
        assert float(row['max_latency_ms']) > 1000
        assert float(row['p50_latency_ms']) < float(row['max_latency_ms']) / 2
        assert 'p99.9_latency_ms' not in row
