"""Which port of loopback is free."""

import socket

from opsctl.bench.locust.settings import LOOPBACK


def free_port() -> int:
    """Return a free TCP port of loopback; it stays free unless another process takes it in the next moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
