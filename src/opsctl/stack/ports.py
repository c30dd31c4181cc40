"""Which free port of 127.0.0.1 does a part of the stack get."""

import hashlib
import socket

from opsctl.core.errors import NotReadyError

HOST = "127.0.0.1"
# Below 32768 the kernel gives no port to outgoing connections, so a port found free stays free until it is used.
_FIRST_PORT = 20_000
_PORTS = 12_000
_TRIES = 200


def choose_port(*, owner: str, recorded: int | None = None) -> int:
    """Return the recorded port when it is free, else a free one that `owner` gets again next time.

    Raises:
        NotReadyError: STK002 when 200 ports in a row are taken.
    """
    if recorded is not None and is_free(recorded):
        return recorded
    start = int.from_bytes(hashlib.sha256(owner.encode()).digest()[:4])
    for step in range(_TRIES):
        port = _FIRST_PORT + (start + step) % _PORTS
        if is_free(port):
            return port
    raise NotReadyError(
        f"no free port on {HOST} for `{owner}`",
        code="STK002",
        why=f"{_TRIES} ports from {_FIRST_PORT + start % _PORTS} on are taken",
        fix="see who listens: ss -ltnp",
    )


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Servers set this too; without it a port whose last server just ended looks taken for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
