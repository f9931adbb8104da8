"""Sessions as hashes that expire when nobody uses them.

    python3 session_store.py --url redis://127.0.0.1:6379

Each use moves the end. A set per user holds the user's sessions, so that all of them can be ended at once.
"""

import argparse
import secrets

import redis

# A session that expired between two requests must not come back as a hash with one field and no end.
UPDATE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
"""


class SessionStore:
    def __init__(self, client, idle_s=1800):
        self._client = client
        self._idle_s = idle_s
        self._update = client.register_script(UPDATE)

    def create(self, user, **fields):
        """Returns the session's id, which nobody can guess: it is what the cookie holds."""
        session = secrets.token_urlsafe(24)
        with self._client.pipeline(transaction=True) as transaction:
            transaction.hset(_session_key(session), mapping={'user': user, **fields})
            transaction.expire(_session_key(session), self._idle_s)
            transaction.sadd(_user_key(user), session)
            transaction.expire(_user_key(user), self._idle_s)
            transaction.execute()
        return session

    def load(self, session):
        """The fields of the session, whose time begins anew; None when it is over."""
        with self._client.pipeline(transaction=True) as transaction:
            fields, _ = transaction.hgetall(_session_key(session)).expire(_session_key(session), self._idle_s).execute()
        if not fields:
            return None
        self._client.expire(_user_key(fields['user']), self._idle_s)
        return fields

    def update(self, session, **fields):
        """False when the session is over."""
        words = [word for pair in fields.items() for word in pair]
        return self._update(keys=[_session_key(session)], args=[self._idle_s, *words]) == 1

    def end(self, session):
        user = self._client.hget(_session_key(session), 'user')
        if user is not None:
            with self._client.pipeline(transaction=True) as transaction:
                transaction.delete(_session_key(session)).srem(_user_key(user), session).execute()

    def end_all(self, user):
        """Signs the user out everywhere; returns how many sessions that ended."""
        sessions = self._client.smembers(_user_key(user))
        with self._client.pipeline(transaction=True) as transaction:
            for session in sessions:
                transaction.delete(_session_key(session))
            transaction.delete(_user_key(user))
            *ended, _ = transaction.execute()
        return sum(ended)  # some may have expired before


def _session_key(session):
    return f'session:{session}'


def _user_key(user):
    return f'user:{user}:sessions'


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--url', default='redis://127.0.0.1:6379')
    client = redis.Redis.from_url(parser.parse_args().url, decode_responses=True)

    store = SessionStore(client, idle_s=60)
    laptop = store.create('ada', device='laptop')
    store.create('ada', device='phone')
    store.update(laptop, cart='3 books')
    print('laptop:', store.load(laptop))
    print('ended:', store.end_all('ada'))
    print('laptop:', store.load(laptop))


if __name__ == '__main__':
    main()
