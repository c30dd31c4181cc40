"""On which TCP ports do processes listen: what the kernel tells in /proc, without asking anybody else."""

import ipaddress
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from opsctl.core.errors import NotReadyError

_LISTEN = "0A"  # TCP_LISTEN, include/net/tcp_states.h


class Listener(NamedTuple):
    """An address on which a process accepts connections."""

    pid: int
    address: str
    port: int


def listeners_of(pids: Iterable[int]) -> tuple[Listener, ...]:
    """Return every listening socket of these processes, by port.

    Raises:
        NotReadyError: PRC005 the kernel does not show whose a socket is.
    """
    found = set[Listener]()
    for pid in pids:
        inodes = _socket_inodes(pid)
        for address, port, inode in _listening(pid):
            if inode in inodes:
                found.add(Listener(pid, address, port))
    return tuple(sorted(found, key=lambda each: (each.port, each.address, each.pid)))


def address_of(text: str) -> tuple[str, int]:
    """Return address and port as /proc/net/tcp writes them, in words of 32 bits of this machine's order.

    >>> address_of("0100007F:1F90")
    ('127.0.0.1', 8080)
    """
    address, _, port = text.partition(":")
    words = [int(address[start : start + 8], 16) for start in range(0, len(address), 8)]
    packed = b"".join(word.to_bytes(4, sys.byteorder) for word in words)
    found = ipaddress.ip_address(packed)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found), int(port, 16)


def _listening(pid: int) -> Iterator[tuple[str, int, str]]:
    for table in ("tcp", "tcp6"):
        path = Path(f"/proc/{pid}/net/{table}")  # of the network that this process sees
        if not path.exists():
            continue
        for line in path.read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN:
                yield (*address_of(fields[1]), fields[9])


def _socket_inodes(pid: int) -> set[str]:
    folder = Path(f"/proc/{pid}/fd")
    inodes = set[str]()
    try:
        descriptors = list(folder.iterdir())
    except FileNotFoundError:  # it has just ended
        return inodes
    except PermissionError as error:
        raise NotReadyError(
            f"the kernel does not show the sockets of process {pid}",
            code="PRC005",
            why="it is another user's",
            fix="run the command as the user of that process, or as root",
        ) from error
    for descriptor in descriptors:
        try:
            target = str(descriptor.readlink())
        except OSError:  # closed in between
            continue
        if target.startswith("socket:["):
            inodes.add(target.removeprefix("socket:[").removesuffix("]"))
    return inodes
