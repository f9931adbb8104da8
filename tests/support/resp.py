"""The wire protocol without a client library: encode commands, decode RESP2 and RESP3 replies.

A reply is a tuple (kind, payload); kind is the type's first byte on the wire as text:

    ('+', b'OK')   ('-', b'ERR ...')   (':', 7)   ('$', b'bytes' or None)   ('*', [replies] or None)
    ('%', [(key, value), ...])   ('~', [replies])   ('>', [replies])   (',', b'1.5')   ('#', b't')
    ('_', None)   ('(', b'123')   ('=', b'txt:...')   ('!', b'...')
    ('|', ([(key, value), ...], reply))   an attribute and the reply it belongs to

Tuples and not Python values, because the tests care whether a server sent +OK or $2.
"""

import socket

from waiting import PATIENCE_S


class Incomplete(Exception):
    """The buffer ends inside a reply: read more and decode again."""


class ProtocolError(Exception):
    """The bytes are no reply."""


def to_bytes(argument):
    if isinstance(argument, bytes):
        return argument
    if isinstance(argument, str):
        return argument.encode('utf-8')
    return str(argument).encode('ascii')


def encode_command(arguments):
    parts = [b'*%d\r\n' % len(arguments)]
    for argument in arguments:
        data = to_bytes(argument)
        parts.append(b'$%d\r\n%b\r\n' % (len(data), data))
    return b''.join(parts)


def decode_reply(data, position=0):
    """Decodes one reply of `data` at `position`; returns (reply, position behind it)."""
    end = data.find(b'\r\n', position)
    if end < 0:
        raise Incomplete
    kind = chr(data[position])
    head = data[position + 1:end]
    position = end + 2
    if kind in '+-,#(':
        return (kind, bytes(head)), position
    if kind == ':':
        return (kind, _integer(head)), position
    if kind == '_':
        return (kind, None), position
    if kind in '$=!':
        size = _integer(head)
        if size < 0:
            return (kind, None), position
        if len(data) < position + size + 2:
            raise Incomplete
        if data[position + size:position + size + 2] != b'\r\n':
            raise ProtocolError(f'bulk of {size} bytes does not end in CRLF')
        return (kind, bytes(data[position:position + size])), position + size + 2
    if kind in '*~>':
        count = _integer(head)
        if count < 0:
            return (kind, None), position
        items = []
        for _ in range(count):
            item, position = decode_reply(data, position)
            items.append(item)
        return (kind, items), position
    if kind in '%|':
        pairs = []
        for _ in range(_integer(head)):
            key, position = decode_reply(data, position)
            value, position = decode_reply(data, position)
            pairs.append((key, value))
        if kind == '|':
            reply, position = decode_reply(data, position)
            return (kind, (pairs, reply)), position
        return (kind, pairs), position
    raise ProtocolError(f'reply begins with {kind!r}')


def _integer(text):
    try:
        return int(text)
    except ValueError:
        raise ProtocolError(f'not a number: {text!r}') from None


def to_python(reply):
    """The plain value of a reply, for tests that do not care how it was sent. Errors become RuntimeError objects."""
    kind, payload = reply
    if kind in '-!':
        return RuntimeError(payload.decode('utf-8', 'replace'))
    if kind in '*~>' and payload is not None:
        return [to_python(item) for item in payload]
    if kind == '%':
        return {to_python(key): to_python(value) for key, value in payload}
    if kind == '|':
        return to_python(payload[1])
    if kind == ',':
        return float(payload)
    if kind == '#':
        return payload == b't'
    if kind == '(':
        return int(payload)
    if kind == '=':
        return payload[4:]
    return payload


class Closed(Exception):
    """The peer ended the connection."""


class Connection:
    """A blocking connection. `call` for one command; `send` and `read_reply` when a test pipelines or misbehaves.

    `address` is (host, port) or the path of a unix socket.
    """

    def __init__(self, address, timeout_s=PATIENCE_S):
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        else:
            family = socket.AF_INET6 if ':' in address[0] else socket.AF_INET
            self.socket = socket.socket(family, socket.SOCK_STREAM)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(timeout_s)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self.buffer = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def fill(self):
        """Appends what has arrived to the buffer; raises Closed at the end of the stream."""
        try:
            data = self.socket.recv(262144)
        except ConnectionError as error:
            raise Closed(str(error)) from None
        if not data:
            raise Closed('end of stream')
        self.buffer += data

    def read_reply(self):
        while True:
            try:
                reply, position = decode_reply(self.buffer)
            except (Incomplete, IndexError):
                self.fill()
                continue
            del self.buffer[:position]
            return reply

    def call(self, *arguments):
        self.send(encode_command(arguments))
        return to_python(self.read_reply())

    def read_until(self, ending):
        """Reads until the stream ends with `ending`; returns everything before it."""
        size = len(ending)
        while not self.buffer.endswith(ending):
            self.fill()
        data = bytes(self.buffer[:-size])
        self.buffer.clear()
        return data

    def read_until_closed(self):
        """Everything up to the end of the stream."""
        try:
            while True:
                self.fill()
        except Closed:
            data = bytes(self.buffer)
            self.buffer.clear()
            return data
