"""Which generations may go: never one that serves or is being built, nor the newest good ones, nor a young one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from opsctl.clients.file_locks import FileLock
from opsctl.qdrant_collections.checkpoint import Outcome
from opsctl.qdrant_collections.many import chosen_names
from opsctl.qdrant_collections.model import CollectionsBook, DerivedCollection
from opsctl.qdrant_collections.names import Generation, generations_of
from opsctl.qdrant_collections.phases import Surroundings
from opsctl.qdrant_collections.provenance import BuildState, Provenance, read_provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What happens to one generation, and why."""

    collection: str
    is_kept: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known about the generations of one alias.

    Args:
        aliased: collections that any alias leads to.
        building: generations that somebody is building right now.
        bad: generations that failed, were given up or rolled back; they are no use for a rollback.
    """

    aliased: frozenset[str] = frozenset()
    building: frozenset[str] = frozenset()
    bad: frozenset[str] = frozenset()


def judge_generations(
    generations: Sequence[Generation],
    *,
    standing: Standing,
    keep: int,
    minimum_age: timedelta,
    now: datetime,
) -> tuple[Fate, ...]:
    """Return the fate of each generation, given the newest first.

    Args:
        generations: all generations of one alias, the newest first.
        standing: which of them serve, are being built, or are bad.
        keep: how many good generations stay.
        minimum_age: younger ones stay.
        now: the time to reckon with.
    """
    fates = []
    good_left = keep
    for generation in generations:
        name, age = generation.collection, now - generation.built_at
        is_good = name not in standing.bad and name not in standing.building
        reason = ""
        if name in standing.aliased:
            reason = "an alias leads to it"
        elif name in standing.building:
            reason = "it is being built"
        elif is_good and good_left > 0:
            reason = "kept for a rollback"
        elif age < minimum_age:
            reason = f"only {int(age.total_seconds())} s old"
        good_left -= 1 if is_good else 0
        fates.append(
            Fate(collection=name, is_kept=bool(reason), reason=reason or ("failed" if not is_good else "old"))
        )
    return tuple(fates)


def plan_garbage(alias: str, *, derived: DerivedCollection, here: Surroundings) -> tuple[Fate, ...]:
    """Return what collecting the garbage of one derived collection would do now."""
    found = generations_of(alias, collections=here.store.collections())
    notes = {
        each.collection: read_provenance(here.store.collection(each.collection).metadata) for each in found
    }
    outcomes = {state.generation: state.outcome for state in here.checkpoints.all(alias)}
    now = here.clock.now()
    standing = Standing(
        aliased=frozenset(here.store.aliases().values()),
        building=frozenset(_building(notes, outcomes=outcomes, now=now)),
        bad=frozenset(_bad(notes, outcomes=outcomes)),
    )
    return judge_generations(
        found,
        standing=standing,
        keep=derived.generations_kept,
        minimum_age=timedelta(seconds=derived.minimum_age_seconds),
        now=now,
    )


def collect_garbage(alias: str, *, derived: DerivedCollection, here: Surroundings) -> tuple[Fate, ...]:
    """Delete the generations that may go, with their checkpoints; return the fate of each."""
    fates = plan_garbage(alias, derived=derived, here=here)
    for fate in fates:
        if not fate.is_kept:
            here.store.delete_collection(fate.collection)
            here.checkpoints.forget(alias, fate.collection)
    return fates


def collect_all(
    names: Sequence[str], *, book: CollectionsBook, here: Surroundings, dry_run: bool
) -> dict[str, tuple[Fate, ...]]:
    """Collect the garbage of the named derived collections, or of all; a dry run only judges."""
    work = plan_garbage if dry_run else _collect_locked
    return {name: work(name, derived=book.derived[name], here=here) for name in chosen_names(book, names)}


def _collect_locked(alias: str, *, derived: DerivedCollection, here: Surroundings) -> tuple[Fate, ...]:
    with FileLock(here.checkpoints.lock_path(alias), what=f"collecting the garbage of `{alias}`"):
        return collect_garbage(alias, derived=derived, here=here)


_LONG_SILENCE = timedelta(minutes=5)


def _building(
    notes: Mapping[str, Provenance | None], *, outcomes: Mapping[str, Outcome], now: datetime
) -> list[str]:
    building = [name for name, outcome in outcomes.items() if outcome is Outcome.RUNNING]
    for name, each in notes.items():
        if (
            each is not None
            and each.state is BuildState.BUILDING
            and name not in outcomes
            and now - each.beat_moment <= _LONG_SILENCE
        ):
            building.append(name)
    return building


def _bad(notes: Mapping[str, Provenance | None], *, outcomes: Mapping[str, Outcome]) -> list[str]:
    ill = {Outcome.FAILED, Outcome.ABANDONED, Outcome.ROLLED_BACK}
    bad = [name for name, outcome in outcomes.items() if outcome in ill]
    unproven = (BuildState.FAILED, BuildState.BUILDING)
    return bad + [name for name, each in notes.items() if each is not None and each.state in unproven]
