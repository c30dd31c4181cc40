"""How are many points moved fast: scroll and upsert as plain JSON over one kept connection a thread."""

import http.client
import ssl
import threading
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from opsctl.clients.qdrant_errors import not_qdrant, refused, timed_out, unreachable
from opsctl.clients.qdrant_values import Filter, Page, Parcel, Point, PointId, QdrantPlace

# Qdrant's default `service.max_request_size_mb` is 32; a thousand vectors of 3,072 numbers are more than that.
_LARGEST_REQUEST_BYTES = 30_000_000


class QdrantBulk:
    """Scroll and upsert without models: a point goes through as the server wrote it, float by float.

    qdrant-client builds and checks a model for every vector, which costs several times the engine's own work.
    """

    def __init__(self, place: QdrantPlace) -> None:
        self._place = place
        self._parts = urlsplit(place.url)
        self._local = threading.local()
        self._opened: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()

    def scroll(self, collection: str, request: dict[str, Any]) -> Page:
        """Return one page for a scroll request in REST words."""
        path = f"/collections/{quote(collection, safe='')}/points/scroll"
        result = self._call("POST", path, request, doing=f"read points of `{collection}`")
        return Page(points=result["points"], next_offset=result.get("next_page_offset"))

    def upsert(self, collection: str, points: list[Point], *, wait: bool) -> None:
        """Write points; with `wait` the answer comes when they can be searched."""
        data = orjson.dumps({"points": points}, option=orjson.OPT_SERIALIZE_NUMPY)
        if len(data) > _LARGEST_REQUEST_BYTES and len(points) > 1:
            middle = len(points) // 2
            for half in (points[:middle], points[middle:]):
                self.upsert(collection, half, wait=wait)
            return
        self._put(collection, data, wait=wait)

    def fetch(self, collection: str, request: dict[str, Any]) -> Parcel:
        """Return one page for a scroll request, sealed where its answer has the usual shape."""
        path = f"/collections/{quote(collection, safe='')}/points/scroll"
        doing = f"read points of `{collection}`"
        answer = self._send("POST", path, orjson.dumps(request), doing=doing)
        sealed = _sealed(answer, count=request["limit"])
        if sealed is not None:
            return sealed
        result = self._result(answer, doing=doing)
        points = [{key: point.get(key) for key in ("id", "payload", "vector")} for point in result["points"]]
        return Parcel(count=len(points), next_offset=result.get("next_page_offset"), points=points)

    def deliver(self, collection: str, parcel: Parcel, *, wait: bool) -> None:
        """Write the points of a parcel."""
        if parcel.sealed is None:
            self.upsert(collection, parcel.points, wait=wait)
        elif len(parcel.sealed) > _LARGEST_REQUEST_BYTES:
            self.upsert(collection, orjson.loads(parcel.sealed), wait=wait)
        else:
            self._put(collection, b'{"points":' + parcel.sealed + b"}", wait=wait)

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
        self._local = threading.local()

    def _put(self, collection: str, data: bytes, *, wait: bool) -> None:
        path = f"/collections/{quote(collection, safe='')}/points?wait={'true' if wait else 'false'}"
        doing = f"write points to `{collection}`"
        self._result(self._send("PUT", path, data, doing=doing), doing=doing)

    def _call(self, method: str, path: str, body: Any, *, doing: str) -> Any:
        return self._result(self._send(method, path, orjson.dumps(body), doing=doing), doing=doing)

    def _send(self, method: str, path: str, data: bytes, *, doing: str) -> bytes:
        """Send one request; a kept connection that the server has closed meanwhile is opened anew, once."""
        for attempt in (1, 2):
            connection, is_fresh = self._connection()
            try:
                connection.request(method, self._parts.path.rstrip("/") + path, data, self._headers())
                response = connection.getresponse()
                answer = response.read()
            except TimeoutError as error:
                self._drop(connection)
                raise timed_out(self._place.url, doing=doing) from error
            except (OSError, http.client.HTTPException) as error:
                self._drop(connection)
                if attempt == 1 and not is_fresh:
                    continue
                raise unreachable(
                    self._place.url, doing=doing, why=str(error) or type(error).__name__
                ) from error
            if response.status >= http.client.BAD_REQUEST:
                raise refused(response.status, answer, doing=doing, url=self._place.url)
            return answer
        raise AssertionError("the loop returns or raises")

    def _result(self, answer: bytes, *, doing: str) -> Any:
        try:
            return orjson.loads(answer)["result"]
        except (ValueError, KeyError, TypeError) as error:
            raise not_qdrant(self._place.url, doing=doing, why=f"{error}: {answer[:80]!r}") from error

    def _headers(self) -> dict[str, str]:
        headers = {"content-type": "application/json"}
        return headers if self._place.api_key is None else headers | {"api-key": self._place.api_key}

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        kept = getattr(self._local, "connection", None)
        if kept is not None:
            return kept, False
        connection = self._open()
        self._local.connection = connection
        with self._lock:
            self._opened.append(connection)
        return connection, True

    def _open(self) -> http.client.HTTPConnection:
        host, timeout = self._parts.hostname or "localhost", self._place.timeout_seconds
        # Qdrant's own port where the address names none, as qdrant-client does.
        port = self._parts.port or 6333
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
        return http.client.HTTPConnection(host, port, timeout=timeout)

    def _drop(self, connection: http.client.HTTPConnection) -> None:
        connection.close()
        self._local.connection = None
        with self._lock:
            if connection in self._opened:
                self._opened.remove(connection)


def scroll_request(
    *,
    limit: int,
    offset: PointId | None,
    filter: Filter | None,  # noqa: A002 - Qdrant's own word
    with_payload: bool,
    with_vectors: bool,
) -> dict[str, Any]:
    """Return a scroll request in the words of Qdrant's REST API."""
    request: dict[str, Any] = {"limit": limit, "with_payload": with_payload, "with_vector": with_vectors}
    if offset is not None:
        request["offset"] = offset
    if filter is not None:
        request["filter"] = dict(filter)
    return request


_HEAD = b'{"result":{"points":['
_TAIL = b'],"next_page_offset":'


def _sealed(answer: bytes, *, count: int) -> Parcel | None:
    """Return the page unopened; None where its shape is another, it is the last, or holds more than points.

    Reading and writing the numbers of a thousand vectors costs a client more than the network does. A page
    with a page behind it is full, so its points need not be counted.
    """
    cut = answer.rfind(_TAIL)
    if not answer.startswith(_HEAD) or cut < 0 or b'"shard_key"' in answer:
        return None
    try:
        following = orjson.loads(b'{"result":{' + answer[cut + 2 :])["result"]["next_page_offset"]
    except (ValueError, KeyError, TypeError):
        return None
    if following is None:
        return None
    return Parcel(count=count, next_offset=following, sealed=answer[len(_HEAD) - 1 : cut + 1])
