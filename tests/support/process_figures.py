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


def scheduled_seconds(pid, thread_name):
    """How long the thread of that name has run, and how long it was ready but did not run; None when there is none."""
    for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
        try:
            if (task / 'comm').read_text().rstrip() == thread_name:
                ran_ns, waited_ns, _ = (task / 'schedstat').read_text().split()
                return int(ran_ns) / 1e9, int(waited_ns) / 1e9
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has just ended
    return None


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


def resident_data_bytes_settled(pid):
    """Resident memory once it has stopped moving: tables grow and memory is freed in the background. Without the pages of
    the program and its libraries, which come and go with the code that runs."""
    previous = -1
    for _ in range(50):
        current = resident_bytes(pid) - resident_file_bytes(pid)
        if abs(current - previous) < 64 * 1024:
            return current
        previous = current
        time.sleep(0.1)
    return previous
