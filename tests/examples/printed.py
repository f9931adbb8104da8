"""What every example prints, in either language. Numbers that differ from run to run are written N."""

import pathlib
import re

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / 'examples'

RATE_LIMITER = """\
FixedWindow
  yes, 2 left
  yes, 1 left
  yes, 0 left
  no, wait N ms
  no, wait N ms
  after the wait: yes
SlidingWindow
  yes, 2 left
  yes, 1 left
  yes, 0 left
  no, wait N ms
  no, wait N ms
  after the wait: yes
"""

LOCK = '3 workers, 20 deposits each, balance: 60\n'

LEADERBOARD = """\
top: 1 grace 420, 2 barbara 390, 3 donald 320
around donald: 2 barbara, 3 donald, 4 ada
"""

PYTHON = {
    'rate_limiter': RATE_LIMITER,
    'lock': LOCK,
    'leaderboard': LEADERBOARD,
    'session_store': """\
laptop: {'user': 'ada', 'device': 'laptop', 'cart': '3 books'}
ended: 2
laptop: None
""",
    'two_level_cache': """\
book costs 12
book costs 15
of 101 reads, answered here: N, loaded: 2
""",
}

NODE = {
    'rate_limiter': RATE_LIMITER,
    'lock': LOCK,
    'leaderboard': LEADERBOARD,
    'session_store': """\
laptop: { user: 'ada', device: 'laptop', cart: '3 books' }
ended: 2
laptop: null
""",
    'two_level_cache': """\
book costs 12
book costs 15
of 101 reads, answered here: 98, by the server: 3
""",
}


def without_chance(text):
    """redis-py is told of a change by another connection than the one that reads: one more read may go to the server."""
    return re.sub(r'wait \d+ ms', 'wait N ms', re.sub(r'answered here: 9\d, loaded', 'answered here: N, loaded', text))
