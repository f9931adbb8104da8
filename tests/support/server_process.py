"""A server process for a test or a benchmark: started on a free port, waited for, stopped by its id.

    with ServerProcess(["build/release/kvick-server", "--threads", "4"]) as server:
        connection = redis.Redis(port=server.port)

Works with any server that takes `--port` and `--dir` as Redis does. The command may begin with a program that
replaces itself by the server, such as taskset.
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time


class ServerError(Exception):
    """The server did not start or did not stop as it should."""


def free_port():
    """A port nobody listens on at this moment. Another process may take it before its user does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ServerProcess:
    """One server and its scratch directory. Not to be shared by threads."""

    def __init__(self, command, *, environment=None, start_timeout_s=30.0):
        self.command = [str(word) for word in command]
        self.environment = environment
        self.start_timeout_s = start_timeout_s
        self.port = 0
        self.process = None
        self.directory = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        self.kill()
        self.remove_directory()

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        return pathlib.Path(self.directory, "server.log").read_text(errors="replace")

    def start(self):
        """Starts in a new scratch directory, or again in the same one, and returns when PING is answered."""
        if self.directory is None:
            self.directory = tempfile.mkdtemp(prefix="kvick-test-")
        for _ in range(5):  # the free port may be taken meanwhile
            self.port = free_port()
            command = [*self.command, "--port", str(self.port), "--dir", self.directory]
            with open(pathlib.Path(self.directory, "server.log"), "ab") as log:
                self.process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment
                )
            if self._answers():
                return
            if "listen" not in self.log:
                break
        log = self.log
        self.kill()
        raise ServerError(f"{self.command} did not answer PING; its log ends:\n{log[-3000:]}")

    def _answers(self):
        deadline = time.monotonic() + self.start_timeout_s
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(64).startswith(b"+PONG"):
                        # Ours answered, not one that holds the port while ours is about to fail on it.
                        return self.process.poll() is None
            except OSError:
                pass
            time.sleep(0.02)
        return False

    def stop(self, timeout_s=30.0):
        """Asks by SIGTERM and returns the exit status; 0 is a clean shutdown."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerError(f"{self.command} did not stop within {timeout_s} s of SIGTERM") from None

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def remove_directory(self):
        if self.directory is not None:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = None

    def cpu_seconds(self):
        """Processor time of all its threads, user and system, from the scheduler (nanoseconds, not ticks)."""
        total_ns = 0
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            total_ns += int(pathlib.Path(f"/proc/{self.pid}/task/{thread}/schedstat").read_text().split()[0])
        return total_ns / 1e9

    def resident_bytes(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise ServerError("no VmRSS: the process is gone")

    def resident_bytes_settled(self):
        """Resident memory once it has stopped moving (background frees, table growth)."""
        previous = -1
        for _ in range(50):
            current = self.resident_bytes()
            if abs(current - previous) < 64 * 1024:
                return current
            previous = current
            time.sleep(0.1)
        return previous
