"""May this snapshot be put back here: the same engine, the same embedding, and nothing in its place?"""

from dataclasses import dataclass

from opsctl.clients.qdrant_snapshot_values import Engine
from opsctl.core.errors import OpsError, RefusedError
from opsctl.dr.manifest import VectorSnapshot
from opsctl.dr.vectors.ports import ReadableStore

_OTHER_WAY = "build the vectors anew from the truth: opsctl catalog sync --from-scratch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Under which conditions a snapshot is put back.

    Args:
        embedding_model: what the settings make vectors with; None for a collection that has nothing to do with it.
        dimension: how long those vectors are; None as above.
        replace: put it in the place of a collection that is there.
        name: under another name than that of the collection, such as for a trial.
    """

    embedding_model: str | None
    dimension: int | None
    replace: bool = False
    name: str | None = None


def require_fit(snapshot: VectorSnapshot, *, engine: Engine, store: ReadableStore, terms: Terms) -> None:
    """Refuse what could only fail, or would put vectors of one kind beside those of another.

    Raises:
        RefusedError: DRC043 another engine, DRC044 another minor version or an older patch, DRC045 another embedding
            model, DRC046 another dimension, DRC047 the place is taken.
    """
    require_engine(snapshot.collection, made_by=snapshot.engine_version, engine=engine)
    if None not in (snapshot.embedding_model, terms.embedding_model):
        _require_model(snapshot, terms=terms)
    if None not in (snapshot.dimension, terms.dimension) and snapshot.dimension != terms.dimension:
        raise RefusedError(
            f"the vectors of the snapshot of `{snapshot.collection}` have length {snapshot.dimension}, those of the "
            f"settings {terms.dimension}",
            code="DRC046",
            why="searches with vectors of another length are refused by the engine",
            fix=f"set `embedding.dimension: {snapshot.dimension}`, or {_OTHER_WAY}",
        )
    _require_place(terms.name or snapshot.collection, store=store, replace=terms.replace)


def require_engine(collection: str, *, made_by: str, engine: Engine) -> None:
    """Refuse an engine that cannot read the snapshot: Qdrant restores only into the same minor version, not backwards.

    Raises:
        RefusedError: DRC043, DRC044.
    """
    try:
        made = Engine.parse(made_by)
        old, new = made.numbers, engine.numbers
    except ValueError as error:
        raise RefusedError(
            f"cannot compare `{made_by}`, which made the snapshot of `{collection}`, with `{engine}` of the node",
            code="DRC044",
            why=str(error),
            fix=_OTHER_WAY,
        ) from error
    if made.kind != engine.kind:
        raise RefusedError(
            f"the snapshot of `{collection}` was made by a {made.kind}, the node is a {engine.kind}",
            code="DRC043",
            why="the embedded vector node and a Qdrant server write different files",
            fix=f"restore to a {made.kind}, or {_OTHER_WAY}",
        )
    if new[:2] != old[:2] or new < old:
        raise _other_version(collection, made=made, engine=engine)


def _other_version(collection: str, *, made: Engine, engine: Engine) -> OpsError:
    major, minor, patch = made.numbers
    return RefusedError(
        f"the snapshot of `{collection}` is of version {made.version}, the {engine.kind} is {engine.version}",
        code="DRC044",
        why="a snapshot is read by the same minor version only, with the same patch or a newer one",
        fix=f"start version {major}.{minor}.{patch} or a newer {major}.{minor}.x, restore, then upgrade; or {_OTHER_WAY}",
    )


def _require_model(snapshot: VectorSnapshot, *, terms: Terms) -> None:
    if snapshot.embedding_model == terms.embedding_model:
        return
    raise RefusedError(
        f"the snapshot of `{snapshot.collection}` holds vectors of `{snapshot.embedding_model}`, the settings ask for "
        f"`{terms.embedding_model}`",
        code="DRC045",
        why="distances between vectors of two models mean nothing",
        fix=f"set `embedding` back, or {_OTHER_WAY}",
    )


def _require_place(name: str, *, store: ReadableStore, replace: bool) -> None:
    target = store.aliases().get(name)
    if target is not None:
        raise RefusedError(
            f"an alias is called `{name}`, it leads to `{target}`",
            code="DRC047",
            why="an upload by the name of an alias would replace what it leads to",
            fix="remove that alias first, or restore into a fresh stack",
        )
    if name in store.collections() and not replace:
        raise RefusedError(
            f"there is a collection `{name}` already",
            code="DRC047",
            why="putting the snapshot back would replace all of its points",
            fix="restore into a fresh stack, or say that it is to be replaced",
        )
