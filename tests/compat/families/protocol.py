"""Bytes instead of commands: requests right, wrong, inline and torn apart, each on a connection of its own."""

import re

from grammar import Family
from plan import RawExchange
from resp import encode_command

family = Family('protocol', mixed=False, share=0.02)  # a connection for each unit
row = family.row


def torn(dice, data):
    """The same bytes in pieces, cut at random places."""
    if dice.chance(0.4) or len(data) < 2:
        return [data]
    cuts = sorted({dice.integer(1, len(data) - 1) for _ in range(dice.integer(1, 6))})
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)])]


def exchange(dice, data, ends=False, normalise=None):
    return [RawExchange(torn(dice, data), ends, normalise)]


def existing(dice, commands):
    """One of those that both servers have."""
    return dice.pick([words for words in commands if words[0] == b'nosuch' or dice.has_command(words[0].decode())])


def some_command(dice):
    return existing(dice, [
        [b'PING'], [b'PING', dice.value()], [b'ECHO', dice.value()], [b'SET', dice.key('string'), dice.value()],
        [b'GET', dice.key('string')], [b'SET', dice.key('string')], [b'MGET', b'a', b'b'], [b'nosuch', b'argument']])


@row('PING', weight=8, mutate=False)
def well_formed(dice):
    return exchange(dice, b''.join(encode_command(some_command(dice)) for _ in range(dice.integer(1, 6))))


# Requests that are no error but mean nothing, and requests that end the connection. Some command stands before, whose
# reply must still arrive.
EMPTY_REQUESTS = [b'*0\r\n', b'\r\n', b'*-1\r\n', b'*-5\r\n', b'\n', b'   \r\n', b'*0\r\n*0\r\n', b'\t\r\n']
FATAL_REQUESTS = [
    b'*abc\r\n', b'*2147483648\r\n', b'*99999999999999999999\r\n', b'*\r\n', b'* 1\r\n', b'*1 \r\n',
    b'*+1\r\n', b'*01\r\n', b'*1\r\n:1\r\n', b'*1\r\n\r\n', b'*1\r\nPING\r\n', b'*1\r\n+PING\r\n',
    b'*1\r\n$abc\r\n', b'*1\r\n$-1\r\n', b'*1\r\n$-5\r\n', b'*1\r\n$536870913\r\n', b'*1\r\n$99999999999999999999\r\n',
    b'*1\r\n$\r\n', b'*1\r\n$ 4\r\nPING\r\n', b'*1\r\n$4 \r\nPING\r\n', b'*1\r\n$+4\r\nPING\r\n', b'*1\r\n$04\r\nPING\r\n',
    b'*1\r\n$4x\r\nPING\r\n', b'*3\r\n$3\r\nSET\r\n$1\r\na\r\n#t\r\n', b'*-99999999999999999999\r\n',
    b'GET "unbalanced\r\n', b"GET 'unbalanced\r\n", b'SET a "b"c\r\n', b"SET a 'b'c\r\n", b'"\r\n', b'SET a "\\x4\r\n',
]


@row('PING', weight=3, mutate=False)
def empty_requests(dice):
    return exchange(dice, dice.pick(EMPTY_REQUESTS) + encode_command(some_command(dice)) + dice.pick(EMPTY_REQUESTS))


@row('PING', weight=8, mutate=False)
def fatal_requests(dice):
    before = b''.join(encode_command(some_command(dice)) for _ in range(dice.integer(0, 2)))
    after = encode_command([b'SET', b'string:0', b'after the error']) if dice.chance(0.5) else b''
    return exchange(dice, before + dice.pick(FATAL_REQUESTS) + after, ends=True)


@row('PING', weight=2, mutate=False)
def line_too_long(dice):
    """64 KiB without an end of line: an inline request, a count and a length, each with its own error."""
    start = dice.pick([b'', b'*', b'*1\r\n$'])
    return exchange(dice, start + b'1' * 66_000, ends=True)


INLINE = [
    b'PING\r\n', b'PING\n', b'ping hello\r\n', b'  PING  \r\n', b'ECHO "hello world"\r\n', b"ECHO 'hello world'\r\n",
    b'ECHO "\\x41\\n\\r\\t\\a\\b\\\\\\""\r\n', b"ECHO 'it\\'s'\r\n", b"ECHO 'a\\nb'\r\n", b'ECHO ""\r\n', b"ECHO ''\r\n",
    b'SET string:0 value\r\n', b'GET string:0\r\n', b'PING\tx\r\n', b'ECHO \xff\xfe\r\n', b'ECHO "\\xff\\x00"\r\n',
    b'nosuch a b\r\n', b'GET\r\n', b'ECHO "\\q\\xzz"\r\n', b'PING\r\nPING\r\n', b'ECHO a"b"\r\n', b'ECHO $4\r\n', b'"PING"\r\n',
    b'PING\r\r\n', b'ECHO *1\r\n', b'+PING\r\n', b'$4\r\n',
]


@row('PING', weight=6, mutate=False)
def inline(dice):
    requests = [dice.pick(INLINE) if dice.chance(0.7) else encode_command(some_command(dice))
                for _ in range(dice.integer(1, 4))]
    return exchange(dice, b''.join(requests))


@row('PING', weight=2, mutate=False)
def http(dice):
    """A browser that was sent here by a hostile page: the connection ends without an answer."""
    request = dice.pick([b'POST / HTTP/1.1\r\nHost: localhost\r\n\r\n', b'Host: localhost\r\n', b'post\r\n',
                         b'GET / HTTP/1.1\r\nHost: x\r\n\r\n'])
    # In one piece: whether the reply to a line before leaves in time is a matter of luck.
    return [RawExchange([request], ends=True)]


@row('QUIT', weight=2, mutate=False)
def quit_(dice):
    after = encode_command([b'SET', b'string:0', b'after quit'])
    return exchange(dice, encode_command([b'ECHO', b'a']) + encode_command([b'QUIT']) + after, ends=True)


@row('CLIENT|REPLY', weight=3, mutate=False)
def client_reply(dice):
    words = []
    for _ in range(dice.integer(1, 5)):
        words.append(dice.pick([[b'CLIENT', b'REPLY', b'SKIP'], [b'CLIENT', b'REPLY', b'OFF'], [b'CLIENT', b'REPLY', b'ON'],
                                [b'ECHO', b'1'], [b'nosuch'], [b'SET', b'string:0', b'1']]))
    words.append([b'CLIENT', b'REPLY', b'ON'])
    return exchange(dice, b''.join(map(encode_command, words)))


def without_identity(data):
    """HELLO's reply names version and connection."""
    data = re.sub(rb'\$7\r\nversion\r\n\$\d+\r\n[^\r]*', b'version', data)
    data = re.sub(rb'\$6\r\nserver\r\n\$\d+\r\n[^\r]*', b'server', data)
    return re.sub(rb'\$2\r\nid\r\n:\d+', b'id', data)


@row('HELLO', weight=3, mutate=False)
def protocol_switches_within_a_pipeline(dice):
    words = []
    for _ in range(dice.integer(1, 4)):
        words.append(dice.pick([[b'HELLO', b'2'], [b'HELLO', b'3'], [b'HELLO', b'4'], [b'HELLO', b'3', b'BAD']]))
        words.append(existing(dice, [[b'GET', b'absent'], [b'CONFIG', b'GET', b'maxmemory'], [b'MGET', b'absent'], [b'RESET']]))
    return exchange(dice, b''.join(map(encode_command, words)), normalise=without_identity)
