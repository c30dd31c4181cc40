"""Which client sends many POSTs to a server: kept connections of our own, or httpx where a proxy stands in between."""

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

from opsctl.clients.http_answer import Answer
from opsctl.clients.http_kept import KeptHttp
from opsctl.clients.http_proxied import ProxiedHttp

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class PostsJson(Protocol):
    """Sends bodies of JSON to one server and returns what comes back, whatever its status."""

    async def post(self, path: str, body: bytes, *, traceparent: str = "") -> Answer:
        """Send a body to a path below the server's address; `KeptHttp.post` tells the rest."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


def posts_to(
    url: str, *, headers: Mapping[str, str], max_connections: int, largest_body_bytes: int
) -> PostsJson:
    """Return a client of a server; `KeptHttp` tells what the arguments mean."""
    kind = ProxiedHttp if _stands_behind_proxy(url) else KeptHttp
    return kind(url, headers=headers, max_connections=max_connections, largest_body_bytes=largest_body_bytes)


def is_loopback(url: str) -> bool:
    """Tell whether an address is of this machine alone, so that no proxy can stand in between."""
    return urlsplit(url).hostname in _LOOPBACK


def _stands_behind_proxy(url: str) -> bool:
    from urllib.request import getproxies, proxy_bypass

    if is_loopback(url):
        return False
    parts, proxies = urlsplit(url), getproxies()
    return bool({parts.scheme, "all"} & proxies.keys()) and not proxy_bypass(parts.hostname or "")
