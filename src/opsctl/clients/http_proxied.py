"""How are POSTs sent where a proxy stands between here and the server: by httpx, with the face of `KeptHttp`."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from opsctl.clients.http_answer import Answer


def stands_behind_proxy(url: str) -> bool:
    """Tell whether the environment names a proxy for an address."""
    from urllib.request import getproxies, proxy_bypass

    parts, proxies = urlsplit(url), getproxies()
    return bool({parts.scheme, "all"} & proxies.keys()) and not proxy_bypass(parts.hostname or "")


class ProxiedHttp:
    """POSTs through the environment's proxy; `KeptHttp` tells what the arguments mean."""

    def __init__(self, url: str, *, headers: Mapping[str, str], max_connections: int) -> None:
        import httpx

        self._url = url.rstrip("/")
        limits = httpx.Limits(max_connections=max_connections, max_keepalive_connections=max_connections)
        given = {"Accept": "application/json", "Content-Type": "application/json", **headers}
        self._client = httpx.AsyncClient(headers=given, limits=limits, timeout=None)  # noqa: S113 - the caller limits it

    async def post(self, path: str, body: bytes) -> Answer:
        """Send a body of JSON and return what comes back, whatever its status.

        Raises:
            OSError: proxy or server are not there, or went away.
        """
        import httpx

        try:
            response = await self._client.post(self._url + path, content=body)
        except httpx.HTTPError as error:
            raise ConnectionError(str(error) or type(error).__name__) from error
        return Answer(status=response.status_code, body=response.content)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
