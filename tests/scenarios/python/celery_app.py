"""The tasks of celery_tasks.py, as the worker process imports them."""

import os

import redis
from celery import Celery

url = os.environ['SERVER_URL']
app = Celery('scenario', broker=url + '/1', backend=url + '/2')
app.conf.update(result_expires=100, broker_connection_retry_on_startup=True)
client = redis.Redis.from_url(url)


@app.task
def add(left, right):
    client.rpush('ran', left)
    return left + right


@app.task
def total(numbers):
    return sum(numbers)


@app.task(bind=True, max_retries=3)
def fail_at_first(self):
    if client.incr('attempts') < 3:
        raise self.retry(countdown=0.1)
    return 'at last'


@app.task
def fail():
    raise ValueError('for good')
