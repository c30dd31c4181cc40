"""How are requests sent to one node of Qdrant that take long or move much: with patience, and a bounded piece at a time."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from opsctl.clients.http_posts import is_loopback
from opsctl.clients.qdrant_errors import not_qdrant, refused, unreachable
from opsctl.clients.qdrant_snapshot_errors import broken_off, cut_off, too_slow
from opsctl.clients.qdrant_values import QdrantPlace

if TYPE_CHECKING:
    import httpx

PIECE_BYTES = 1024 * 1024
_CONNECT_SECONDS = 10.0
_BETWEEN_PIECES_SECONDS = 60.0  # a disk that is busy with a snapshot may pause for long
_PORT = 6333  # Qdrant's own, where the address names none, as qdrant-client has it


class NodeHttp:
    """HTTP to one node; `long_work_seconds` is how long an answer to long work is waited for."""

    def __init__(self, place: QdrantPlace, *, long_work_seconds: float) -> None:
        self.url = place.url
        self._patience = {
            False: max(place.timeout_seconds, _BETWEEN_PIECES_SECONDS),
            True: long_work_seconds,
        }
        self._client = _client(place)

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def json(
        self,
        method: str,
        path: str,
        *,
        doing: str,
        is_long: bool = False,
        content: Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Return the JSON document that answers a request."""
        with self._translated(doing, seconds=self._patience[is_long]):
            answer = self._client.request(
                method, path, content=content, headers=headers, timeout=self._timeout(is_long=is_long)
            )
        if answer.is_error:
            raise refused(answer.status_code, answer.content, doing=doing, url=self.url)
        try:
            return answer.json()
        except ValueError as error:
            raise not_qdrant(self.url, doing=doing, why=f"{error}: {answer.content[:80]!r}") from error

    def pieces(self, path: str, *, doing: str) -> Iterator[bytes]:
        """Yield the body that answers a GET, in pieces of at most `PIECE_BYTES`."""
        import httpx

        with (
            self._translated(doing, seconds=self._patience[False]),
            self._client.stream("GET", path, timeout=self._timeout(is_long=False)) as answer,
        ):
            if answer.is_error:
                raise refused(answer.status_code, answer.read(), doing=doing, url=self.url)
            try:
                yield from answer.iter_raw(PIECE_BYTES)
            except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
                raise cut_off(self.url, doing=doing, why=str(error) or type(error).__name__) from error

    @contextmanager
    def _translated(self, doing: str, *, seconds: float) -> Iterator[None]:
        import httpx

        try:
            yield
        except httpx.TimeoutException as error:
            raise too_slow(self.url, doing=doing, seconds=seconds) from error
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise unreachable(self.url, doing=doing, why=str(error) or type(error).__name__) from error

    def _timeout(self, *, is_long: bool) -> "httpx.Timeout":
        import httpx

        return httpx.Timeout(self._patience[False], connect=_CONNECT_SECONDS, read=self._patience[is_long])


class FileForm:
    """A multipart form with one file, whose content is passed through and never held.

    Its length is known before, so that a node can refuse what it has no room for at the head of the request.
    """

    def __init__(self, field: str, *, file_name: str, size_bytes: int) -> None:
        self._size_bytes = size_bytes
        self._file_name = file_name
        boundary = secrets.token_hex(16)
        self._head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{file_name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self.headers = {
            "content-type": f"multipart/form-data; boundary={boundary}",
            "content-length": str(len(self._head) + size_bytes + len(self._tail)),
        }

    def around(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the form with these pieces as the file; its end only where they are as many bytes as was said.

        Raises:
            FailedError: QSN002.
        """
        sent = 0
        yield self._head
        for piece in pieces:
            sent += len(piece)
            if sent > self._size_bytes:
                break
            yield piece
        if sent != self._size_bytes:
            raise broken_off(f"the file for `{self._file_name}`", received=sent, expected=self._size_bytes)
        yield self._tail


def _client(place: QdrantPlace) -> "httpx.Client":
    import httpx

    parts = urlsplit(place.url)
    address = parts if parts.port else parts._replace(netloc=f"{parts.netloc}:{_PORT}")
    # What is packed is of no use: a snapshot's checksum is of what the node has written.
    headers = {"accept-encoding": "identity"} | ({"api-key": place.api_key} if place.api_key else {})
    # While a snapshot is made, whatever stands in between closes connections that nothing goes over.
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(
        base_url=urlunsplit(address), headers=headers, limits=limits, trust_env=not is_loopback(place.url)
    )
