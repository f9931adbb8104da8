"""The scenarios: each a program that uses one library as its users do, and prints `ok WHAT` for what it found to be so.

A program gets the server's address in SERVER_URL. A library comes from npm (package.json) or from Debian (the section
[scenarios] of packages.txt); a scenario whose Debian package is not there is not run, and says why.
"""

import dataclasses
import functools
import json
import pathlib
import re
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = '/usr/bin/python3'  # Debian's, which sees Debian's packages


@functools.cache
def _npm_package(name):
    path = HERE / 'node_modules' / name / 'package.json'
    return json.loads(path.read_text()) if path.exists() else None


@functools.cache
def _debian_version(package):
    """None when it is not installed."""
    asked = subprocess.run(['dpkg-query', '--show', '--showformat=${db:Status-Status} ${Version}', package],
                           capture_output=True, text=True, check=False)
    status, _, version = asked.stdout.partition(' ')
    return version if asked.returncode == 0 and status == 'installed' else None


@dataclasses.dataclass(frozen=True)
class Scenario:
    """`packages`: the first is the library that the scenario is about, the others are what it needs besides."""

    name: str
    library: str
    language: str
    program: str
    packages: tuple
    environment: dict = dataclasses.field(default_factory=dict)
    timeout_s: int = 240

    def command(self, build_folder):
        """What runs it. A program in C is compiled first."""
        path = HERE / self.program
        if path.suffix == '.c':
            binary = build_folder / path.stem
            subprocess.run(['cc', '-std=c11', '-Wall', '-Wextra', '-O1', '-o', binary, path, '-lhiredis'], check=True)
            return [binary]
        return [{'.mjs': 'node', '.py': PYTHON, '.php': 'php', '.rb': 'ruby', '.pl': 'perl'}[path.suffix], path]

    def version(self):
        """Of the library as its makers count it: 2.4.1 of Debian's 1:2.4.1+ds-3."""
        if self.language == 'JavaScript':
            found = _npm_package(self.packages[0])
            return found and found['version']
        version = _debian_version(self.packages[0])
        return version and re.match(r'(?:\d+:)?([\d.]*\d)', version)[1]

    def why_not(self):
        """The reason why this machine cannot run it; empty when it can."""
        if self.language == 'JavaScript':
            if shutil.which('node') is None:
                return 'there is no node.js'
            # Some say that they want node.js 20. All were seen to run with Debian's 18 too.
            for name in self.packages:
                assert _npm_package(name), f'{name} is not installed: npm ci --ignore-scripts in tests/scenarios'
            return ''
        missing = [name for name in self.packages if _debian_version(name) is None]
        return f'not installed: {" ".join(missing)} (./dev test scenarios installs it)' if missing else ''


def _node(name, library, *packages, **more):
    return Scenario(name, library, 'JavaScript', f'node/{name}.mjs', packages, **more)


SCENARIOS = (
    _node('bullmq', 'BullMQ', 'bullmq', 'ioredis', 'redis'),
    dataclasses.replace(_node('bullmq', 'BullMQ on node-redis', 'bullmq', 'redis'), name='bullmq_node_redis',
                        environment={'CLIENT': 'redis'}),
    _node('bee_queue', 'bee-queue', 'bee-queue'),
    _node('rate_limiter_flexible', 'rate-limiter-flexible', 'rate-limiter-flexible', 'ioredis', 'redis'),
    _node('redlock', 'redlock', 'redlock', 'ioredis'),
    _node('connect_redis', 'connect-redis, express-session', 'connect-redis', 'express', 'express-session', 'redis'),
    _node('cache_manager', 'cache-manager, @keyv/redis', 'cache-manager', '@keyv/redis', 'keyv'),
    _node('socket_io', 'socket.io Redis adapter', '@socket.io/redis-adapter', 'socket.io', 'socket.io-client', 'redis'),
    Scenario('rq', 'RQ', 'Python', 'python/rq_jobs.py', ('python3-rq',)),
    Scenario('celery', 'Celery', 'Python', 'python/celery_tasks.py', ('python3-celery', 'python3-redis')),
    Scenario('django', 'Django cache and sessions (django-redis)', 'Python', 'python/django_cache.py',
             ('python3-django-redis', 'python3-django')),
    Scenario('prometheus_exporter', 'Prometheus redis_exporter', 'Go', 'python/prometheus_exporter.py',
             ('prometheus-redis-exporter',)),
    Scenario('phpredis', 'phpredis', 'PHP', 'php/phpredis.php', ('php-redis', 'php-cli')),
    Scenario('redis_rb', 'redis-rb', 'Ruby', 'ruby/redis_rb.rb', ('ruby-redis',)),
    Scenario('sidekiq', 'Sidekiq', 'Ruby', 'ruby/sidekiq_jobs.rb', ('ruby-sidekiq', 'ruby-redis')),
    Scenario('redis_perl', 'Redis.pm', 'Perl', 'perl/redis_perl.pl', ('libredis-perl',)),
    Scenario('hiredis', 'hiredis', 'C', 'c/hiredis.c', ('libhiredis-dev',)),
)
