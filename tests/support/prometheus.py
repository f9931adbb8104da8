"""Prometheus's text format, read strictly, and a real Prometheus process.

    families = parse(text)              # {'redis_db_keys': Family(type='gauge', help=..., samples=[Sample(...)])}
    with Prometheus(folder, targets, rules) as prometheus:
        prometheus.query('redis_up')    # what its API answers
"""

import collections
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from free_port import free_port
from waiting import PATIENCE_S, wait_until

Sample = collections.namedtuple('Sample', 'name labels value')
Family = collections.namedtuple('Family', 'type help samples')

NAME = r'[a-zA-Z_:][a-zA-Z0-9_:]*'
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SUFFIXES = {'gauge': ('',), 'counter': ('',), 'summary': ('', '_sum', '_count'),
            'histogram': ('_bucket', '_sum', '_count')}


def _labels(text):
    labels = {}
    while text:
        match = re.match(LABEL + r'(,|$)', text)
        assert match, f'not a label: {text!r}'
        name, value, _ = match.groups()
        assert name not in labels, f'the label {name} comes twice'
        labels[name] = re.sub(r'\\(.)', lambda escape: {'n': '\n'}.get(escape[1], escape[1]), value)
        text = text[match.end():]
    return labels


def parse(text):
    """Fails on whatever is not exactly as the format's description has it."""
    assert text.endswith('\n')
    families = {}
    current, seen = None, set()
    pending_help = None
    for line in text.split('\n')[:-1]:
        if line.startswith('# HELP '):
            name, _, pending_help = line[len('# HELP '):].partition(' ')
            assert re.fullmatch(NAME, name) and name not in families, f'a second family: {line}'
            current = name
        elif line.startswith('# TYPE '):
            name, kind = line[len('# TYPE '):].split(' ')
            assert name == current and pending_help is not None and kind in SUFFIXES, line
            families[name] = Family(kind, pending_help, [])
            pending_help = None
        else:
            match = re.fullmatch(rf'({NAME})(?:\{{(.*)\}})? (\S+)', line)
            assert match, f'not a sample: {line!r}'
            name, labels, value = match[1], _labels(match[2] or ''), float(match[3])
            family = families[current]
            assert name in {current + suffix for suffix in SUFFIXES[family.type]}, f'{name} among {current}'
            key = (name, tuple(sorted(labels.items())))
            assert key not in seen, f'twice: {line}'
            seen.add(key)
            family.samples.append(Sample(name, labels, value))
    for name, family in families.items():
        _check_histogram(name, family)
    return families


def _check_histogram(name, family):
    """Buckets are cumulative, end with +Inf, and agree with the count."""
    if family.type != 'histogram':
        return
    series = collections.defaultdict(dict)
    counts = {}
    for sample in family.samples:
        labels = tuple(sorted((key, value) for key, value in sample.labels.items() if key != 'le'))
        if sample.name == name + '_bucket':
            series[labels][float(sample.labels['le'])] = sample.value
        elif sample.name == name + '_count':
            counts[labels] = sample.value
    for labels, buckets in series.items():
        values = [buckets[bound] for bound in sorted(buckets)]
        assert values == sorted(values) and float('inf') in buckets and values[-1] == counts[labels], (name, labels)


def value_of(families, name, **labels):
    """The one sample with at least these labels."""
    found = [sample for family in families.values() for sample in family.samples
             if sample.name == name and labels.items() <= sample.labels.items()]
    assert len(found) == 1, f'{name} {labels}: {found}'
    return found[0].value


def get(url, timeout_s=PATIENCE_S, method='GET'):
    """Status, headers, body."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=timeout_s) as reply:
            return reply.status, dict(reply.headers), reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


class Prometheus:
    """Scrapes every second; ends with the block."""

    def __init__(self, folder, targets, rules=None):
        self.port = free_port()
        config = {
            'global': {'scrape_interval': '1s', 'scrape_timeout': '1s', 'evaluation_interval': '1s'},
            'scrape_configs': [{'job_name': 'kvick', 'static_configs': [{'targets': targets}]}],
        }
        if rules is not None:
            shutil.copy(rules, folder / 'rules.yml')
            config['rule_files'] = ['rules.yml']
        (folder / 'prometheus.yml').write_text(json.dumps(config))  # JSON is YAML
        self.log = open(folder / 'prometheus.log', 'w+')
        self.process = subprocess.Popen(
            ['prometheus', f'--config.file={folder}/prometheus.yml', f'--storage.tsdb.path={folder}/data',
             f'--web.listen-address=127.0.0.1:{self.port}', '--log.level=warn'],
            stdout=self.log, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        self.log.close()

    def api(self, path, **parameters):
        url = f'http://127.0.0.1:{self.port}/api/v1/{path}'
        if parameters:
            url += '?' + urllib.parse.urlencode(parameters)
        status, _, body = get(url)
        if status == 503:
            raise ConnectionRefusedError('it is still starting')
        reply = json.loads(body)
        assert status == 200 and reply['status'] == 'success', f'{parameters}: {body}'
        return reply['data']

    def query(self, expression):
        return self.api('query', query=expression)['result']

    def until(self, condition, what):
        def is_up_and_true():
            try:
                return condition()
            except OSError:
                return None  # it is not up yet

        def how_it_is():
            self.log.seek(0)
            return f'{what() if callable(what) else what}\n{self.log.read()[-2000:]}'

        return wait_until(is_up_and_true, how_it_is, timeout_s=2 * PATIENCE_S, pause_s=0.2)
