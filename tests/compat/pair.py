"""The two servers under comparison, and the lock-step conversation with them.

Commands go out in chunks, the same bytes to both. An ECHO of a fresh random word ends each chunk, so the reader needs
no parser to find the end, and when the bytes of both sides are equal (nearly always) nothing is decoded at all.
"""

import dataclasses
import os
import socket
import time

import resp
from plan import Pause, RawExchange, ScanWalk, Step

SILENCE_S = 0.15
NOTIFIED_CLASSES = 'KEAn'
REPLY_TIMEOUT_S = 20
SCAN_CALLS_MAX = 20_000


@dataclasses.dataclass
class Mismatch:
    """Where the servers disagree. `kvick` and `oracle` are replies (resp.py) or texts."""
    unit_index: int
    part: object
    kvick: object
    oracle: object
    what: str = 'replies differ'


class Pair:
    def __init__(self, kvick, oracle, protocol, is_intended, compares_notifications=False):
        """`is_intended(arguments, kvick, oracle)` tells whether a difference is on the list of intended ones."""
        self.servers = (kvick, oracle)
        self.protocol = protocol
        self.is_intended = is_intended
        self.intended_count = 0
        self.connections = ()
        self.defaults = [None, None]
        self.compares_notifications = compares_notifications
        self.listeners = ()  # of each server: who listens to notifications, and who says where a chunk of them ends

    # Connections and state

    def connect(self):
        """Fresh connections on empty servers with the configuration that they started with."""
        self.close()
        self.connections = tuple(server.connect(REPLY_TIMEOUT_S) for server in self.servers)
        for index, connection in enumerate(self.connections):
            connection.call('FLUSHALL')
            self._restore_configuration(index, connection)
            if self.protocol == 3:
                connection.call('HELLO', '3')
        if self.compares_notifications:
            self.listeners = tuple((server.connect(REPLY_TIMEOUT_S), server.connect(REPLY_TIMEOUT_S))
                                   for server in self.servers)
            for listener, control in self.listeners:
                control.call('CONFIG', 'SET', 'notify-keyspace-events', NOTIFIED_CLASSES)
                listener.call('PSUBSCRIBE', '__key*__:*')

    def close(self):
        for connection in (*self.connections, *sum(self.listeners, ())):
            connection.close()
        self.connections = ()
        self.listeners = ()

    def remember_configuration(self, names):
        for index, server in enumerate(self.servers):
            with server.connect() as connection:
                known = {}
                for name in names:
                    reply = connection.call('CONFIG', 'GET', name)
                    if isinstance(reply, list) and len(reply) == 2:
                        known[name] = reply[1]
                self.defaults[index] = known

    def _restore_configuration(self, index, connection):
        for name, value in (self.defaults[index] or {}).items():
            connection.send(resp.encode_command([b'CONFIG', b'SET', name, value]))
        for _ in self.defaults[index] or {}:
            connection.read_reply()  # read-only values refuse; they cannot have changed either

    # Running

    def run(self, units):
        """Executes the units; returns the first Mismatch or None."""
        pending = []
        pending_bytes = 0
        for unit_index, unit in enumerate(units):
            for part in unit.parts:
                if isinstance(part, Step):
                    pending.append((unit_index, part))
                    pending_bytes += sum(map(len, part.arguments))
                    continue
                mismatch = self._exchange(pending) or self._run_part(unit_index, part)
                pending, pending_bytes = [], 0
                if mismatch:
                    return mismatch
            # Whole units only: within one the connection may be in a state in which ECHO says something else.
            if len(pending) >= 100 or pending_bytes > 30_000:
                mismatch = self._exchange(pending)
                pending, pending_bytes = [], 0
                if mismatch:
                    return mismatch
        return self._exchange(pending)

    def _run_part(self, unit_index, part):
        if isinstance(part, Pause):
            time.sleep(part.seconds)
            return None
        if isinstance(part, ScanWalk):
            return self._compare_scans(unit_index, part)
        return self._compare_raw(unit_index, part)

    def _exchange(self, pending):
        if not pending:
            return None
        marker = os.urandom(8).hex().encode()
        request = b''.join(resp.encode_command(step.arguments) for _, step in pending)
        request += resp.encode_command([b'ECHO', marker])
        ending = b'$16\r\n%b\r\n' % marker
        answers = []
        failure = self._on_both(lambda connection: connection.send(request))
        for index, connection in enumerate(self.connections):
            try:
                answers.append(connection.read_until(ending))
            except (resp.Closed, OSError) as error:
                failure = failure or (index, error)
                answers.append(bytes(connection.buffer))
        mismatch = None
        if failure is not None or answers[0] != answers[1]:
            mismatch = self._first_difference(pending, answers, failure)
        return mismatch or self._compare_notifications(pending)

    def _compare_notifications(self, pending):
        if not self.listeners:
            return None
        told = [self._notifications(*pair) for pair in self.listeners]
        # Since 8.2 a key that is put over another is "overwritten"; before, it was deleted and "new".
        if {step.arguments[0].lower() for _, step in pending} & {b'rename', b'copy'}:
            told = [[(channel, message) for channel, message in events
                     if b'new' not in (message, channel.partition(b'__:')[2])] for events in told]
        if told[0] == told[1]:
            return None
        place = next((place for place, both in enumerate(zip(*told)) if both[0] != both[1]), min(map(len, told)))
        around = [('', str(events[max(place - 1, 0):place + 3])) for events in told]
        return Mismatch(*pending[-1], *around, what='the notifications differ')

    @staticmethod
    def _notifications(listener, control):
        """What was told since the last call. When a key expires is up to the server's timers, so that is left out."""
        marker = os.urandom(8).hex().encode()
        control.call('PUBLISH', '__keyend__:', marker)
        told = []
        while True:
            channel, message = [item[1] for item in listener.read_reply()[1][2:]]
            if message == marker:
                return told
            if b'expired' not in (message, channel.partition(b'__:')[2]):
                told.append((channel, message))

    def _on_both(self, action):
        for index, connection in enumerate(self.connections):
            try:
                action(connection)
            except (resp.Closed, OSError) as error:
                return index, error
        return None

    def _first_difference(self, pending, answers, failure):
        positions = [0, 0]
        for unit_index, step in pending:
            replies = []
            for side in (0, 1):
                try:
                    reply, positions[side] = resp.decode_reply(answers[side], positions[side])
                except (resp.Incomplete, IndexError):
                    reply = ('', f'no reply ({failure[1] if failure else "a reply is missing"})')
                except resp.ProtocolError as error:
                    reply = ('', f'malformed reply: {error}')
                replies.append(reply)
            kvick, oracle = replies
            if '' in (kvick[0], oracle[0]):
                return Mismatch(unit_index, step, kvick, oracle, 'a reply is missing or malformed')
            if kvick == oracle or step.compare(kvick, oracle):
                continue
            if self.is_intended(step.arguments, kvick, oracle):
                self.intended_count += 1
                continue
            return Mismatch(unit_index, step, kvick, oracle)
        if failure or positions != [len(answers[0]), len(answers[1])]:
            unit_index, step = pending[-1]
            rest = [('', f'{answers[side][positions[side]:][:200]!r} behind the last reply') for side in (0, 1)]
            return Mismatch(unit_index, step, *rest, what=f'more bytes than replies ({failure})')
        return None

    def _compare_scans(self, unit_index, part):
        results = []
        for connection in self.connections:
            try:
                results.append(self._walk(connection, part))
            except (resp.Closed, OSError) as error:
                results.append(('', f'no reply ({error})'))
        if results[0] == results[1]:
            return None
        return Mismatch(unit_index, part, *results, what='the scans differ')

    @staticmethod
    def _walk(connection, part):
        """The set of elements of a whole iteration, sorted, or the first reply that is no scan reply."""
        cursor = b'0'
        elements = set()
        for _ in range(SCAN_CALLS_MAX):
            words = [cursor if word == b'CURSOR' else word for word in part.arguments]
            connection.send(resp.encode_command(words))
            reply = connection.read_reply()
            if reply[0] != '*' or len(reply[1]) != 2:
                return reply
            page = [item[1] for item in reply[1][1][1]]
            elements.update(zip(*[iter(page)] * part.pair_size))
            cursor = reply[1][0][1]
            if cursor == b'0':
                return ('scan', sorted(elements))
        return ('', f'the cursor is not back at 0 after {SCAN_CALLS_MAX} calls')

    def _compare_raw(self, unit_index, part):
        marker = os.urandom(8).hex().encode()
        connections = []
        try:
            for server in self.servers:
                connection = server.connect(2 if not part.ends else SILENCE_S)
                connections.append(connection)
                if self.protocol == 3:
                    connection.call('HELLO', '3')
            for piece in part.pieces:
                for connection in connections:
                    _send_ignoring_close(connection, piece)
                if len(part.pieces) > 1:
                    time.sleep(0.0005)  # so that the pieces arrive apart
            if not part.ends:
                for connection in connections:
                    _send_ignoring_close(connection, resp.encode_command([b'ECHO', marker]))
            answers = [_read_raw(connection, None if part.ends else b'$16\r\n%b\r\n' % marker)
                       for connection in connections]
        except OSError as error:
            return Mismatch(unit_index, part, ('', str(error)), ('', ''), 'no connection')
        finally:
            for connection in connections:
                connection.close()
        if part.normalise:
            answers = [(part.normalise(data), end) for data, end in answers]
        if answers[0] == answers[1]:
            return None
        if self.is_intended([b'', *part.pieces], ('raw', answers[0]), ('raw', answers[1])):
            self.intended_count += 1
            return None
        return Mismatch(unit_index, part, *(('', f'{data!r}, then {end}') for data, end in answers),
                        what='the answers to these bytes differ')


def _send_ignoring_close(connection, data):
    """A server that has already refused the bytes may be gone; what it said is still read."""
    try:
        connection.send(data)
    except OSError:
        pass


def _read_raw(connection, ending):
    try:
        while ending is None or not connection.buffer.endswith(ending):
            connection.fill()
    except resp.Closed:
        return bytes(connection.buffer), 'closed'
    except socket.timeout:
        return bytes(connection.buffer), 'silence'
    return bytes(connection.buffer[:-len(ending)]), 'answered'
