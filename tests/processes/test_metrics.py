"""The HTTP endpoint: metrics, health, and what deploy/ has for Prometheus and Grafana."""

import json
import pathlib
import re
import shutil
import subprocess
import threading
import time

import pytest

from free_port import free_port
from prometheus import Prometheus, get, parse, value_of
from resp import encode_command
from waiting import PATIENCE_S, wait_until

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / 'deploy'

pytestmark = pytest.mark.usefixtures('kvick_only')


def need(program):
    if shutil.which(program) is None:
        pytest.skip(f'there is no {program}: the Debian package prometheus is not installed')


@pytest.fixture
def serve(make_server):
    """serve(options): a running server with the endpoint, and the endpoint's address."""

    def start(options=None, **arguments):
        port = free_port()
        server = make_server({'metrics-port': str(port), **(options or {})}, **arguments).start()
        return server, f'http://127.0.0.1:{port}'

    return start


def metrics_of(address):
    status, headers, body = get(address + '/metrics')
    assert status == 200 and headers['Content-Type'] == 'text/plain; version=0.0.4; charset=utf-8'
    return parse(body)


def health(address, kind):
    status, headers, body = get(f'{address}/health/{kind}')
    assert headers['Content-Type'] == 'application/json'
    return status, json.loads(body)


def load(connection):
    """Something of everything that the metrics tell of."""
    for number in range(200):
        connection.call('SET', f'key:{number}', 'x' * 50)
        connection.call('GET', f'key:{number}')
        connection.call('GET', f'absent:{number % 3}')
    connection.call('SET', 'short', '1', 'EX', '100')
    connection.call('SELECT', '3')
    connection.call('HSET', 'hash', 'a', '1')
    connection.call('SELECT', '0')
    for command in (['LPUSH', 'short', 'x'], ['NOSUCH'], ['GET']):
        connection.call(*command)


def test_metrics_agree_with_info(serve):
    server, address = serve({'slowlog-log-slower-than': '0', 'threads': '2'})
    with server.connect() as connection:
        load(connection)
        info = dict(line.split(':', 1) for line in connection.call('INFO', 'everything').decode().split('\r\n')
                    if ':' in line)
        families = metrics_of(address)
        assert value_of(families, 'redis_up') == 1
        assert value_of(families, 'redis_connected_clients') == 1
        assert value_of(families, 'redis_db_keys', db='db0') == 201
        assert value_of(families, 'redis_db_keys_expiring', db='db0') == 1
        assert value_of(families, 'redis_db_keys', db='db3') == 1
        assert value_of(families, 'redis_db_keys', db='db1') == 0
        assert 90 < value_of(families, 'redis_db_avg_ttl_seconds', db='db0') <= 100
        assert value_of(families, 'redis_commands_total', cmd='get') == 400
        assert value_of(families, 'redis_commands_failed_calls_total', cmd='lpush') == 1
        assert value_of(families, 'redis_commands_rejected_calls_total', cmd='get') == 1
        assert value_of(families, 'redis_errors_total', err='WRONGTYPE') == 1
        assert value_of(families, 'redis_errors_total', err='ERR') == 2
        assert value_of(families, 'redis_keyspace_hits_total') == 200
        assert value_of(families, 'redis_keyspace_misses_total') == 200
        assert value_of(families, 'redis_commands_latencies_usec_count', cmd='set') == 201
        assert value_of(families, 'redis_latency_percentiles_usec', cmd='set', quantile='99.9') > 0
        assert value_of(families, 'redis_slowlog_length') == 128
        assert value_of(families, 'redis_slowlog_last_id') > 600
        instance = families['redis_instance_info'].samples[0].labels
        assert instance['redis_version'] == info['redis_version'] and instance['role'] == 'master'
        assert instance['run_id'] == info['run_id'] and instance['tcp_port'] == str(server.port)
        assert value_of(families, 'redis_memory_used_dataset_bytes') > 0
        assert value_of(families, 'redis_config_maxclients') == int(info['maxclients'])
        assert value_of(families, 'redis_rdb_last_bgsave_status') == 1
        workers = {sample.labels['worker'] for sample in families['kvick_worker_commands_total'].samples}
        assert workers == {'0', '1'}
        assert sum(sample.value for sample in families['kvick_worker_connections'].samples) == 1
        executed = sum(sample.value for sample in families['kvick_worker_commands_total'].samples)
        assert executed == value_of(families, 'redis_commands_processed_total')
        # Scraping shows itself in nothing.
        again = metrics_of(address)
        assert value_of(again, 'redis_commands_processed_total') == executed


def test_names_are_those_of_the_usual_exporter(serve, tmp_path):
    if shutil.which('prometheus-redis-exporter') is None:
        pytest.skip('there is no prometheus-redis-exporter')
    server, address = serve({'latency-monitor-threshold': '1', 'enable-debug-command': 'yes'})
    with server.connect() as connection:
        load(connection)
        connection.call('DEBUG', 'SLEEP', '0.005')
    port = free_port()
    with open(tmp_path / 'exporter.log', 'w') as log:
        exporter = subprocess.Popen(
            ['prometheus-redis-exporter', f'--redis.addr=redis://127.0.0.1:{server.port}',
             f'--web.listen-address=127.0.0.1:{port}'], stdout=log, stderr=subprocess.STDOUT)

    def scraped():
        try:
            return get(f'http://127.0.0.1:{port}/metrics')[2]
        except OSError:
            return ''

    try:
        text = wait_until(scraped)
    finally:
        exporter.terminate()
        exporter.wait(PATIENCE_S)
    theirs = {name: kind for name, kind in re.findall(r'^# TYPE (redis_\w+) (\w+)$', text, re.MULTILINE)}
    assert len(theirs) > 80
    # What the exporter tells of itself, and of its own settings.
    of_itself = ('redis_exporter_', 'redis_target_scrape', 'redis_last_key_groups')
    theirs.pop('redis_db_keys_cached', None)  # a field of another server, for which it takes ours of hash fields
    # What it makes of histograms, of which it knows nothing, when they have one bucket.
    theirs = {name: kind for name, kind in theirs.items() if not name.startswith(of_itself) and '_distrib_' not in name}
    ours = {name: family.type for name, family in metrics_of(address).items()}
    assert {name: kind for name, kind in theirs.items() if ours.get(name) != kind} == {}
    # Samples have the same labels.
    families = metrics_of(address)
    for name, labels in re.findall(r'^(redis_\w+)\{(.*)\} ', text, re.MULTILINE):
        if name in families and name != 'redis_instance_info':
            assert set(re.findall(r'(\w+)="', labels)) == set(families[name].samples[0].labels), name


def test_promtool_can_read_it(serve):
    need('promtool')
    server, address = serve()
    with server.connect() as connection:
        load(connection)
    checked = subprocess.run(['promtool', 'check', 'metrics'], input=get(address + '/metrics')[2], capture_output=True,
                             text=True, timeout=PATIENCE_S)
    # 1: it cannot be read. 3: it can, and names are not to promtool's taste; those of the exporter are not ours to choose.
    assert checked.returncode in (0, 3), checked.stderr
    assert 'kvick_' not in checked.stderr


def test_only_what_is_there_is_served(serve):
    _, address = serve()
    assert get(address + '/metrics', method='HEAD')[::2] == (200, '')
    assert get(address + '/metrics?x=1')[0] == 200
    assert get(address + '/nosuch')[0] == 404
    assert get(address + '/metrics/')[0] == 404
    status, headers, _ = get(address + '/metrics', method='DELETE')
    assert status == 405 and headers['Allow'] == 'GET, HEAD'


def test_it_can_be_moved_and_turned_off(make_server):
    server = make_server().start()
    with server.connect() as connection:
        assert connection.call('CONFIG', 'GET', 'metrics-port')[1] == b'0'
        first, second = free_port(), free_port()
        assert connection.call('CONFIG', 'SET', 'metrics-port', str(first)) == b'OK'
        assert get(f'http://127.0.0.1:{first}/health/live')[0] == 200
        assert connection.call('CONFIG', 'SET', 'metrics-port', str(second)) == b'OK'
        assert get(f'http://127.0.0.1:{second}/health/live')[0] == 200
        with pytest.raises(OSError):
            get(f'http://127.0.0.1:{first}/health/live')
        # The server's own port is taken; what was is kept.
        error = connection.call('CONFIG', 'SET', 'metrics-port', str(server.port))
        assert 'Unable to listen on this port' in str(error)
        assert connection.call('CONFIG', 'GET', 'metrics-port')[1] == str(second).encode()
        assert get(f'http://127.0.0.1:{second}/health/live')[0] == 200
        assert connection.call('CONFIG', 'SET', 'metrics-port', '0') == b'OK'
        with pytest.raises(OSError):
            get(f'http://127.0.0.1:{second}/health/live')


def test_a_start_fails_where_the_port_is_taken(make_server, serve):
    other, _ = serve()
    server = make_server({'metrics-port': str(other.port)})
    server.spawn()
    assert server.wait() == 1
    assert f'Could not serve metrics on 127.0.0.1:{other.port}' in server.log()


@pytest.mark.parametrize('worker_count', [1, 2])
def test_it_can_be_moved_while_it_is_read(serve, worker_count):
    """Who moves the endpoint is alone in the server and waits for a thread that may want to get in: neither waits forever."""
    server, address = serve({'threads': str(worker_count)})
    ports = [free_port(), free_port()]
    stop = threading.Event()

    def read():
        while not stop.is_set():
            for port in [int(address.rsplit(':', 1)[1]), *ports]:
                try:
                    get(f'http://127.0.0.1:{port}/metrics')
                except OSError:
                    pass

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    try:
        with server.connect() as connection:
            for number in range(60):
                assert connection.call('CONFIG', 'SET', 'metrics-port', str(ports[number % 2])) == b'OK'
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert get(f'http://127.0.0.1:{ports[1]}/metrics')[0] == 200


def test_health_tells_of_loading(make_server):
    port = free_port()
    address = f'http://127.0.0.1:{port}'
    server = make_server({'metrics-port': str(port), 'key-load-delay': '2000', 'threads': '1'})
    server.start()
    with server.connect() as connection:
        for number in range(3000):
            connection.call('SET', f'key:{number}', 'x')
        connection.call('SAVE')
    assert health(address, 'ready') == (200, {'status': 'ok'})
    server.stop()
    server.log_path.write_bytes(b'')
    server.spawn()
    server.wait_log('Serving metrics')
    seen = [health(address, 'ready'), health(address, 'live')]
    assert seen[0] == (503, {'status': 'loading', 'reason': 'the data set is being loaded'})
    assert seen[1] == (200, {'status': 'ok'})
    assert value_of(metrics_of(address), 'redis_loading_dump_file') == 1
    server.wait_log('Ready to accept connections')
    assert health(address, 'ready') == (200, {'status': 'ok'})


def test_health_tells_of_refused_writes(serve):
    server, address = serve({'save': '3600 1'})
    with server.connect() as connection:
        connection.call('SET', 'a', '1')
        # A folder in the file's place: it cannot be renamed onto it.
        (server.folder / 'dump.rdb').mkdir()
        (server.folder / 'dump.rdb' / 'x').write_text('')
        connection.call('BGSAVE')
        wait_until(lambda: b'rdb_last_bgsave_status:err' in connection.call('INFO', 'persistence'))
        assert 'MISCONF' in str(connection.call('SET', 'a', '2'))
        status, body = health(address, 'ready')
        assert status == 503 and body['status'] == 'writes_refused' and body['reason'].startswith('MISCONF')
        assert health(address, 'live')[0] == 200
        assert value_of(metrics_of(address), 'redis_rdb_last_bgsave_status') == 0
        shutil.rmtree(server.folder / 'dump.rdb')
        connection.call('SAVE')
        assert health(address, 'ready') == (200, {'status': 'ok'})


def test_who_wants_to_be_alone_keeps_readiness_waiting_but_not_liveness(serve):
    """One client sleeps in its worker; another, in the other worker, waits to be alone."""
    server, address = serve({'enable-debug-command': 'yes', 'threads': '2'})
    with server.connect() as asleep, server.connect() as waiting:
        sleep = threading.Thread(target=asleep.call, args=('DEBUG', 'SLEEP', '8'))

        def be_alone_again_and_again():
            while sleep.is_alive():
                waiting.call('CONFIG', 'SET', 'hz', '20')

        threads = [sleep, threading.Thread(target=be_alone_again_and_again)]
        for thread in threads:
            thread.start()
        busy = (503, {'status': 'busy', 'reason': 'an operation that runs alone goes on'})
        wait_until(lambda: health(address, 'ready') == busy)
        assert health(address, 'live') == (200, {'status': 'ok'})
        assert get(address + '/metrics')[0] == 503
        assert health(address, 'ready') == busy
        assert sleep.is_alive(), 'all that was answered before it was'
        for thread in threads:
            thread.join()
    assert health(address, 'ready') == (200, {'status': 'ok'})


@pytest.mark.parametrize('worker_count', [1, 2])
def test_it_is_read_while_keys_come_and_go(serve, worker_count):
    """A single worker takes no locks; still nothing may be read that it changes at the moment."""
    server, address = serve({'threads': str(worker_count)})
    stop = threading.Event()

    def change():
        with server.connect() as connection:
            number = 0
            while not stop.is_set():
                number += 1
                for key in range(50):
                    connection.send(encode_command(['SET', f'key:{number}:{key}', 'x', 'PX', str(20 + key)]))
                for _ in range(50):
                    connection.read_reply()
                if number % 20 == 0:
                    connection.call('FLUSHALL')

    changers = [threading.Thread(target=change) for _ in range(2)]
    for changer in changers:
        changer.start()
    try:
        end = time.monotonic() + 3
        while time.monotonic() < end:
            assert value_of(metrics_of(address), 'redis_up') == 1
        wait_until(lambda: value_of(metrics_of(address), 'redis_commands_total', cmd='set') > 1000)
    finally:
        stop.set()
        for changer in changers:
            changer.join()
    assert server.is_running()


def test_contention_is_counted(serve):
    server, address = serve({'threads': '2', 'enable-debug-command': 'yes'})

    def hammer():
        with server.connect() as connection:
            for _ in range(30):
                connection.call('EVAL', 'for i = 1, 20000 do redis.call("INCR", KEYS[1]) end', '1', 'hot')

    def count_waits():
        threads = [threading.Thread(target=hammer) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(sample.value for sample in metrics_of(address)['kvick_stripe_lock_waits_total'].samples)

    # On one processor, workers meet only where one is interrupted while it holds the lock.
    waits = wait_until(count_waits)
    families = metrics_of(address)
    hottest = families['kvick_stripe_hottest_lock_waits_total'].samples
    assert hottest[0].value == waits and len(hottest) == 10 and hottest[1].value == 0
    assert sum(sample.value for sample in families['kvick_stripe_lock_wait_seconds_total'].samples) > 0
    with server.connect() as connection:
        connection.call('CONFIG', 'RESETSTAT')
    families = metrics_of(address)
    assert sum(sample.value for sample in families['kvick_stripe_lock_waits_total'].samples) == 0


def test_rules_are_right():
    need('promtool')
    folder = DEPLOY / 'prometheus'
    for arguments in (['check', 'rules', 'alerts.yml'], ['check', 'config', 'prometheus.yml'],
                      ['test', 'rules', 'alerts_test.yml']):
        done = subprocess.run(['promtool', *arguments], cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_tested():
    alerts = set(re.findall(r'- alert: (\w+)', (DEPLOY / 'prometheus' / 'alerts.yml').read_text()))
    text = (DEPLOY / 'prometheus' / 'alerts_test.yml').read_text()
    fires = set(re.findall(r'alertname: (\w+)\n *exp_alerts:\n', text))
    is_silent = set(re.findall(r'alertname: (\w+)\n *exp_alerts: \[\]', text))
    assert alerts == fires == is_silent


def dashboard_queries():
    dashboard = json.loads((DEPLOY / 'grafana' / 'kvick.json').read_text())
    return [(panel['title'], target['expr']) for panel in dashboard['panels'] for target in panel.get('targets', ())]


def test_prometheus_scrapes_evaluates_and_feeds_the_dashboard(serve, tmp_path):
    need('prometheus')
    server, address = serve({'threads': '2', 'slowlog-log-slower-than': '0'})
    stop = threading.Event()

    def keep_loading():
        with server.connect() as connection:
            while not stop.is_set():
                load(connection)
                time.sleep(0.05)

    loader = threading.Thread(target=keep_loading)
    loader.start()
    try:
        target = address.removeprefix('http://')
        with Prometheus(tmp_path, [target], DEPLOY / 'prometheus' / 'alerts.yml') as prometheus:
            prometheus.until(lambda: prometheus.query('count_over_time(redis_up[1m]) >= 6'), 'six scrapes')
            targets = prometheus.api('targets')['activeTargets']
            assert [entry['health'] for entry in targets] == ['up'], targets

            queries = dashboard_queries()
            assert len(queries) > 50
            silent = {(title, expression.replace('$__rate_interval', '5s').replace('$instance', '.*'))
                      for title, expression in queries}

            def all_have_had_data():
                silent.difference_update([query for query in silent if prometheus.query(query[1])])
                return not silent

            prometheus.until(all_have_had_data, lambda: f'data for {silent}')

            def rules():
                return [rule for group in prometheus.api('rules')['groups'] for rule in group['rules']]

            prometheus.until(lambda: all(rule['health'] == 'ok' for rule in rules()), 'all rules are evaluated')
            # Everything is slow here, and nothing else is wrong.
            prometheus.until(lambda: any(rule['name'] == 'KvickSlowCommands' and rule['state'] == 'firing'
                                         for rule in rules()), 'the alert of slow commands')
            firing = {rule['name'] for rule in rules() if rule['state'] == 'firing'}
            assert firing == {'KvickSlowCommands'}
    finally:
        stop.set()
        loader.join()
