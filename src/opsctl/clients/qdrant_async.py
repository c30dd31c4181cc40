"""How does the service search without blocking its event loop: ids, scores and vectors from Qdrant, awaited."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from opsctl.clients.http_answer import Answer
from opsctl.clients.http_posts import PostsJson, is_loopback, posts_to
from opsctl.clients.qdrant_convert import plain_id, query_request, to_filter
from opsctl.clients.qdrant_errors import refused, timed_out, translated, unreachable
from opsctl.clients.qdrant_reads import (
    Scored,
    matrix_of,
    read_scored,
    read_vectors,
    retrieve_body,
    search_body,
)
from opsctl.clients.qdrant_values import Filter, PointId, QdrantPlace, Query

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from qdrant_client import AsyncQdrantClient

    Vector = NDArray[np.float32]
    Matrix = NDArray[np.float32]

_CONNECTIONS = 32
_CHANNELS = 2
_LARGEST_ANSWER_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """What a search found, best first; `vectors` has a row for each, or is None where they were not asked for."""

    ids: tuple[PointId, ...]
    scores: tuple[float, ...]
    vectors: "Matrix | None" = None
    engine_seconds: float
    client_seconds: float


class AsyncQdrantSearcher:
    """The reading that the service does; every foreign error comes out as an OpsError with a `COL` code.

    Searches over REST and reads of vectors, hundreds a second with a hundred points each, go past qdrant-client's
    models and httpx, over connections of their own; everything else goes through qdrant-client.

    Args:
        place: where the server is; `prefer_grpc` sends searches and reads over gRPC.
        timeout_seconds: longest wait for one call, that for a free connection included.
        using: name of the vector, where collections have several.
        traceparent: returns that of the current trace, for searches and reads over REST; empty for none.
    """

    def __init__(
        self,
        place: QdrantPlace,
        *,
        timeout_seconds: float,
        using: str | None = None,
        traceparent: Callable[[], str] = str,
    ) -> None:
        self.place = place
        self._traceparent = traceparent
        self._timeout_seconds = timeout_seconds
        self._using = using
        self._client = _client(place, timeout_seconds=timeout_seconds)
        self._http = _http(self._client, place)

    async def search(
        self,
        collection: str,
        *,
        vector: "Vector",
        limit: int,
        filter: Filter | None = None,  # noqa: A002 - Qdrant's own word
        with_vectors: bool = False,
    ) -> Hits:
        """Return the nearest points."""
        doing = f"search `{collection}`"
        async with self._doing(doing):
            began = time.perf_counter()
            if self.place.prefer_grpc:
                found = await self._search_grpc(
                    collection, vector=vector, limit=limit, filter=filter, with_vectors=with_vectors
                )
            else:
                body = search_body(
                    vector, limit=limit, filter=filter, using=self._using, with_vectors=with_vectors
                )
                answer = await self._post(collection, "/points/query", body, doing=doing)
                found = read_scored(answer.body, using=self._using, with_vectors=with_vectors)
            took = time.perf_counter() - began
        return Hits(
            ids=found.ids,
            scores=found.scores,
            vectors=found.vectors,
            engine_seconds=found.engine_seconds,
            client_seconds=took,
        )

    async def vectors(self, collection: str, ids: Sequence[PointId]) -> "dict[PointId, Vector]":
        """Return the vectors of the points that exist, by id; they may share one block of memory."""
        if not ids:
            return {}
        doing = f"read vectors of `{collection}`"
        async with self._doing(doing):
            if self.place.prefer_grpc:
                return await self._vectors_grpc(collection, ids)
            body = retrieve_body(ids, using=self._using)
            answer = await self._post(collection, "/points", body, doing=doing)
            return read_vectors(answer.body, using=self._using)

    async def names(self) -> frozenset[str]:
        """Return everything that can be searched: collections and aliases."""
        async with self._doing("list collections and aliases"):
            collections = await self._client.get_collections()
            aliases = await self._client.get_aliases()
        return frozenset(
            [
                *(each.name for each in collections.collections),
                *(each.alias_name for each in aliases.aliases),
            ]
        )

    async def count(self, collection: str, *, filter: Filter | None = None) -> int:  # noqa: A002
        """Return the exact number of points that match."""
        async with self._doing(f"count points of `{collection}`"):
            answer = await self._client.count(collection, count_filter=to_filter(filter), exact=True)
        return answer.count

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()
        await self._client.close()

    async def _post(self, collection: str, path: str, body: bytes, *, doing: str) -> Answer:
        try:
            answer = await self._http.post(
                f"/collections/{quote(collection, safe='')}{path}", body, traceparent=self._traceparent()
            )
        except OSError as error:
            raise unreachable(self.place.url, doing=doing, why=str(error)) from error
        if answer.status != 200:
            raise refused(answer.status, answer.body, doing=doing, url=self.place.url)
        return answer

    async def _search_grpc(
        self,
        collection: str,
        *,
        vector: "Vector",
        limit: int,
        filter: Filter | None,  # noqa: A002 - Qdrant's own word
        with_vectors: bool,
    ) -> Scored:
        from qdrant_client import grpc, models
        from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc

        asked = query_request(Query(vector=vector.tolist(), limit=limit, filter=filter, using=self._using))
        wanted = with_vectors and (True if self._using is None else [self._using])
        answer = await self._client.grpc_points.Query(
            grpc.QueryPoints(
                collection_name=collection,
                query=RestToGrpc.convert_query(models.NearestQuery(nearest=asked.query)),
                using=asked.using,
                filter=None if asked.filter is None else RestToGrpc.convert_filter(asked.filter),
                limit=asked.limit,
                with_payload=RestToGrpc.convert_with_payload_interface(asked.with_payload),  # type: ignore[arg-type]
                with_vectors=RestToGrpc.convert_with_vectors(wanted),
            ),
            timeout=self._timeout_seconds,
        )
        hits = [GrpcToRest.convert_scored_point(hit) for hit in answer.result]
        return Scored(
            ids=tuple(plain_id(hit.id) for hit in hits),
            scores=tuple(hit.score for hit in hits),
            vectors=matrix_of([self._vector(hit.vector) for hit in hits]) if with_vectors else None,
            engine_seconds=answer.time,
        )

    async def _vectors_grpc(self, collection: str, ids: Sequence[PointId]) -> "dict[PointId, Vector]":
        records = await self._client.retrieve(
            collection,
            list(ids),
            with_payload=False,
            with_vectors=True if self._using is None else [self._using],
        )
        rows = matrix_of([self._vector(record.vector) for record in records])
        return {plain_id(record.id): row for record, row in zip(records, rows, strict=True)}

    def _vector(self, found: Any) -> Any:
        return found[self._using] if isinstance(found, dict) else found

    @asynccontextmanager
    async def _doing(self, what: str) -> AsyncIterator[None]:
        """Limit the time of a call, and turn what goes wrong in it into an OpsError."""
        try:
            with translated(self.place.url, doing=what):
                async with asyncio.timeout(self._timeout_seconds):
                    yield
        except TimeoutError as error:
            raise timed_out(self.place.url, doing=what) from error


def _client(place: QdrantPlace, *, timeout_seconds: float) -> "AsyncQdrantClient":
    import warnings

    import httpx
    from qdrant_client import AsyncQdrantClient

    options: dict[str, Any] = (
        {"pool_size": _CHANNELS}
        if place.prefer_grpc
        # qdrant-client keeps no connection to a local server: each search would begin with a handshake.
        else {"limits": httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)}
    )
    with warnings.catch_warnings():
        # The key over plain HTTP is the user's own choice of address; the guide says when that is right.
        warnings.filterwarnings("ignore", message="Api key is used with an insecure connection")
        return AsyncQdrantClient(
            url=place.url,
            api_key=place.api_key,
            prefer_grpc=place.prefer_grpc,
            grpc_port=place.grpc_port,
            timeout=max(1, round(timeout_seconds)),
            check_compatibility=False,  # asking for the version would block the first request
            trust_env=not is_loopback(place.url),  # no proxy stands between this machine and itself
            **options,
        )


def _http(client: "AsyncQdrantClient", place: QdrantPlace) -> PostsJson:
    """Return connections to the address that qdrant-client made of the place: its port and prefix hold."""
    return posts_to(
        client.http.client.host,
        headers={"api-key": place.api_key} if place.api_key else {},
        max_connections=_CONNECTIONS,
        largest_body_bytes=_LARGEST_ANSWER_BYTES,
    )
