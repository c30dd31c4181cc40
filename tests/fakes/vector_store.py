"""A vector database in memory: exact, small, and able to fail where a test wants it to."""

import copy
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opsctl.clients.qdrant_values import (
    AliasAction,
    CollectionState,
    DropAlias,
    Filter,
    Found,
    Page,
    Parcel,
    Point,
    PointId,
    Query,
    SetAlias,
)
from opsctl.core.errors import FailedError
from opsctl.qdrant_collections.ranges import id_key

Hook = Callable[[str, str], None]


class FakeVectorStore:
    """Does what QdrantStore does, by the same words.

    `hooks` hear every call as (method, collection) before it is carried out and may raise or change the state;
    `calls` remembers them. Searches of a collection in `blind` find the farthest points instead of the nearest.
    """

    def __init__(self) -> None:
        self.points: dict[str, dict[PointId, Point]] = {}
        self.configs: dict[str, dict[str, Any]] = {}
        self.indexes: dict[str, dict[str, Any]] = {}
        self.alias_table: dict[str, str] = {}
        self.hooks: list[Hook] = []
        self.calls: list[tuple[str, str]] = []
        self.blind: set[str] = set()
        self.version = "1.20.0"
        self.engine_seconds = 0.0005
        self._lock = threading.RLock()

    def server_version(self) -> str:
        """Return the server's version."""
        self._heard("server_version", "")
        return self.version

    def collections(self) -> tuple[str, ...]:
        """Return the names of all collections."""
        self._heard("collections", "")
        return tuple(sorted(self.points))

    def collection(self, name: str) -> CollectionState:
        """Return what a collection says about itself."""
        real = self._resolve("collection", name)
        stored = self.points[real]
        schema = {
            field: {
                "data_type": kind,
                "points": sum(field in (each["payload"] or {}) for each in stored.values()),
            }
            for field, kind in self.indexes[real].items()
        }
        return CollectionState(
            name=name,
            status="green",
            optimizer_status="ok",
            points_count=len(stored),
            indexed_vectors_count=0,
            segments_count=1,
            config=copy.deepcopy(self.configs[real]),
            payload_schema=schema,
        )

    def create_collection(self, name: str, parameters: Mapping[str, Any]) -> None:
        """Make a collection."""
        self._heard("create_collection", name)
        if name in self.points or name in self.alias_table:
            raise FailedError(f"cannot create collection `{name}`: it exists", code="COL005")
        self.points[name] = {}
        self.indexes[name] = {}
        self.configs[name] = {
            "params": {"vectors": dict(parameters["vectors"])},
            "hnsw_config": dict(parameters.get("hnsw_config") or {"m": 16, "ef_construct": 100}),
            "optimizer_config": dict(parameters.get("optimizers_config") or {"indexing_threshold": 10_000}),
            "metadata": copy.deepcopy(dict(parameters.get("metadata") or {})),
        }

    def update_collection(self, name: str, change: Mapping[str, Any]) -> None:
        """Change parameters or notes of a collection."""
        real = self._resolve("update_collection", name)
        self.configs[real]["metadata"].update(copy.deepcopy(dict(change.get("metadata") or {})))
        self.configs[real]["optimizer_config"].update(change.get("optimizers_config") or {})

    def delete_collection(self, name: str) -> None:
        """Delete a collection and the aliases that lead to it."""
        self._heard("delete_collection", name)
        self.points.pop(name, None)
        self.configs.pop(name, None)
        self.alias_table = {alias: target for alias, target in self.alias_table.items() if target != name}

    def create_payload_index(self, name: str, *, field: str, schema: str | Mapping[str, Any]) -> None:
        """Index a payload field."""
        kind = schema if isinstance(schema, str) else schema["type"]
        self.indexes[self._resolve("create_payload_index", name)][field] = kind

    def count(self, name: str, *, filter: Filter | None = None) -> int:  # noqa: A002
        """Return the exact number of points."""
        return len(self._matching(self._resolve("count", name), filter))

    def scroll(
        self,
        name: str,
        *,
        limit: int,
        offset: PointId | None = None,
        filter: Filter | None = None,  # noqa: A002
        with_payload: bool = True,
        with_vectors: bool = False,
    ) -> Page:
        """Return the next points in the order of ids."""
        found = self._matching(self._resolve("scroll", name), filter)
        rest = [each for each in found if offset is None or id_key(each["id"]) >= id_key(offset)]
        shown = [_shown(each, with_payload=with_payload, with_vectors=with_vectors) for each in rest[:limit]]
        return Page(points=shown, next_offset=rest[limit]["id"] if len(rest) > limit else None)

    def fetch(self, name: str, *, limit: int, offset: PointId | None, filter: Filter) -> Parcel:  # noqa: A002
        """Return the next whole points, opened."""
        page = self.scroll(name, limit=limit, offset=offset, filter=filter, with_vectors=True)
        return Parcel(count=len(page.points), next_offset=page.next_offset, points=page.points)

    def deliver(self, name: str, parcel: Parcel, *, wait: bool) -> None:
        """Write the points of a parcel."""
        self.upsert(name, parcel.points, wait=wait)

    def retrieve(self, name: str, ids: Sequence[PointId], *, with_vectors: bool = False) -> list[Point]:
        """Return the points with these ids that exist."""
        stored = self.points[self._resolve("retrieve", name)]
        found = [stored[each] for each in ids if each in stored]
        return [_shown(each, with_payload=True, with_vectors=with_vectors) for each in found]

    def sample(
        self,
        name: str,
        *,
        limit: int,
        filter: Filter | None = None,  # noqa: A002
        with_vectors: bool = False,
        with_payload: bool = False,
    ) -> list[Point]:
        """Return points chosen by chance."""
        found = self._matching(self._resolve("sample", name), filter)
        chosen = random.Random(len(found)).sample(found, min(limit, len(found)))
        return [_shown(each, with_payload=with_payload, with_vectors=with_vectors) for each in chosen]

    def upsert(self, name: str, points: list[Point], *, wait: bool = True) -> None:
        """Write points; vectors are kept as Qdrant keeps them for the cosine distance: normalised."""
        import numpy as np

        real = self._resolve("upsert", name)
        with self._lock:
            for point in points:
                vector = np.asarray(point["vector"], dtype=np.float32)
                kept = {"vector": (vector / np.linalg.norm(vector)).tolist(), "payload": point.get("payload")}
                self.points[real][point["id"]] = {"id": point["id"], **copy.deepcopy(kept)}

    def delete_points(self, name: str, ids: Sequence[PointId], *, wait: bool = True) -> None:
        """Delete points."""
        real = self._resolve("delete_points", name)
        for each in ids:
            self.points[real].pop(each, None)

    def aliases(self) -> dict[str, str]:
        """Return every alias with its collection."""
        self._heard("aliases", "")
        return dict(self.alias_table)

    def change_aliases(self, actions: Sequence[AliasAction]) -> None:
        """Apply alias actions as one change."""
        self._heard("change_aliases", "")
        table = dict(self.alias_table)
        for action in actions:
            match action:
                case SetAlias():
                    table[action.alias] = action.collection
                case DropAlias():
                    del table[action.alias]
        self.alias_table = table

    def query(self, name: str, query: Query) -> Found:
        """Search exactly; a blind collection finds the farthest."""
        import numpy as np

        real = self._resolve("query", name)
        found = self._matching(real, query.filter)
        asked = np.asarray(query.vector, dtype=np.float32)
        asked = asked / np.linalg.norm(asked)
        scored = [
            (float(np.dot(asked, np.asarray(each["vector"], dtype=np.float32))), each) for each in found
        ]
        scored.sort(key=lambda pair: pair[0], reverse=real not in self.blind)
        best = scored[: query.limit]
        return Found(
            ids=tuple(each["id"] for _score, each in best),
            scores=tuple(score for score, _each in best),
            payloads=tuple(each["payload"] if query.with_payload else None for _score, each in best),
            engine_seconds=self.engine_seconds,
            client_seconds=self.engine_seconds * 2,
        )

    def _resolve(self, method: str, name: str) -> str:
        self._heard(method, name)
        real = self.alias_table.get(name, name)
        if real not in self.points:
            raise FailedError(f"cannot {method} `{name}`: it is not there", code="COL006")
        return real

    def _heard(self, method: str, name: str) -> None:
        self.calls.append((method, name))
        for hook in list(self.hooks):
            hook(method, name)

    def _matching(self, name: str, asked: Filter | None) -> list[Point]:
        with self._lock:
            stored = sorted(self.points[name].values(), key=lambda each: id_key(each["id"]))
        return [each for each in stored if asked is None or _passes(asked, each["payload"] or {})]


def _shown(point: Point, *, with_payload: bool, with_vectors: bool) -> Point:
    shown: Point = {"id": point["id"], "payload": copy.deepcopy(point["payload"]) if with_payload else None}
    return shown | ({"vector": list(point["vector"])} if with_vectors else {})


def _passes(asked: Filter, payload: Mapping[str, Any]) -> bool:
    return all(_holds(each, payload) for each in asked.get("must", ())) and not any(
        _holds(each, payload) for each in asked.get("must_not", ())
    )


def _holds(condition: Mapping[str, Any], payload: Mapping[str, Any]) -> bool:
    if "is_empty" in condition:
        return payload.get(condition["is_empty"]["key"]) in (None, [])
    if "key" not in condition:
        return _passes(condition, payload)
    stored = payload.get(condition["key"])
    values = stored if isinstance(stored, list) else [] if stored is None else [stored]
    if "range" in condition:
        return any(_in_range(each, condition["range"]) for each in values)
    match = condition["match"]
    if "value" in match:
        return match["value"] in values
    if "any" in match:
        return any(each in match["any"] for each in values)
    return any(each not in match["except"] for each in values)


def _in_range(value: Any, bounds: Mapping[str, float]) -> bool:
    tests: dict[str, Callable[[float, float], bool]] = {
        "gte": lambda one, other: one >= other,
        "gt": lambda one, other: one > other,
        "lte": lambda one, other: one <= other,
        "lt": lambda one, other: one < other,
    }
    return isinstance(value, int | float) and all(tests[name](value, bound) for name, bound in bounds.items())
