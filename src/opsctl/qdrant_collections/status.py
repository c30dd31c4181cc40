"""What serves now, how old is it, and what could be rolled back to?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from opsctl.qdrant_collections.checkpoint import Checkpoints, Outcome
from opsctl.qdrant_collections.model import CollectionsBook, DerivedCollection
from opsctl.qdrant_collections.names import Generation, generations_of
from opsctl.qdrant_collections.phases import Surroundings
from opsctl.qdrant_collections.provenance import BuildState, Provenance, read_provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationStatus:
    """One generation: `state` as noted on the server, or `unknown` where there are no notes."""

    collection: str
    built_at: datetime
    points: int
    state: str
    is_live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedStatus:
    """One derived collection: `trouble` says what is wrong with it, None when nothing is."""

    alias: str
    filter: str
    live: str | None
    points: int
    status: str
    built_at: datetime | None
    staleness_seconds: float | None
    staleness_budget_seconds: float
    rollback_to: str | None
    interrupted: str | None
    generations: tuple[GenerationStatus, ...]
    trouble: str | None

    @property
    def ok(self) -> bool:
        """Tell whether it serves and is within its budget."""
        return self.trouble is None


def read_status(book: CollectionsBook, *, here: Surroundings) -> tuple[DerivedStatus, ...]:
    """Return the status of every derived collection of the book, in its order."""
    aliases, collections = here.store.aliases(), here.store.collections()
    found = tuple(
        _status(alias, derived=derived, live=aliases.get(alias), collections=collections, here=here)
        for alias, derived in book.derived.items()
    )
    source = book.source.collection
    if source in aliases or source in collections:
        return found
    # What serves goes on serving, but nothing can be rebuilt, verified or kept level any more.
    lost = f"its source `{source}` is not on the server; run `opsctl catalog sync`"
    return tuple(each if each.trouble or each.live is None else replace(each, trouble=lost) for each in found)


def rollback_target(alias: str, *, live: str | None, here: Surroundings) -> str | None:
    """Return the newest good generation that is older than the live one."""
    found = generations_of(alias, collections=here.store.collections())
    older = [each for each in found if live is not None and each.collection < live]
    return next((each.collection for each in older if _is_good(each, here=here)), None)


def _status(
    alias: str,
    *,
    derived: DerivedCollection,
    live: str | None,
    collections: tuple[str, ...],
    here: Surroundings,
) -> DerivedStatus:
    found = generations_of(alias, collections=collections)
    states = {each.collection: here.store.collection(each.collection) for each in found}
    notes = {name: read_provenance(state.metadata) for name, state in states.items()}
    current = here.store.collection(live) if live is not None else None
    staleness = _staleness_seconds(notes.get(live or ""), now=here.clock.now())
    budget = derived.budgets.staleness_seconds
    return DerivedStatus(
        alias=alias,
        filter=str(derived.filter),
        live=live,
        points=current.points_count if current else 0,
        status=current.status if current else "missing",
        built_at=next((each.built_at for each in found if each.collection == live), None),
        staleness_seconds=staleness,
        staleness_budget_seconds=budget,
        rollback_to=rollback_target(alias, live=live, here=here),
        interrupted=_interrupted(alias, checkpoints=here.checkpoints),
        generations=tuple(
            _generation(each, points=states[each.collection].points_count, notes=notes, live=live)
            for each in found
        ),
        trouble=_unserved(derived, found, here=here)
        if live is None
        else _trouble(status=current.status if current else "", staleness=staleness, budget=budget),
    )


def _generation(
    found: Generation, *, points: int, notes: dict[str, Provenance | None], live: str | None
) -> GenerationStatus:
    noted = notes[found.collection]
    return GenerationStatus(
        collection=found.collection,
        built_at=found.built_at,
        points=points,
        state="unknown" if noted is None else str(noted.state),
        is_live=found.collection == live,
    )


def _is_good(generation: Generation, *, here: Surroundings) -> bool:
    outcomes = {state.generation: state.outcome for state in here.checkpoints.all(generation.alias)}
    noted = read_provenance(here.store.collection(generation.collection).metadata)
    if noted is not None:
        return noted.state is BuildState.VERIFIED
    return outcomes.get(generation.collection) is Outcome.LIVE


def _staleness_seconds(noted: Provenance | None, *, now: datetime) -> float | None:
    if noted is None or noted.synced_moment is None:
        return None
    return max(0.0, (now - noted.synced_moment).total_seconds())


def _interrupted(alias: str, *, checkpoints: Checkpoints) -> str | None:
    running = checkpoints.running(alias)
    return None if running is None else running.generation


def _unserved(derived: DerivedCollection, found: Sequence[Generation], *, here: Surroundings) -> str | None:
    """Return what is wrong where an alias leads nowhere: a lost alias is no lost collection."""
    if any(_is_good(each, here=here) for each in found):
        return "nothing serves, but a good generation is there; run `opsctl collections realias`"
    return None if derived.when_empty == "skip" else "nothing serves; run `opsctl collections rebuild`"


def _trouble(*, status: str, staleness: float | None, budget: float) -> str | None:
    if status == "red":
        return "the server reports a failed optimizer"
    if staleness is not None and staleness > budget:
        return "staler than its budget; run `opsctl collections drift --repair`"
    return None
