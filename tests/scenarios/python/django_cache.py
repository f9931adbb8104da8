"""Django's cache API and sessions in the cache, through django-redis."""

import threading
import time

import django
from django.conf import settings

from scenario import URL, check, done

settings.configure(
    CACHES={'default': {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': URL + '/1', 'KEY_PREFIX': 'site',
                        'OPTIONS': {'CLIENT_CLASS': 'django_redis.client.DefaultClient'}}},
    SESSION_ENGINE='django.contrib.sessions.backends.cache', INSTALLED_APPS=['django.contrib.sessions'],
    SECRET_KEY='a secret of this scenario', USE_TZ=True)
django.setup()

from django.core.cache import cache  # noqa: E402  (needs the settings)
from django.contrib.sessions.backends.cache import SessionStore  # noqa: E402

with check('get, set, add, touch, versions'):
    assert cache.get('absent', 'default') == 'default'
    cache.set('thing', {'a': [1, 2], 'ü': None}, timeout=100)
    assert cache.get('thing') == {'a': [1, 2], 'ü': None}
    assert cache.add('thing', 1) is False and cache.add('new', 1) is True
    assert 95 < cache.ttl('thing') <= 100 and cache.touch('thing', 200) is True and cache.ttl('thing') > 195
    cache.set('thing', 'two', version=2)
    assert cache.get('thing', version=2) == 'two' and cache.get('thing') == {'a': [1, 2], 'ü': None}
    assert cache.incr_version('new') == 2 and cache.get('new') is None and cache.get('new', version=2) == 1
    cache.set('short', 1, timeout=0.1)
    time.sleep(0.15)
    assert cache.get('short') is None and cache.has_key('thing')

with check('many at once, counters, patterns'):
    cache.set_many({f'many:{number}': number for number in range(100)})
    assert cache.get_many([f'many:{number}' for number in range(101)]) == {f'many:{number}': number for number in range(100)}
    cache.set('counter', 5)
    threads = [threading.Thread(target=lambda: [cache.incr('counter') for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.get('counter') == 205 and cache.decr('counter', 5) == 200
    try:
        cache.incr('absent')
        raise AssertionError('a counter that is not there was counted')
    except ValueError:
        pass
    assert sorted(cache.keys('many:1?')) == [f'many:{number}' for number in range(10, 20)]
    assert len(list(cache.iter_keys('many:*'))) == 100
    assert cache.delete_pattern('many:*') == 100 and cache.keys('many:*') == []
    assert cache.get_or_set('computed', lambda: 42) == 42 and cache.get_or_set('computed', lambda: 43) == 42

with check('locks'):
    with cache.lock('lock', timeout=5):
        assert not cache.lock('lock', timeout=5).acquire(blocking=False)
    assert cache.lock('lock', timeout=5).acquire(blocking=False)

with check('sessions in the cache'):
    session = SessionStore()
    session['user'] = 'ada'
    session.set_expiry(50)
    session.save()
    again = SessionStore(session_key=session.session_key)
    assert again['user'] == 'ada'
    again.cycle_key()
    assert SessionStore(session_key=session.session_key).get('user') is None
    assert SessionStore(session_key=again.session_key).get('user') == 'ada'
    again.flush()
    assert SessionStore(session_key=again.session_key).get('user') is None
    cache.clear()
    assert cache.keys('*') == []

done()
