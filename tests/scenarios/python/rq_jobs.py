"""RQ: two worker processes, retries, dependencies, delays, failures."""

import datetime
import os
import pathlib
import subprocess
import sys

import redis
from rq import Queue, Retry
from rq.job import Job
from rq.registry import FailedJobRegistry, FinishedJobRegistry

import rq_functions
from scenario import PATIENCE_S, URL, check, done, wait_until

client = redis.Redis.from_url(URL)
queue = Queue('work', connection=client)
WORKER = '''
import sys
from redis import Redis
from rq import SimpleWorker
worker = SimpleWorker(["work"], connection=Redis.from_url(sys.argv[1]))
worker.work(burst=sys.argv[2] == "burst", with_scheduler=True, logging_level="WARNING")
'''


def start_worker(mode):
    environment = dict(os.environ, PYTHONPATH=str(pathlib.Path(__file__).parent))
    return subprocess.Popen([sys.executable, '-c', WORKER, URL, mode], env=environment, stderr=subprocess.PIPE)


with check('50 jobs through two workers: none lost, none twice'):
    jobs = [queue.enqueue(rq_functions.count, number) for number in range(50)]
    workers = [start_worker('burst') for _ in range(2)]
    for worker in workers:
        errors = worker.communicate(timeout=PATIENCE_S)[1]
        assert worker.returncode == 0, errors.decode()
    assert sorted(map(int, client.lrange('ran', 0, -1))) == list(range(50))
    assert [job.result for job in Job.fetch_many([job.id for job in jobs], client)] == [2 * n for n in range(50)]
    assert len(FinishedJobRegistry('work', connection=client)) == 50 and queue.count == 0

waiting = [start_worker('wait') for _ in range(2)]
try:
    with check('a waiting worker takes a job at once; dependencies, retries, failures'):
        first = queue.enqueue(rq_functions.count, 100)
        second = queue.enqueue(rq_functions.count, 101, depends_on=first)
        retried = queue.enqueue(rq_functions.fail_at_first, 1, retry=Retry(max=3))
        failed = queue.enqueue(rq_functions.fail)
        for job, status in ((first, 'finished'), (second, 'finished'), (retried, 'finished'), (failed, 'failed')):
            wait_until(lambda: job.get_status() == status, f'{job.func_name} {status}')
        assert retried.result == 'at last' and client.get('attempts:1') == b'3'
        assert [int(number) for number in client.lrange('ran', -2, -1)] == [100, 101]
        assert FailedJobRegistry('work', connection=client).get_job_ids() == [failed.id]
        failed.refresh()
        assert 'for good' in failed.exc_info

    with check('a job at a later time'):
        # RQ counts whole seconds: it may run up to one early.
        job = queue.enqueue_in(datetime.timedelta(seconds=2), rq_functions.count, 200)
        assert job.get_status() == 'scheduled'
        wait_until(lambda: job.get_status() == 'finished', 'the delayed job')
        job.refresh()
        assert job.started_at - job.created_at >= datetime.timedelta(seconds=0.9)
finally:
    for worker in waiting:
        worker.terminate()
for worker in waiting:
    worker.communicate(timeout=PATIENCE_S)

done()
