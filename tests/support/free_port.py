"""A TCP port for a server that is about to start."""

import collections
import pathlib
import random
import socket

# Below those that the kernel gives to outgoing connections: one of them could take the port before the server does.
_FIRST = 10_000
_RANGE = pathlib.Path('/proc/sys/net/ipv4/ip_local_port_range')
_BEHIND_LAST = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else 32_768
_CLAIMED_MAX = 16

# Suites run side by side. A port is claimed by a name that only one process can have (a unix socket without a file, which
# goes with the process), until its server has had time to listen.
_claims = collections.deque()


def free_port():
    """Nobody listens there, and no other test was given it a moment ago."""
    while True:
        port = random.randrange(_FIRST, max(_BEHIND_LAST, _FIRST + 10_000))
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f'\0kvick-test-port-{port}')
            with socket.socket() as probe:
                probe.bind(('127.0.0.1', port))
        except OSError:  # claimed, or taken
            claim.close()
            continue
        _claims.append(claim)
        if len(_claims) > _CLAIMED_MAX:
            _claims.popleft().close()
        return port
