"""The examples with redis-py."""

import importlib.util
import subprocess
import sys
import threading
import time

import pytest
import redis

import printed
from printed import EXAMPLES
from waiting import PATIENCE_S, wait_until

FOLDER = EXAMPLES / 'python'


def load(name):
    """The example as a module."""
    spec = importlib.util.spec_from_file_location(f'example_{name}', FOLDER / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def client(url):
    with redis.Redis.from_url(url, decode_responses=True) as made:
        yield made


def test_every_example_is_tested():
    assert sorted(printed.PYTHON) == sorted(path.stem for path in FOLDER.glob('*.py'))


@pytest.mark.parametrize('name', printed.PYTHON)
def test_program(url, name):
    done = subprocess.run([sys.executable, FOLDER / f'{name}.py', '--url', url], capture_output=True, text=True,
                          timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    assert printed.without_chance(done.stdout) == printed.PYTHON[name]


@pytest.mark.parametrize('kind', ['FixedWindow', 'SlidingWindow'])
def test_rate_limiter_holds_its_limit_under_concurrency(client, kind):
    limiter = getattr(load('rate_limiter'), kind)(client, limit=50, window_ms=60_000)
    allowed = []

    def knock():
        allowed.extend(limiter.hit('ada').allowed for _ in range(25))

    threads = [threading.Thread(target=knock) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(allowed) == 100 and sum(allowed) == 50
    refused = limiter.hit('ada')
    assert not refused.allowed and refused.remaining == 0 and 0 < refused.retry_after_ms <= 60_000
    assert limiter.hit('grace') == (True, 49, 0)


def test_sliding_window_frees_each_request_in_its_turn(client):
    limiter = load('rate_limiter').SlidingWindow(client, limit=2, window_ms=600_000)

    def let_pass(seconds):
        """As if all requests so far had come by so much earlier."""
        for request in client.zrange('rate:sliding:ada', 0, -1):
            client.zincrby('rate:sliding:ada', -seconds * 1_000_000, request)

    assert limiter.hit('ada').allowed
    let_pass(300)
    assert limiter.hit('ada').allowed
    wait = limiter.hit('ada')
    assert not wait.allowed and 0 < wait.retry_after_ms <= 300_000  # the first leaves, the second stays
    let_pass(wait.retry_after_ms / 1000)
    assert limiter.hit('ada').allowed
    assert not limiter.hit('ada').allowed


def test_sliding_window_lets_a_request_in_after_the_wait(client):
    limiter = load('rate_limiter').SlidingWindow(client, limit=1, window_ms=1000)
    assert limiter.hit('ada').allowed
    time.sleep(limiter.hit('ada').retry_after_ms / 1000)
    assert limiter.hit('ada').allowed


def test_fixed_window_ends_with_its_first_request(client):
    limiter = load('rate_limiter').FixedWindow(client, limit=5, window_ms=60_000)
    limiter.hit('ada')
    client.pexpire('rate:fixed:ada', 30_000)
    limiter.hit('ada')
    assert client.pttl('rate:fixed:ada') <= 30_000


def test_lock_excludes_and_only_its_owner_releases_it(client):
    lock = load('lock')
    first, second = lock.Lock(client, 'x', ttl_ms=60_000), lock.Lock(client, 'x', ttl_ms=60_000, wait_s=0.1)
    assert first.try_acquire() and not second.try_acquire()
    with pytest.raises(lock.LockTimeout):
        second.acquire()
    client.set('lock:x', 'another holder')
    assert first.release() is False and first.renew() is False
    assert client.get('lock:x') == 'another holder'
    client.delete('lock:x')
    assert second.try_acquire() and second.release() and not client.exists('lock:x')


def test_lock_is_renewed_while_it_is_held_and_says_when_it_was_lost(client):
    lock = load('lock')
    with lock.Lock(client, 'x', ttl_ms=6000) as held:
        for _ in range(2):  # less is left of it, and then more
            wait_until(lambda: client.pttl('lock:x') < 5500)
            wait_until(lambda: 5500 < client.pttl('lock:x') <= 6000)
        assert not held.lost.is_set()
        client.set('lock:x', 'another holder')
        assert held.lost.wait(PATIENCE_S)
    assert client.get('lock:x') == 'another holder'


def test_lock_expires_with_its_holder(client):
    lock = load('lock')
    started = time.monotonic()
    assert lock.Lock(client, 'x', ttl_ms=100).try_acquire()
    waiting = lock.Lock(client, 'x', ttl_ms=60_000, wait_s=PATIENCE_S)
    waiting.acquire()
    assert time.monotonic() - started > 0.099
    assert waiting.release()


def test_leaderboard(client):
    board = load('leaderboard').Leaderboard(client, 'x')
    assert board.submit('ada', 10) and not board.submit('ada', 5) and board.submit('ada', 20)
    assert board.add('grace', 15) == 15
    for number in range(20):
        board.submit(f'player {number:02}', number / 10)
    assert board.size() == 22
    assert board.top(2) == [(1, 'ada', 20), (2, 'grace', 15)]
    assert board.place('ada') == (1, 'ada', 20) and board.place('nobody') is None
    assert board.around('player 10', 1) == [(11, 'player 11', 1.1), (12, 'player 10', 1.0), (13, 'player 09', 0.9)]
    assert [place.rank for place in board.around('ada', 2)] == [1, 2, 3] and board.around('nobody', 2) == []
    assert board.remove('ada') and not board.remove('ada')
    assert board.top(1) == [(1, 'grace', 15)]


def test_sessions_live_while_they_are_used(client):
    store = load('session_store').SessionStore(client, idle_s=100)
    session = store.create('ada', device='laptop')
    key = f'session:{session}'
    assert 95 < client.ttl(key) <= 100
    client.expire(key, 5)
    assert store.load(session) == {'user': 'ada', 'device': 'laptop'}
    assert client.ttl(key) > 95
    client.expire(key, 5)
    assert store.update(session, cart='1 book', page='2')
    assert client.ttl(key) > 95
    assert store.load(session) == {'user': 'ada', 'device': 'laptop', 'cart': '1 book', 'page': '2'}

    client.delete(key)  # as if it had expired
    assert store.load(session) is None and store.update(session, cart='ghost') is False
    assert not client.exists(key)


def test_sessions_end(client):
    store = load('session_store').SessionStore(client)
    first, second, other = store.create('ada'), store.create('ada'), store.create('grace')
    store.end(first)
    store.end('no such session')
    assert store.load(first) is None and client.smembers('user:ada:sessions') == {second}
    assert store.end_all('ada') == 1 and store.end_all('ada') == 0
    assert store.load(second) is None and store.load(other) == {'user': 'grace'}
    assert client.keys('*ada*') == []


@pytest.fixture
def open_cache(url):
    made = []

    def make(load_value, **options):
        made.append(load('two_level_cache').TwoLevelCache(url, load_value, **options))
        return made[-1]

    yield make
    for cache in made:
        cache.close()


def until_near(cache, key, value):
    """Reads until a read is answered in this process."""
    near = cache.answers['near']
    wait_until(lambda: cache.get(key) == value and cache.answers['near'] > near)


@pytest.mark.parametrize('change', [
    ['DEL', 'cache:book'], ['SET', 'cache:book', 'changed'], ['PEXPIRE', 'cache:book', '20'],
    ['RENAME', 'cache:book', 'elsewhere'], ['FLUSHALL'], ['EVAL', "redis.call('append', KEYS[1], '!')", '1', 'cache:book']],
    ids=lambda change: change[0])
def test_cache_follows_every_kind_of_change(client, open_cache, change):
    source = {'book': b'first'}
    one, two = open_cache(source.__getitem__), open_cache(source.__getitem__)
    until_near(one, 'book', b'first')
    until_near(two, 'book', b'first')
    source['book'] = b'second'
    client.execute_command(*change)
    expected = {'SET': b'changed', 'EVAL': b'first!'}.get(change[0], b'second')
    for cache in (one, two):
        wait_until(lambda: cache.get('book') == expected)
        until_near(cache, 'book', expected)
    two.forget('book')
    wait_until(lambda: one.get('book') == b'second')


def test_cache_asks_the_server_only_for_what_it_does_not_hold(open_cache):
    cache = open_cache(lambda key: key.upper().encode())
    names = [f'key {number}' for number in range(50)]
    for name in names:
        until_near(cache, name, name.upper().encode())
    before = dict(cache.answers)
    assert before['loaded'] == 50
    assert [cache.get(name) for name in names] == [name.upper().encode() for name in names]
    assert cache.answers == {**before, 'near': before['near'] + 50}


def test_cache_survives_the_loss_of_its_listener(client, open_cache):
    cache = open_cache({'book': b'12'}.__getitem__)
    until_near(cache, 'book', b'12')
    before = cache._client
    # The newest that subscribes: those of earlier tests may be on their way out.
    client.client_kill_filter(_id=max(int(row['id']) for row in client.client_list() if int(row['sub']) == 1))
    client.set('cache:book', 'changed')
    wait_until(lambda: cache.get('book') == b'changed')
    wait_until(lambda: cache._client is not before and cache._tracks)
    until_near(cache, 'book', b'changed')
    client.set('cache:book', 'again')
    wait_until(lambda: cache.get('book') == b'again')
