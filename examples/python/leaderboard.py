"""A leaderboard in a sorted set: best scores, ranks, and the neighbours of a player.

    python3 leaderboard.py --url redis://127.0.0.1:6379
"""

import argparse
from typing import NamedTuple

import redis


class Place(NamedTuple):
    rank: int  # from 1
    player: str
    score: float


class Leaderboard:
    def __init__(self, client, name):
        self._client = client
        self._key = f'leaderboard:{name}'

    def submit(self, player, score):
        """Keeps the better of the score and the player's best. True when it is a new best."""
        return self._client.zadd(self._key, {player: score}, gt=True, ch=True) == 1

    def add(self, player, points):
        """Adds points to what the player has; returns the sum."""
        return self._client.zincrby(self._key, points, player)

    def top(self, count):
        return self._places(0, count - 1)

    def around(self, player, distance):
        """The player with `distance` neighbours on each side; nothing for a player without a score."""
        rank = self._client.zrevrank(self._key, player)
        return [] if rank is None else self._places(max(0, rank - distance), rank + distance)

    def place(self, player):
        """None for a player without a score."""
        with self._client.pipeline(transaction=True) as transaction:
            rank, score = transaction.zrevrank(self._key, player).zscore(self._key, player).execute()
        return None if rank is None else Place(rank + 1, player, score)

    def size(self):
        return self._client.zcard(self._key)

    def remove(self, player):
        return self._client.zrem(self._key, player) == 1

    def _places(self, first, last):
        rows = self._client.zrange(self._key, first, last, desc=True, withscores=True)
        return [Place(first + number, player, score) for number, (player, score) in enumerate(rows, 1)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--url', default='redis://127.0.0.1:6379')
    client = redis.Redis.from_url(parser.parse_args().url, decode_responses=True)

    board = Leaderboard(client, 'example')
    for player, score in {'ada': 310, 'grace': 420, 'edsger': 250, 'barbara': 390, 'donald': 120}.items():
        board.submit(player, score)
    board.submit('grace', 100)  # not her best
    board.add('donald', 200)
    print('top:', ', '.join(f'{place.rank} {place.player} {place.score:g}' for place in board.top(3)))
    print('around donald:', ', '.join(f'{place.rank} {place.player}' for place in board.around('donald', 1)))
    client.delete('leaderboard:example')


if __name__ == '__main__':
    main()
