"""Where does an address lead, is it on this machine, and does whoever listens on the way read what is said?"""

import ipaddress
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

_POSTGRES = frozenset({"postgres", "postgresql"})
_PLAIN = {
    "http": "https",
    "redis": "rediss",
    "valkey": "valkeys",
    "ftp": "sftp",
    "smtp": "smtps",
    "ws": "wss",
}
_SAFE_MODE = "verify-full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What of an address matters here; `host` is empty for a socket of this machine."""

    scheme: str
    host: str
    user: str | None
    password: str | None
    ssl_mode: str | None


def read_address(text: str) -> Address | None:
    """Return the parts of an address of a server; None for a text that is none.

    The endpoint of a bucket stands in its query: `s3://bucket?endpoint=http://127.0.0.1:9000`.
    """
    scheme, found, _ = text.partition("://")
    if not found or not scheme.replace("+", "").isalnum():
        return None
    # Capitals say the same; what stands behind a plus is the driver: `postgresql+psycopg`.
    scheme = scheme.lower().partition("+")[0]
    try:
        parts = urlsplit(text)
        query = parse_qs(parts.query)
        endpoint = query.get("endpoint", [""])[0]
        if scheme == "s3":
            return read_address(endpoint) if endpoint else None
        host = query.get("host", [parts.hostname or ""])[0]
        user, password = parts.username, parts.password
    except ValueError:  # such as a bracket that is not closed
        return None
    mode = query.get("sslmode", [None])[0] if scheme in _POSTGRES else None
    return Address(
        scheme=scheme, host="" if host.startswith("/") else host, user=user, password=password, ssl_mode=mode
    )


def is_local(host: str) -> bool:
    """Tell whether a host is this machine by what it is called; names are not looked up.

    >>> [is_local(host) for host in ("127.0.0.1", "::1", "localhost", "", "qdrant.example")]
    [True, True, True, True, False]
    """
    if host in ("", "localhost") or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def why_unsafe(address: Address) -> str | None:
    """Return why what goes to an address of another machine can be read or changed on the way; None where it cannot."""
    if is_local(address.host):
        return None
    if address.scheme in _PLAIN:
        return f"`{address.scheme}` is not encrypted; use `{_PLAIN[address.scheme]}`"
    if address.scheme in _POSTGRES and address.ssl_mode != _SAFE_MODE:
        said = f"`sslmode={address.ssl_mode}`" if address.ssl_mode else "no `sslmode`"
        return f"{said} does not prove whose server it is; add `?sslmode={_SAFE_MODE}`"
    return None


def is_understood(address: Address) -> bool:
    """Tell whether it is known of an address if what goes there is encrypted: of `grpc://` nobody here can say."""
    return is_local(address.host) or address.scheme in {*_PLAIN, *_PLAIN.values(), *_POSTGRES}
