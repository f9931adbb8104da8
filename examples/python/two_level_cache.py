"""A cache in two levels: a dictionary in this process before the server that all processes share.

    python3 two_level_cache.py --url redis://127.0.0.1:6379

The server remembers which keys this process read (CLIENT TRACKING) and says when one of them changes, whoever changes
it, so that the dictionary never needs to guess how long a value stays good. redis-py before 5 speaks RESP2 only, where
such messages cannot come between replies: they are redirected to a second connection, which subscribes to
`__redis__:invalidate`.
"""

import argparse
import threading
import time

import redis

INVALIDATIONS = '__redis__:invalidate'


class TwoLevelCache:
    """`load(key)` fetches what neither level has. `close` ends the connections."""

    def __init__(self, url, load, ttl_s=300, prefix='cache:'):
        self._load = load
        self._ttl_s = ttl_s
        self._prefix = prefix
        self._mutex = threading.Lock()
        self._near = {}  # key to value, or to the mark of a read that is on its way
        self._tracks = False
        self.answers = {'near': 0, 'far': 0, 'loaded': 0}

        self._closing = threading.Event()
        self._listens = threading.Event()
        # A pool of one, so that CLIENT ID and SUBSCRIBE go through the same connection.
        self._listener = redis.Redis(
            connection_pool=redis.ConnectionPool.from_url(url, max_connections=1, health_check_interval=10))
        self._url = url
        self._client = redis.Redis.from_url(url)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        self._listens.wait(5)

    def get(self, key):
        name = self._prefix + key
        mark = object()
        with self._mutex:
            found = self._near.get(name)
            if isinstance(found, bytes):
                self.answers['near'] += 1
                return found
            # The invalidation may overtake the reply, as it comes through another connection. It removes the mark,
            # and then the reply is not kept.
            if self._tracks:
                self._near[name] = mark
            client = self._client
        value = client.get(name)
        with self._mutex:
            if self._near.get(name) is mark:
                if value is None:
                    del self._near[name]
                else:
                    self._near[name] = value
        if value is not None:
            self.answers['far'] += 1
            return value
        value = self._load(key)
        client.set(name, value, ex=self._ttl_s)
        self.answers['loaded'] += 1
        return value

    def forget(self, key):
        """In every process: what it names has changed."""
        self._client.delete(self._prefix + key)

    def close(self):
        self._closing.set()
        self._thread.join()
        self._client.connection_pool.disconnect()
        self._listener.connection_pool.disconnect()

    def _listen(self):
        while not self._closing.is_set():
            try:
                client = self._tracking_client(self._listener.client_id())
                with self._listener.pubsub() as subscription:
                    subscription.subscribe(INVALIDATIONS)
                    subscription.get_message(timeout=1)  # that it subscribed
                    with self._mutex:
                        self._client = client
                        self._tracks = True
                    self._listens.set()
                    while not self._closing.is_set():
                        message = subscription.get_message(timeout=0.1)
                        if message is not None and message['type'] == 'message':
                            self._drop(message['data'])
            except redis.ConnectionError:
                # Nobody says any more what changed: keep nothing until somebody does.
                with self._mutex:
                    self._tracks = False
                    self._near.clear()
                time.sleep(0.2)

    def _tracking_client(self, listener_id):
        """A client whose every connection has its invalidations sent to the listener."""

        def on_connect(connection):
            connection.on_connect()
            connection.send_command('CLIENT', 'TRACKING', 'ON', 'REDIRECT', listener_id)
            connection.read_response()

        return redis.Redis.from_url(self._url, redis_connect_func=on_connect)

    def _drop(self, names):
        with self._mutex:
            if names is None:  # the server was flushed
                self._near.clear()
            else:
                for name in names:
                    self._near.pop(name.decode(), None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--url', default='redis://127.0.0.1:6379')
    url = parser.parse_args().url

    prices = {'book': b'12'}
    cache = TwoLevelCache(url, prices.__getitem__)
    cache.forget('book')
    for _ in range(100):
        price = cache.get('book')
    print('book costs', price.decode())
    prices['book'] = b'15'
    redis.Redis.from_url(url).delete('cache:book')  # any client may do this
    time.sleep(0.2)
    print('book costs', cache.get('book').decode())
    print(f"of 101 reads, answered here: {cache.answers['near']}, loaded: {cache.answers['loaded']}")
    cache.close()


if __name__ == '__main__':
    main()
