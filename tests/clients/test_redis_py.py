"""redis-py, the client of most Python programs."""

import threading
import time

import pytest
import redis

from waiting import PATIENCE_S


@pytest.fixture
def client(target):
    with redis.Redis(**target.redis_py_arguments()) as made:
        yield made


@pytest.fixture
def text_client(target):
    with redis.Redis(**target.redis_py_arguments(), decode_responses=True) as made:
        yield made


def test_strings(client):
    assert client.set('a', 'x') is True
    assert client.get('a') == b'x'
    assert client.get('absent') is None
    assert client.set('a', 'y', nx=True) is None
    assert client.set('a', 'y', xx=True, get=True) == b'x'
    assert client.append('a', 'z') == 2
    assert client.getrange('a', 0, -1) == b'yz'
    assert client.setrange('a', 5, '!') == 6
    assert client.strlen('a') == 6
    assert client.incr('n', 5) == 5
    assert client.decr('n') == 4
    assert client.incrbyfloat('f', 1.25) == 1.25
    assert client.mset({'b': 1, 'c': 2}) is True
    assert client.mget('b', 'absent', 'c') == [b'1', None, b'2']
    assert client.msetnx({'b': 3, 'd': 4}) is False
    assert client.getdel('b') == b'1'
    assert client.exists('b', 'c') == 1


def test_its_user_is_the_one_of_its_certificate(client, target):
    assert client.execute_command('ACL', 'WHOAMI') == target.user.encode()


def test_binary_values_survive(client):
    value = bytes(range(256)) * 1000
    client.set(b'\x00\xffkey', value)
    assert client.get(b'\x00\xffkey') == value


def test_decode_responses(text_client):
    text_client.set('naïve', 'Ωmega')
    assert text_client.get('naïve') == 'Ωmega'
    assert text_client.keys('na*') == ['naïve']
    assert text_client.client_getname() is None


def test_expiry(client):
    client.set('a', 'x', ex=100)
    assert 40 <= client.ttl('a') <= 100
    client.set('b', 'x', px=30)
    assert client.pexpire('a', 500_000) is True
    assert 440_000 < client.pttl('a') <= 500_000
    assert client.persist('a') is True
    assert client.ttl('a') == -1
    assert client.expireat('a', 4_102_444_800) is True
    assert client.expiretime('a') == 4_102_444_800
    assert client.expire('a', 10, gt=True) is False
    time.sleep(0.05)
    assert client.get('b') is None
    assert client.ttl('b') == -2
    assert client.getex('a', persist=True) == b'x'
    assert client.ttl('a') == -1


def test_keys_and_databases(client, target):
    client.set('a', '1')
    assert client.rename('a', 'b') is True
    assert client.copy('b', 'c') is True
    assert client.type('c') == b'string'
    assert client.object('encoding', 'c') == b'int'
    assert client.move('c', 2) is True
    with redis.Redis(**target.redis_py_arguments(), db=2) as other:
        assert other.dbsize() == 1
        assert other.get('c') == b'1'
        assert other.flushdb() is True
    assert client.dbsize() == 1
    assert client.unlink('b') == 1
    assert client.randomkey() is None


def test_pipeline_without_transaction(client):
    with client.pipeline(transaction=False) as pipeline:
        for number in range(5000):
            pipeline.set(f'key:{number}', number)
            pipeline.get(f'key:{number}')
        replies = pipeline.execute()
    assert replies[::2] == [True] * 5000
    assert replies[1::2] == [b'%d' % number for number in range(5000)]


def test_error_in_a_pipeline_does_not_disturb_the_others(client):
    with client.pipeline(transaction=False) as pipeline:
        replies = pipeline.set('a', 'x').incr('a').get('a').execute(raise_on_error=False)
    assert replies[0] is True and replies[2] == b'x'
    assert isinstance(replies[1], redis.ResponseError)


def test_transaction(client, shared_server, need_command):
    need_command(shared_server, 'multi')
    with client.pipeline(transaction=True) as pipeline:
        assert pipeline.set('a', 1).incr('a').execute() == [True, 2]

    with client.pipeline() as pipeline:
        pipeline.watch('a')
        client.set('a', 'changed')
        pipeline.multi()
        pipeline.set('a', 'lost')
        with pytest.raises(redis.WatchError):
            pipeline.execute()
    assert client.get('a') == b'changed'


def test_lock(client, shared_server, need_command):
    need_command(shared_server, 'eval')
    first, second = client.lock('resource', timeout=100), client.lock('resource', timeout=100)
    assert first.acquire(blocking=False)
    assert not second.acquire(blocking=False)
    first.release()
    assert second.acquire(blocking=False)


def test_scan_iter(client):
    client.mset({f'user:{number}': number for number in range(1000)})
    client.set('other', 1)
    assert set(client.scan_iter('user:*', count=50)) == {b'user:%d' % number for number in range(1000)}
    assert set(client.scan_iter(_type='string')) >= {b'other'}
    assert list(client.scan_iter(_type='list')) == []


def test_error_classes(client, target):
    client.set('a', 'text')
    with pytest.raises(redis.ResponseError, match='value is not an integer or out of range'):
        client.incr('a')
    with pytest.raises(redis.ResponseError, match='unknown command'):
        client.execute_command('NOSUCH')
    with pytest.raises(redis.ResponseError, match="wrong number of arguments for 'get' command"):
        client.execute_command('GET')
    with pytest.raises(redis.ResponseError, match='invalid expire time'):
        client.setex('a', -1, 'x')
    # Which class depends on the version of redis-py, the text on the server.
    with pytest.raises((redis.AuthenticationError, redis.ResponseError), match='invalid username-password pair'):
        redis.Redis(**target.redis_py_arguments(), username='nobody', password='wrong').ping()
    with pytest.raises(redis.ResponseError, match='out of range'):
        redis.Redis(**target.redis_py_arguments(), db=99).ping()
    with pytest.raises(redis.ResponseError, match="Unknown option or number of arguments for CONFIG SET - 'nosuch'"):
        client.config_set('nosuch', 1)


def test_server_introspection(client):
    client.client_setname('tester')
    assert client.client_getname() == 'tester'
    mine = next(entry for entry in client.client_list() if entry['id'] == str(client.client_id()))
    assert mine['name'] == 'tester' and mine['db'] == '0'
    assert client.config_get('maxmemory') == {'maxmemory': '0'}
    assert client.config_set('maxmemory-samples', 7) is True
    assert client.config_get('maxmemory-samples') == {'maxmemory-samples': '7'}
    assert client.config_set('maxmemory-samples', 5) is True
    info = client.info()
    assert info['redis_mode'] == 'standalone' and info['loading'] == 0
    assert int(info['redis_version'].split('.')[0]) >= 7
    before = int(time.time())
    seconds, microseconds = client.time()
    assert before <= seconds <= time.time() and 0 <= microseconds < 1_000_000
    assert client.echo('x') == b'x' and client.ping() is True
    assert client.command_count() > 50


def test_connection_pool_with_threads(target):
    pool = redis.ConnectionPool.from_url(target.redis_py_url(), max_connections=20)
    client = redis.Redis(connection_pool=pool)
    failures = []

    def work(worker):
        try:
            for number in range(300):
                client.incr('total')
                client.set(f'{worker}:{number}', number)
                assert client.get(f'{worker}:{number}') == b'%d' % number
        except Exception as error:  # shown by the main thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert client.get('total') == b'4800'
    assert client.dbsize() == 4801
    pool.disconnect()


def test_reconnects_after_a_restart(make_server):
    server = make_server().start()
    client = redis.Redis(port=server.port, retry_on_error=[redis.ConnectionError], socket_connect_timeout=PATIENCE_S)
    assert client.ping()
    server.restart()
    assert client.ping()


@pytest.mark.skipif(int(redis.__version__.split('.')[0]) < 5, reason='redis-py before 5 has no RESP3')
def test_resp3(target):
    client = redis.Redis(**target.redis_py_arguments(), protocol=3)
    assert client.set('a', 'x') and client.get('a') == b'x'
    assert client.config_get('maxmemory') == {'maxmemory': '0'}
