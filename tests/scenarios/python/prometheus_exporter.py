"""Prometheus's redis_exporter: it understands INFO, CONFIG, SLOWLOG, LATENCY and keys, and shows what happened."""

import re
import subprocess
import urllib.request

import redis

from scenario import PATIENCE_S, URL, check, done, wait_until
from free_port import free_port  # behind scenario, which knows where it is

client = redis.Redis.from_url(URL)
port = free_port()


def scrape():
    try:
        with urllib.request.urlopen(f'http://127.0.0.1:{port}/metrics', timeout=PATIENCE_S) as reply:
            text = reply.read().decode()
    except OSError:
        return None
    return dict(re.findall(r'^(redis_\S+(?:\{.*\})?) (\S+)$', text, re.MULTILINE))


client.mset({f'key:{number}': number for number in range(20)})
client.set('short', 1, ex=100)
client.rpush('list', *range(5))
for _ in range(10):
    client.get('key:1')
    client.get('absent')

log = open('exporter.log', 'w+')
exporter = subprocess.Popen(
    ['prometheus-redis-exporter', f'--redis.addr={URL}', f'--web.listen-address=127.0.0.1:{port}',
     '--check-single-keys=db0=list,db0=key:1', '--include-config-metrics', '--export-client-list'],
    stdout=log, stderr=subprocess.STDOUT)
try:
    wait_until(lambda: scrape() is not None, 'the exporter answers')
    metrics = scrape()

    with check('the server is up, and says what it is'):
        assert metrics['redis_up'] == '1' and metrics['redis_exporter_last_scrape_error{err=""}'] == '0'
        instance = next(name for name in metrics if name.startswith('redis_instance_info'))
        assert 'redis_mode="standalone"' in instance and 'role="master"' in instance
        assert float(metrics['redis_connected_clients']) >= 2 and float(metrics['redis_uptime_in_seconds']) >= 0
        assert float(metrics['redis_memory_used_bytes']) > 100_000 and float(metrics['redis_config_maxclients']) == 10_000
        assert any(name.startswith('redis_connected_clients_details') for name in metrics)

    with check('keys and commands are counted'):
        assert metrics['redis_db_keys{db="db0"}'] == '22' and metrics['redis_db_keys_expiring{db="db0"}'] == '1'
        assert metrics['redis_key_size{db="db0",key="list"}'] == '5'
        assert metrics['redis_key_value{db="db0",key="key:1"}'] == '1'
        assert float(metrics['redis_commands_total{cmd="get"}']) >= 20
        assert float(metrics['redis_keyspace_hits_total']) >= 10 and float(metrics['redis_keyspace_misses_total']) >= 10
        assert 'redis_slowlog_length' in metrics and 'redis_start_time_seconds' in metrics

    with check('a second look sees what was done between them'):
        before = float(metrics['redis_commands_total{cmd="get"}'])
        for _ in range(7):
            client.get('key:1')
        assert float(scrape()['redis_commands_total{cmd="get"}']) >= before + 7
except BaseException:
    log.seek(0)
    print(log.read()[-3000:])
    raise
finally:
    exporter.terminate()
    exporter.wait(PATIENCE_S)

done()
