"""Celery with Redis as broker and as result backend: one worker process with threads."""

import os
import pathlib
import subprocess
import sys
import time

import redis
from celery import chain, chord, group

import celery_app
from celery_app import add, fail, fail_at_first, total
from scenario import PATIENCE_S, URL, check, done, wait_until


# A function, because results that live until Python ends complain of its being half gone.
def main():
    with check('100 tasks: none lost, none twice, every result'):
        results = [add.delay(number, 1) for number in range(100)]
        assert [result.get(timeout=PATIENCE_S) for result in results] == [number + 1 for number in range(100)]
        assert sorted(map(int, client.lrange('ran', 0, -1))) == list(range(100))

    with check('groups, chains, chords'):
        assert group(add.s(number, number) for number in range(10))().get(timeout=PATIENCE_S) == list(range(0, 20, 2))
        assert chain(add.s(1, 2), add.s(3), add.s(4))().get(timeout=PATIENCE_S) == 10
        assert chord(add.s(number, 1) for number in range(20))(total.s()).get(timeout=PATIENCE_S) == sum(range(1, 21))

    with check('retries and failures'):
        assert fail_at_first.delay().get(timeout=PATIENCE_S) == 'at last' and client.get('attempts') == b'3'
        failed = fail.delay()
        try:
            failed.get(timeout=PATIENCE_S)
            raise AssertionError('it did not fail')
        except ValueError as error:
            assert str(error) == 'for good'
        assert failed.state == 'FAILURE'

    with check('countdown, remote control, expiry of results'):
        started = time.monotonic()
        later = add.apply_async((1000, 1), countdown=1)
        assert later.get(timeout=PATIENCE_S) == 1001 and time.monotonic() - started >= 0.9
        pong = wait_until(lambda: celery_app.app.control.ping(timeout=2), 'the worker answers')
        assert len(pong) == 1 and list(pong[0].values()) == [{'ok': 'pong'}]
        backend = redis.Redis.from_url(URL, db=2)
        assert 90 < backend.ttl(f'celery-task-meta-{later.id}') <= 100
        later.forget()
        assert not backend.exists(f'celery-task-meta-{later.id}')

client = redis.Redis.from_url(URL)
here = pathlib.Path(__file__).resolve().parent
log = open('worker.log', 'w+')
worker = subprocess.Popen(
    [sys.executable, '-m', 'celery', '-A', 'celery_app', 'worker', '--pool=threads', '--concurrency=4', '--without-mingle',
     '--without-gossip', '--loglevel=WARNING'], cwd=here, env=dict(os.environ, PYTHONDONTWRITEBYTECODE='1'), stdout=log,
    stderr=subprocess.STDOUT)
try:
    main()
except BaseException:
    log.seek(0)
    print(log.read()[-3000:])
    raise
finally:
    worker.terminate()
    worker.wait(PATIENCE_S)

done()
