"""To which address may a load go, with which key, when it is not this project's service?"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from opsctl.bench.load.book import LoadBook
    from opsctl.bench.load.ports import Address


KEY_VARIABLE = "OPSCTL_LOAD_KEY"


def address_of(url: str, *, book: "LoadBook", folder: Path, allowed: Sequence[str]) -> "Address":
    """Return a target as an address, when it may be one.

    Raises:
        UsageError: BEN034 it is no address.
        RefusedError: BEN033 it is not on this machine, and was not allowed by name.
    """
    from urllib.parse import urlsplit

    from opsctl.bench.load.ports import Address

    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _no_address(url, str(error)) from error
    if (
        parts.scheme not in ("http", "https")
        or not host
        or parts.path.strip("/")
        or parts.query
        or parts.username
    ):
        raise _no_address(url, "a target is scheme, host and port; paths are in the book")
    if host not in allowed and not _is_loopback(host):
        raise RefusedError(
            f"`{host}` is not this machine",
            code="BEN033",
            why="a load that was sent to a wrong address by mistake is an attack on somebody",
            fix=f"if it is yours and meant: --target-allow {host}",
        )
    return Address(
        host=host,
        port=port or (443 if parts.scheme == "https" else 80),
        is_tls=parts.scheme == "https",
        ca_file=folder / book.ca_file if book.ca_file else None,
    )


def given_key() -> str | None:
    """Return the key of the environment, if there is one.

    Raises:
        UsageError: BEN034 it holds what no header can; what it holds is not said.
    """
    key = os.environ.get(KEY_VARIABLE)
    if key and not (key.isascii() and key.isprintable()):
        raise UsageError(
            f"`{KEY_VARIABLE}` holds a character that no header can",
            code="BEN034",
            fix="set it to the key alone, without a line end",
        )
    return key


def _no_address(url: str, why: str) -> UsageError:
    return UsageError(
        f"`{url}` is no target of a load", code="BEN034", why=why, fix="write it as `http://127.0.0.1:8000`"
    )


def _is_loopback(host: str) -> bool:
    """Tell whether every address of a host is on this machine."""
    import ipaddress
    import socket

    try:
        found = {row[4][0] for row in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(ipaddress.ip_address(str(each)).is_loopback for each in found)
