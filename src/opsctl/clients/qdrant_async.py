"""How does the service search without blocking its event loop: ids, scores and vectors from Qdrant, awaited."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opsctl.clients.qdrant_convert import plain_id, query_request, to_filter
from opsctl.clients.qdrant_errors import timed_out, translated
from opsctl.clients.qdrant_values import Filter, PointId, QdrantPlace, Query

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from qdrant_client import AsyncQdrantClient, models

    Vector = NDArray[np.float32]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_CONNECTIONS = 32
_CHANNELS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """What a search found, best first; `vectors` only where they were asked for."""

    ids: tuple[PointId, ...]
    scores: tuple[float, ...]
    vectors: "tuple[Vector, ...]" = ()
    engine_seconds: float
    client_seconds: float


class AsyncQdrantSearcher:
    """The reading that the service does; every foreign error comes out as an OpsError with a `COL` code.

    Args:
        place: where the server is; `prefer_grpc` sends searches over gRPC.
        timeout_seconds: longest wait for one call, that for a free connection included.
        using: name of the vector, where collections have several.
    """

    def __init__(self, place: QdrantPlace, *, timeout_seconds: float, using: str | None = None) -> None:
        self.place = place
        self._timeout_seconds = timeout_seconds
        self._using = using
        self._client = _client(place, timeout_seconds=timeout_seconds)

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
        asked = query_request(Query(vector=vector.tolist(), limit=limit, filter=filter, using=self._using))
        asked.with_vector = with_vectors and (True if self._using is None else [self._using])
        async with self._doing(f"search `{collection}`"):
            began = time.perf_counter()
            if self.place.prefer_grpc:
                hits, engine_seconds = await self._search_grpc(collection, asked)
            else:
                answer = await self._client.http.search_api.query_points(
                    collection_name=collection, query_request=asked
                )
                hits = answer.result.points if answer.result else []
                engine_seconds = float(answer.time or 0.0)
            took = time.perf_counter() - began
        return Hits(
            ids=tuple(plain_id(hit.id) for hit in hits),
            scores=tuple(hit.score for hit in hits),
            vectors=tuple(self._vector(hit.vector) for hit in hits) if with_vectors else (),
            engine_seconds=engine_seconds,
            client_seconds=took,
        )

    async def vectors(self, collection: str, ids: Sequence[PointId]) -> "dict[PointId, Vector]":
        """Return the vectors of the points that exist, by id."""
        if not ids:
            return {}
        wanted: Any = True if self._using is None else [self._using]
        async with self._doing(f"read vectors of `{collection}`"):
            records = await self._client.retrieve(
                collection, list(ids), with_payload=False, with_vectors=wanted
            )
        return {plain_id(record.id): self._vector(record.vector) for record in records}

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
        await self._client.close()

    async def _search_grpc(
        self, collection: str, asked: "models.QueryRequest"
    ) -> "tuple[Sequence[Any], float]":
        from qdrant_client import grpc, models
        from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc

        answer = await self._client.grpc_points.Query(
            grpc.QueryPoints(
                collection_name=collection,
                query=RestToGrpc.convert_query(models.NearestQuery(nearest=asked.query)),
                using=asked.using,
                filter=None if asked.filter is None else RestToGrpc.convert_filter(asked.filter),
                limit=asked.limit,
                with_payload=RestToGrpc.convert_with_payload_interface(asked.with_payload),  # type: ignore[arg-type]
                with_vectors=RestToGrpc.convert_with_vectors(asked.with_vector or False),
            ),
            timeout=self._timeout_seconds,
        )
        return [GrpcToRest.convert_scored_point(hit) for hit in answer.result], answer.time

    def _vector(self, found: Any) -> "Vector":
        import numpy as np

        return np.asarray(found[self._using] if isinstance(found, dict) else found, dtype=np.float32)

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

    is_local = any(host in place.url for host in _LOOPBACK)
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
            trust_env=not is_local,  # no proxy stands between this machine and itself
            **options,
        )
