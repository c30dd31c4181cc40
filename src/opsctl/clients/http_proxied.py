"""How are POSTs sent where a proxy stands between here and the server: by httpx, with the face of `KeptHttp`."""

from collections.abc import Mapping

from opsctl.clients.http_answer import Answer, TooLargeError


class ProxiedHttp:
    """POSTs through the environment's proxy; `KeptHttp` tells what the arguments mean."""

    def __init__(
        self, url: str, *, headers: Mapping[str, str], max_connections: int, largest_body_bytes: int
    ) -> None:
        import httpx

        self._url = url.rstrip("/")
        self._largest_body_bytes = largest_body_bytes
        limits = httpx.Limits(max_connections=max_connections, max_keepalive_connections=max_connections)
        given = {"Accept": "application/json", "Content-Type": "application/json", **headers}
        self._client = httpx.AsyncClient(headers=given, limits=limits, timeout=None)  # noqa: S113 - the caller limits it

    async def post(self, path: str, body: bytes, *, traceparent: str = "") -> Answer:
        """Send a body of JSON and return what comes back, whatever its status.

        Raises:
            OSError: proxy or server are not there, or went away.
            BadAnswerError: the answer is too large.
        """
        import httpx

        answer = bytearray()
        trace = {"traceparent": traceparent} if traceparent else {}
        try:
            async with self._client.stream("POST", self._url + path, content=body, headers=trace) as response:
                async for piece in response.aiter_bytes():
                    answer += piece
                    if len(answer) > self._largest_body_bytes:
                        raise TooLargeError
        except httpx.HTTPError as error:
            raise ConnectionError(str(error) or type(error).__name__) from error
        headers = {name.lower(): value for name, value in response.headers.raw}
        return Answer(status=response.status_code, headers=headers, body=bytes(answer))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
