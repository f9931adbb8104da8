"""One server process in its own folder on a free port.

    with ServerProcess(binary).start() as server:
        server.connect().call('PING')

Nothing here knows which server it starts: kvick-server and redis-server take the same arguments.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

from free_port import free_port
from resp import Connection
from waiting import PATIENCE_S, wait_until

# Redis 7.0 writes "Ready to accept connections" for TCP and "The server is now ready to accept connections at" for unix.
READY = '[Rr]eady to accept connections'


class StartError(Exception):
    """The process ended, or did not become ready in time; the text holds its log."""


class StopError(Exception):
    """The process did not end when it was asked to; the text holds its log."""


class ServerProcess:
    """`options` maps directive to value (a list of strings where the directive takes several words).

    The defaults keep a test quiet: no saving, one port on the loopback, a unix socket in the folder.
    `arguments` replaces the whole command line; then only the folder and the log file are arranged.
    """

    def __init__(self, binary, options=None, arguments=None, unix_socket=False):
        self.binary = str(binary)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='kvick-test-'))
        self.port = free_port()
        self.unix_socket = str(self.folder / 'server.sock')
        self.options = {
            'port': str(self.port),
            'bind': '127.0.0.1',
            'dir': str(self.folder),
            'save': '',
            'appendonly': 'no',
        }
        if unix_socket:
            self.options['unixsocket'] = self.unix_socket
        self.options.update(options or {})
        self.arguments = arguments
        self.log_path = self.folder / 'stdout.log'
        self.process = None

    def command_line(self):
        if self.arguments is not None:
            return [self.binary, *self.arguments]
        line = [self.binary]
        for name, value in self.options.items():
            line.append('--' + name)
            line.extend(value if isinstance(value, list) else [str(value)])
        return line

    def spawn(self):
        """Starts the process and does not wait."""
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen(self.command_line(), cwd=self.folder, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT)
        return self

    def start(self):
        self.spawn()
        self.wait_log(READY)
        return self

    def restart(self):
        """The same server again (same port and folder), with an empty log."""
        self.stop()
        self.log_path.write_bytes(b'')
        return self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.dispose()

    @property
    def pid(self):
        return self.process.pid

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def log(self):
        return self.log_path.read_text('utf-8', 'replace')

    def wait_log(self, pattern):
        """Waits until `pattern` (a regular expression) is in the log; returns the match."""

        def find():
            ended = not self.is_running()  # asked before the log is read: a last line must not be missed
            match = re.search(pattern, self.log())
            if ended and not match:
                raise StartError(f'the server ended with status {self.process.returncode}, '
                                 f'the log has no {pattern!r}:\n{self.log()}')
            return match

        try:
            return wait_until(find, f'{pattern!r} is in the log')
        except AssertionError as error:
            raise StartError(f'{error}:\n{self.log()}') from None

    def connect(self, timeout_s=PATIENCE_S):
        return Connection(('127.0.0.1', self.port), timeout_s)

    def connect_unix(self, timeout_s=PATIENCE_S):
        return Connection(self.unix_socket, timeout_s)

    def config(self, name):
        """The value of a directive, as CONFIG GET shows it."""
        with self.connect() as connection:
            return connection.call('CONFIG', 'GET', name)[1].decode()

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self):
        """The exit status of a process that is about to end by itself."""
        return self.process.wait(PATIENCE_S)

    def stop(self):
        """Ends the process; returns its exit status. A server that ignores SIGTERM is killed, and that is a failure.

        A server may refuse to end ("Writing initial AOF, can't exit") and says so in its log; it is asked again.
        """
        if self.process is None:
            return None
        if self.is_running():
            self.process.send_signal(signal.SIGCONT)  # a stopped process would not see the next one
            if not self._ends_when_asked():
                self.process.kill()
                self.process.wait()
                raise StopError(f'not within {PATIENCE_S:g} s of SIGTERM:\n{self.log()}')
        return self.process.returncode

    def _ends_when_asked(self):
        refused_count = 0
        deadline = time.monotonic() + PATIENCE_S
        self.process.terminate()
        while time.monotonic() < deadline:
            try:
                self.process.wait(0.5)
                return True
            except subprocess.TimeoutExpired:
                refusals = self.log().count('Errors trying to shut down the server')
                if refusals > refused_count:
                    refused_count = refusals
                    self.process.terminate()
        return False

    def dispose(self):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


def binary_from_environment():
    """KVICK_SERVER, else the release build of this checkout."""
    root = pathlib.Path(__file__).resolve().parents[2]
    return os.environ.get('KVICK_SERVER') or str(root / 'build' / 'release' / 'kvick-server')
