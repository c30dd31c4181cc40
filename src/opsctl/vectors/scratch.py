"""How is a copy made for measuring only, and how is it sure to be gone afterwards: scratch collections."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

from opsctl.clients.qdrant_values import CollectionState, Filter, Point, PointId
from opsctl.core.clock import Clock
from opsctl.core.errors import InconclusiveError, OpsError, ResidueError
from opsctl.core.events import Listener, Noted, PhaseAdvanced, PhaseFinished, PhaseStarted, ignore
from opsctl.vectors.rest import wait_for_rest
from opsctl.vectors.store_view import PagedStore

Payload = Mapping[str, Any]

_PAGE = 500
_POLL_SECONDS = 0.1  # how long a copy takes to build is a figure
_REST_DEADLINE_SECONDS = 600.0


class WritableStore(PagedStore, Protocol):
    """The part of `clients.qdrant.QdrantStore` that copies need."""

    def collections(self) -> tuple[str, ...]:
        """Return the names of all collections."""
        ...

    def create_collection(self, name: str, parameters: Mapping[str, Any]) -> None:
        """Make a collection."""
        ...

    def update_collection(self, name: str, change: Mapping[str, Any]) -> None:
        """Change parameters of a collection."""
        ...

    def create_payload_index(self, name: str, *, field: str, schema: str | Mapping[str, Any]) -> None:
        """Index a payload field."""
        ...

    def delete_collection(self, name: str) -> None:
        """Delete a collection."""
        ...

    def upsert(self, name: str, points: list[Point], *, wait: bool = True) -> None:
        """Write points."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPlan:
    """What goes into a scratch copy.

    Args:
        name: the name, after the prefix.
        source: where points and parameters come from.
        filter: only points that pass, in Qdrant's words.
        ids: only these points; None for all.
        indexes: payload indexes by field; the schema is Qdrant's word or its parameters.
        add: more payload for a point, made from its payload.
    """

    name: str
    source: str
    filter: Filter | None = None
    ids: Sequence[PointId] | None = None
    indexes: Mapping[str, str | Mapping[str, Any]] = field(default_factory=dict)
    add: Callable[[Payload], Payload] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A finished scratch copy: what it is called, what it holds, how long it took until green and idle."""

    collection: str
    points: int
    payload_bytes: int
    build_seconds: float


class ScratchCopies:
    """Makes copies under a prefix and removes every one of them at the end, also after an error or Ctrl-C.

    Copies that a killed run has left behind under the same prefix are removed at the start; callers hold a lock
    on the prefix, so that these never belong to a run that is still going on.
    """

    def __init__(
        self, store: WritableStore, *, prefix: str, clock: Clock, listener: Listener = ignore
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._clock = clock
        self._listener = listener
        self._made: list[str] = []

    def __enter__(self) -> Self:
        left_over = [name for name in self._store.collections() if name.startswith(self._prefix)]
        if left_over:
            message = f"removing what an earlier run left: {', '.join(left_over)}"
            self._listener(Noted(subject=self._prefix, message=message))
            self._remove(left_over)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove(self._made)

    def drop(self, copy: Copy) -> None:
        """Remove one copy before the end, to make room."""
        self._remove([copy.collection])
        self._made.remove(copy.collection)

    def make(self, plan: CopyPlan) -> Copy:
        """Copy points, indexes first, and wait until the copy is green and idle.

        Raises:
            InconclusiveError: BEN001 when it does not come to rest in time.
        """
        name = f"{self._prefix}{plan.name}"
        start = self._clock.monotonic()
        self._listener(PhaseStarted(subject=name, phase="scratch copy", unit="points"))
        self._made.append(name)
        self._store.create_collection(name, create_parameters(self._store.collection(plan.source)))
        for key, schema in plan.indexes.items():
            self._store.create_payload_index(name, field=key, schema=schema)
        points, payload_bytes = self._fill(name, plan)
        self._wait_until_rest(name)
        took = self._clock.monotonic() - start
        figures: dict[str, str | int | float] = {"points": points}
        self._listener(
            PhaseFinished(subject=name, phase="scratch copy", duration_seconds=took, figures=figures)
        )
        return Copy(collection=name, points=points, payload_bytes=payload_bytes, build_seconds=took)

    def _fill(self, name: str, plan: CopyPlan) -> tuple[int, int]:
        import orjson

        count = payload_bytes = 0
        for page in self._pages(plan):
            points = page if plan.add is None else [_with_more(point, plan.add) for point in page]
            if points:
                self._store.upsert(name, points, wait=True)
            count += len(points)
            payload_bytes += sum(len(orjson.dumps(point["payload"])) for point in points)
            self._listener(PhaseAdvanced(subject=name, phase="scratch copy", advance=len(points)))
        return count, payload_bytes

    def _pages(self, plan: CopyPlan) -> Iterator[list[Point]]:
        if plan.ids is None:
            yield from self._scroll(plan.source, plan.filter)
            return
        for start in range(0, len(plan.ids), _PAGE):
            chosen = {"has_id": list(plan.ids[start : start + _PAGE])}
            must = [chosen] if plan.filter is None else [chosen, dict(plan.filter)]
            yield from self._scroll(plan.source, {"must": must})

    def _scroll(self, source: str, points_filter: Filter | None) -> Iterator[list[Point]]:
        offset: PointId | None = None
        while True:
            page = self._store.scroll(
                source, limit=_PAGE, offset=offset, filter=points_filter, with_vectors=True
            )
            yield [{**point, "payload": point.get("payload") or {}} for point in page.points]
            offset = page.next_offset
            if offset is None:
                return

    def _wait_until_rest(self, name: str) -> None:
        rest = wait_for_rest(
            name,
            store=self._store,
            clock=self._clock,
            seconds=_REST_DEADLINE_SECONDS,
            poll_seconds=_POLL_SECONDS,
        )
        if not rest.is_reached:
            raise InconclusiveError(
                f"`{name}` did not come to rest within {_REST_DEADLINE_SECONDS:.0f} s",
                code="BEN001",
                why=f"it is {rest.state.status}, optimizer {rest.state.optimizer_status}",
                fix="measure fewer points: --max-points 50000",
            )

    def _remove(self, names: Sequence[str]) -> None:
        failures: dict[str, str] = {}
        for name in names:
            try:
                self._store.delete_collection(name)
            except OpsError as error:
                failures[name] = error.message
        if failures:
            # A second try: the first failure may have been one dropped connection.
            for name in list(failures):
                with contextlib.suppress(OpsError):
                    self._store.delete_collection(name)
                    del failures[name]
        if failures:
            raise ResidueError(
                f"scratch collections could not be removed: {', '.join(failures)}",
                code="BEN013",
                why=next(iter(failures.values())),
                fix="run the same command again, which removes them first; or delete them on the server",
            )


def _with_more(point: Point, add: Callable[[Payload], Payload]) -> Point:
    return {**point, "payload": {**point["payload"], **add(point["payload"])}}


def create_parameters(source: CollectionState) -> dict[str, Any]:
    """Return what makes an empty collection like `source`, in the words of Qdrant's REST API."""
    config, wanted = source.config, ("hnsw_config", "optimizer_config", "quantization_config")
    parameters: dict[str, Any] = {"vectors": config["params"]["vectors"]}
    for key in ("sparse_vectors", "on_disk_payload", "shard_number"):
        if config["params"].get(key) is not None:
            parameters[key] = config["params"][key]
    for key in wanted:
        if config.get(key) is not None:
            # Qdrant's info calls `optimizer_config` what its create request calls `optimizers_config`.
            parameters["optimizers_config" if key == "optimizer_config" else key] = config[key]
    return parameters


def index_schemas(source: CollectionState) -> dict[str, Mapping[str, Any] | str]:
    """Return the payload indexes of a collection as create requests take them."""
    return {
        name: schema.get("params") or str(schema["data_type"])
        for name, schema in source.payload_schema.items()
    }
