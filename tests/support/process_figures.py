"""What the kernel says that a process has used."""

import os
import pathlib
import time


def cpu_seconds(pid):
    """Processor time of all its living threads, user and system, as the scheduler counts it: in nanoseconds."""
    total_ns = 0
    for thread in os.listdir(f'/proc/{pid}/task'):
        total_ns += int(pathlib.Path(f'/proc/{pid}/task/{thread}/schedstat').read_text().split()[0])
    return total_ns / 1e9


def resident_bytes(pid):
    return _status_bytes(pid, 'VmRSS:')


def resident_file_bytes(pid):
    """The part of resident memory that is the program and its libraries: pages of files, which processes share."""
    return _status_bytes(pid, 'RssFile:')


def _status_bytes(pid, field):
    for line in pathlib.Path(f'/proc/{pid}/status').read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(f'process {pid} has no memory: it has ended')


def resident_bytes_settled(pid):
    """Resident memory once it has stopped moving: tables grow and memory is freed in the background."""
    previous = -1
    for _ in range(50):
        current = resident_bytes(pid)
        if abs(current - previous) < 64 * 1024:
            return current
        previous = current
        time.sleep(0.1)
    return previous
