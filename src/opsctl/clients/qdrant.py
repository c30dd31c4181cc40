"""How is a Qdrant server, cluster, Cloud or the embedded vector node asked: everything over one client."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from opsctl.clients.qdrant_bulk import QdrantBulk, scroll_request
from opsctl.clients.qdrant_convert import (
    alias_operation,
    found,
    plain_id,
    point,
    query_request,
    state,
    to_filter,
)
from opsctl.clients.qdrant_errors import translated
from opsctl.clients.qdrant_values import (
    AliasAction,
    CollectionState,
    Filter,
    Found,
    Page,
    Parcel,
    Point,
    PointId,
    QdrantPlace,
    Query,
)

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from qdrant_client import QdrantClient, models

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class QdrantStore:
    """One vector database; every foreign error comes out as an OpsError with a `COL` code.

    Points and filters are plain JSON in Qdrant's own words. Reading and writing many points takes a path
    without models over REST, or qdrant-client's gRPC where the settings prefer that.
    """

    def __init__(self, place: QdrantPlace) -> None:
        self.place = place
        self._client = _client(place)
        self._bulk = QdrantBulk(place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._bulk.close()
        self._client.close()

    def server_version(self) -> str:
        """Return the server's version, such as `1.16.2`."""
        with self._doing("ask for the server's version"):
            return str(self._client.info().version)

    def collections(self) -> tuple[str, ...]:
        """Return the names of all collections, sorted; aliases are not among them."""
        with self._doing("list the collections"):
            return tuple(sorted(each.name for each in self._client.get_collections().collections))

    def collection(self, name: str) -> CollectionState:
        """Return what a collection, or the one behind an alias, says about itself."""
        with self._doing(f"look at collection `{name}`"):
            info = self._client.get_collection(name)
        return state(name, info.model_dump(mode="json", exclude_none=True, by_alias=True))

    def create_collection(self, name: str, parameters: Mapping[str, Any]) -> None:
        """Make a collection; `parameters` is the body that Qdrant's REST API takes."""
        from qdrant_client import models

        request = models.CreateCollection.model_validate(dict(parameters))
        others = ("vectors", "sparse_vectors")
        options = {key: value for key, value in request if value is not None and key not in others}
        with self._doing(f"create collection `{name}`"):
            self._client.create_collection(
                name,
                vectors_config=request.vectors,
                sparse_vectors_config=request.sparse_vectors,
                **options,
            )

    def update_collection(self, name: str, change: Mapping[str, Any]) -> None:
        """Change parameters of a collection; `change` is the body that Qdrant's REST API takes."""
        from qdrant_client import models

        request = models.UpdateCollection.model_validate(dict(change))
        names = {
            "params": "collection_params",
            "vectors": "vectors_config",
            "sparse_vectors": "sparse_vectors_config",
        }
        options: dict[str, Any] = {names.get(key, key): value for key, value in request if value is not None}
        with self._doing(f"change collection `{name}`"):
            self._client.update_collection(name, **options)

    def delete_collection(self, name: str) -> None:
        """Delete a collection with all its points; one that is not there is no error."""
        with self._doing(f"delete collection `{name}`"):
            self._client.delete_collection(name)

    def create_payload_index(self, name: str, *, field: str, schema: str | Mapping[str, Any]) -> None:
        """Index a payload field; `schema` is a kind such as `keyword`, or its parameters in REST words."""
        from qdrant_client import models

        request = models.CreateFieldIndex.model_validate({"field_name": field, "field_schema": schema})
        with self._doing(f"index field `{field}` of `{name}`"):
            self._client.create_payload_index(name, field, field_schema=request.field_schema, wait=True)

    def count(self, name: str, *, filter: Filter | None = None) -> int:  # noqa: A002 - Qdrant's own word
        """Return the exact number of points, or of those that match the filter."""
        with self._doing(f"count points of `{name}`"):
            return self._client.count(name, count_filter=to_filter(filter), exact=True).count

    def scroll(
        self,
        name: str,
        *,
        limit: int,
        offset: PointId | None = None,
        filter: Filter | None = None,  # noqa: A002 - Qdrant's own word
        with_payload: bool = True,
        with_vectors: bool = False,
    ) -> Page:
        """Return the next points in the order of ids, beginning with `offset` itself."""
        if not self.place.prefer_grpc:
            return self._bulk.scroll(
                name,
                scroll_request(
                    limit=limit,
                    offset=offset,
                    filter=filter,
                    with_payload=with_payload,
                    with_vectors=with_vectors,
                ),
            )
        with self._doing(f"read points of `{name}`"):
            records, following = self._client.scroll(
                name,
                scroll_filter=to_filter(filter),
                limit=limit,
                offset=offset,
                with_payload=with_payload,
                with_vectors=with_vectors,
            )
        return Page(points=[point(record) for record in records], next_offset=plain_id(following))

    def fetch(self, name: str, *, limit: int, offset: PointId | None, filter: Filter) -> Parcel:  # noqa: A002
        """Return the next whole points for another collection, unopened where the server's answer allows it."""
        if self.place.prefer_grpc:
            page = self.scroll(name, limit=limit, offset=offset, filter=filter, with_vectors=True)
            return Parcel(count=len(page.points), next_offset=page.next_offset, points=page.points)
        request = scroll_request(
            limit=limit, offset=offset, filter=filter, with_payload=True, with_vectors=True
        )
        return self._bulk.fetch(name, request)

    def deliver(self, name: str, parcel: Parcel, *, wait: bool) -> None:
        """Write the points of a parcel."""
        if self.place.prefer_grpc:
            self.upsert(name, parcel.points, wait=wait)
        else:
            self._bulk.deliver(name, parcel, wait=wait)

    def retrieve(self, name: str, ids: Sequence[PointId], *, with_vectors: bool = False) -> list[Point]:
        """Return the points with these ids that exist."""
        with self._doing(f"read points of `{name}`"):
            records = self._client.retrieve(name, list(ids), with_payload=True, with_vectors=with_vectors)
        return [point(record) for record in records]

    def sample(
        self,
        name: str,
        *,
        limit: int,
        filter: Filter | None = None,  # noqa: A002 - Qdrant's own word
        with_vectors: bool = False,
        with_payload: bool = False,
    ) -> list[Point]:
        """Return points chosen by chance; the engine chooses, so the choice cannot be seeded."""
        from qdrant_client import models

        with self._doing(f"sample points of `{name}`"):
            answer = self._client.query_points(
                name,
                query=models.SampleQuery(sample=models.Sample.RANDOM),
                query_filter=to_filter(filter),
                limit=limit,
                with_payload=with_payload,
                with_vectors=with_vectors,
            )
        return [point(record) for record in answer.points]

    def upsert(self, name: str, points: list[Point], *, wait: bool = True) -> None:
        """Write points; without `wait` the answer comes when they are in the write-ahead log."""
        if not self.place.prefer_grpc:
            self._bulk.upsert(name, points, wait=wait)
            return
        from qdrant_client import models

        structs = [models.PointStruct.model_validate(point) for point in points]
        with self._doing(f"write points to `{name}`"):
            self._client.upsert(name, structs, wait=wait)

    def delete_points(self, name: str, ids: Sequence[PointId], *, wait: bool = True) -> None:
        """Delete the points with these ids."""
        from qdrant_client import models

        with self._doing(f"delete points of `{name}`"):
            self._client.delete(name, models.PointIdsList(points=list(ids)), wait=wait)

    def aliases(self) -> dict[str, str]:
        """Return every alias with the collection that it leads to."""
        with self._doing("list the aliases"):
            found = self._client.get_aliases().aliases
        return {each.alias_name: each.collection_name for each in found}

    def change_aliases(self, actions: Sequence[AliasAction]) -> None:
        """Apply a list of alias actions as one change: all of them, or none."""
        with self._doing("change the aliases"):
            self._client.update_collection_aliases([alias_operation(action) for action in actions])

    def query(self, name: str, query: Query) -> Found:
        """Search and time it: the engine's own seconds beside those of the whole call through qdrant-client."""
        request = query_request(query)
        with self._doing(f"search `{name}`"):
            if self.place.prefer_grpc:
                return self._query_grpc(name, query, request)
            began = time.perf_counter()
            envelope = self._client.http.search_api.query_points(collection_name=name, query_request=request)
            took = time.perf_counter() - began
        hits = envelope.result.points if envelope.result else []
        return found(hits, engine_seconds=float(envelope.time or 0.0), client_seconds=took)

    def _query_grpc(self, name: str, query: Query, request: "models.QueryRequest") -> Found:
        from qdrant_client import grpc, models
        from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc

        asked = grpc.QueryPoints(
            collection_name=name,
            query=RestToGrpc.convert_query(models.NearestQuery(nearest=list(query.vector))),
            using=request.using,
            filter=None if request.filter is None else RestToGrpc.convert_filter(request.filter),
            params=RestToGrpc.convert_search_params(request.params),  # type: ignore[arg-type]
            limit=request.limit,
            with_payload=RestToGrpc.convert_with_payload_interface(request.with_payload),  # type: ignore[arg-type]
        )
        began = time.perf_counter()
        answer = self._client.grpc_points.Query(asked, timeout=self.place.timeout_seconds)
        took = time.perf_counter() - began
        hits = [GrpcToRest.convert_scored_point(hit) for hit in answer.result]
        return found(hits, engine_seconds=answer.time, client_seconds=took)

    def _doing(self, what: str) -> "AbstractContextManager[None]":
        return translated(self.place.url, doing=what)


def _client(place: QdrantPlace) -> "QdrantClient":
    import warnings

    import httpx
    from qdrant_client import QdrantClient

    is_local = any(host in place.url for host in _LOOPBACK)
    with warnings.catch_warnings():
        # The key over plain HTTP is the user's own choice of address; the guide says when that is right.
        warnings.filterwarnings("ignore", message="Api key is used with an insecure connection")
        return QdrantClient(
            url=place.url,
            api_key=place.api_key,
            prefer_grpc=place.prefer_grpc,
            grpc_port=place.grpc_port,
            timeout=max(1, round(place.timeout_seconds)),
            check_compatibility=False,  # our own preflight compares versions and says what follows
            # qdrant-client keeps no connection to a local server, which would time TCP handshakes instead.
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=16),
            trust_env=not is_local,  # no proxy stands between this machine and itself
        )
