"""What the jobs of rq_jobs.py run: the worker imports it by name."""

import os

import redis

client = redis.Redis.from_url(os.environ['SERVER_URL'])


def count(number):
    client.rpush('ran', number)
    return number * 2


def fail_at_first(number):
    if client.incr(f'attempts:{number}') < 3:
        raise ValueError('not yet')
    return 'at last'


def fail():
    raise ValueError('for good')
