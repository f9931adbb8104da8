"""Memory comes back: after most keys were deleted, on request, and as the directives of defragmentation say."""

import random
import time

from waiting import wait_until

KEYS = 300_000
BATCH = 5_000


def info(connection, section):
    lines = connection.call('INFO', section).decode().splitlines()
    return dict(line.split(':', 1) for line in lines if ':' in line)


def fill(connection):
    for start in range(0, KEYS, BATCH):
        words = []
        for i in range(start, start + BATCH):
            words += [f'key:{i:012}', f'value:{i:010}']
        assert connection.call('MSET', *words) == b'OK'


def delete(connection, share):
    names = random.Random(1).sample(range(KEYS), int(KEYS * share))
    for start in range(0, len(names), BATCH):
        connection.call('DEL', *[f'key:{i:012}' for i in names[start:start + BATCH]])
    return sorted(set(range(KEYS)) - set(names))


def between_blocks(connection):
    return int(info(connection, 'memory')['allocator_frag_bytes'])


def check(connection, left):
    assert connection.call('DBSIZE') == len(left)
    for i in left[::97]:
        assert connection.call('GET', f'key:{i:012}') == f'value:{i:010}'.encode()


def test_a_purge_moves_what_is_left_together(make_server):
    server = make_server({'threads': '2'}).start()
    with server.connect() as connection:
        fill(connection)
        left = delete(connection, 0.9)
        before = between_blocks(connection)
        assert before > 8 << 20  # and not so much that it is done without being asked for
        resident = int(info(connection, 'memory')['used_memory_rss'])
        connection.call('MEMORY', 'PURGE')
        wait_until(lambda: info(connection, 'memory')['active_defrag_running'] == '0')
        assert between_blocks(connection) < before / 2
        wait_until(lambda: int(info(connection, 'memory')['used_memory_rss']) < resident - before / 2)
        stats = info(connection, 'stats')
        assert int(stats['active_defrag_key_hits']) > len(left) / 2
        assert int(stats['active_defrag_hits']) >= int(stats['active_defrag_key_hits'])
        assert int(stats['active_defrag_key_misses']) > 0
        assert stats['current_active_defrag_time'] == '0'
        check(connection, left)
        connection.call('CONFIG', 'RESETSTAT')
        assert info(connection, 'stats')['active_defrag_hits'] == '0'


def test_the_directives_decide_while_defragmentation_is_on(make_server):
    server = make_server({'threads': '2', 'activedefrag': 'yes', 'active-defrag-ignore-bytes': '1gb'}).start()
    with server.connect() as connection:
        fill(connection)
        left = delete(connection, 0.9)
        before = between_blocks(connection)
        time.sleep(0.5)
        assert info(connection, 'stats')['active_defrag_hits'] == '0'
        connection.call('CONFIG', 'SET', 'active-defrag-ignore-bytes', '1mb', 'active-defrag-cycle-min', '5',
                        'active-defrag-cycle-max', '50')
        wait_until(lambda: between_blocks(connection) < before / 3)
        check(connection, left)


def test_by_itself_it_begins_when_much_is_lost(make_server):
    server = make_server({'threads': '2'}).start()
    with server.connect() as connection:
        assert connection.call('CONFIG', 'GET', 'activedefrag') == [b'activedefrag', b'no']
        for prefix in ('a', 'b', 'c'):
            for start in range(0, KEYS, BATCH):
                words = []
                for i in range(start, start + BATCH):
                    words += [f'{prefix}:{i:012}', 'x' * 20]
                connection.call('MSET', *words)
        dice = random.Random(2)
        for prefix in ('a', 'b', 'c'):
            for start in range(0, KEYS, BATCH):
                connection.call('DEL', *[f'{prefix}:{i:012}' for i in range(start, start + BATCH) if dice.random() < 0.9])
        used = int(info(connection, 'memory')['used_memory'])
        wait_until(lambda: between_blocks(connection) < used / 4, lambda: info(connection, 'memory'))
        assert int(info(connection, 'stats')['active_defrag_key_hits']) > 0
