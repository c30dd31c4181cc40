"""Where should an alias lead that leads to nothing, and how are all such aliases set as one change?"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from opsctl.clients.file_locks import FileLock
from opsctl.clients.qdrant_values import SetAlias
from opsctl.core.errors import FailedError, RefusedError
from opsctl.qdrant_collections.many import Failure, Results, chosen_names, each_of
from opsctl.qdrant_collections.model import CollectionsBook
from opsctl.qdrant_collections.names import Generation, generations_of
from opsctl.qdrant_collections.phases import Surroundings, advance, phase
from opsctl.qdrant_collections.preflight import check_name
from opsctl.qdrant_collections.provenance import BuildState, Provenance, read_provenance
from opsctl.qdrant_collections.swap import check_alias


class AliasFate(StrEnum):
    """What becomes of an alias."""

    SET = "set"
    LEFT_ALONE = "left alone"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Realias:
    """One alias, where it leads now or is to lead, and since when that may differ from the source.

    `ABSENT` is what the book lets be absent and was never built; it leads nowhere, and nothing is wrong with that.
    """

    alias: str
    fate: AliasFate
    collection: str | None = None
    points: int | None = None
    synced_at: datetime | None = None

    @property
    def is_set(self) -> bool:
        """Tell whether the alias led to nothing and is set."""
        return self.fate is AliasFate.SET


def plan_realias(names: Sequence[str], *, book: CollectionsBook, here: Surroundings) -> Results[Realias]:
    """Return what leading the named aliases, or all of the book, to a generation again would do."""
    chosen = chosen_names(book, names)
    optional = [name for name in chosen if not names and book.derived[name].when_empty == "skip"]
    aliases, collections = here.store.aliases(), here.store.collections()

    def one(alias: str) -> Realias:
        if alias in aliases:
            return Realias(alias=alias, fate=AliasFate.LEFT_ALONE, collection=aliases[alias])
        check_name(alias, collections=collections, aliases=aliases)
        found = generations_of(alias, collections=collections)
        if not found and alias in optional:
            return Realias(alias=alias, fate=AliasFate.ABSENT)
        return _to_newest(alias, generations=found, here=here)

    return each_of(chosen, one)


def realias(names: Sequence[str], *, book: CollectionsBook, here: Surroundings) -> Results[Realias]:
    """Lead every alias that leads to nothing to its newest verified generation, all by one change.

    What leads somewhere is left alone; one that cannot be set does not keep the others back.
    """
    aliases = here.store.aliases()
    lost = [alias for alias in chosen_names(book, names) if alias not in aliases]
    with ExitStack() as locks:

        def lock(alias: str) -> None:
            path = here.checkpoints.lock_path(alias)
            locks.enter_context(FileLock(path, what=f"leading `{alias}` to a generation again"))

        busy = each_of(lost, lock).failures
        plan = _without(busy, plan_realias(names, book=book, here=here))
        return _set(plan, here=here)


def newest_verified(alias: str, *, here: Surroundings) -> str | None:
    """Return the newest generation whose own notes say that it belongs to this alias and was verified."""
    for generation in generations_of(alias, collections=here.store.collections()):
        if _is_verified(_notes(generation, here=here), alias=alias):
            return generation.collection
    return None


def leads_to_nothing(alias: str, *, here: Surroundings) -> RefusedError:
    """Return the refusal of what needs a live generation; it names the shortest way to get one."""
    is_free = alias not in here.store.collections()
    target = newest_verified(alias, here=here) if is_free else None
    anew = f"`opsctl collections rebuild {alias}`"
    return RefusedError(
        f"`{alias}` leads to nothing",
        code="COL025",
        why=None if target is None else f"its alias is gone, but `{target}` is there and was verified",
        fix=f"run {anew}"
        if target is None
        else f"run `opsctl collections realias {alias}`, or build anew with {anew}",
    )


def _to_newest(alias: str, *, generations: Sequence[Generation], here: Surroundings) -> Realias:
    """Return the plan for one alias.

    Raises:
        FailedError: COL031 when no generation says of itself that it is this alias' and verified.
    """
    seen: list[str] = []
    for generation in generations:
        noted = _notes(generation, here=here)
        if noted is not None and _is_verified(noted, alias=alias):
            return Realias(
                alias=alias,
                fate=AliasFate.SET,
                collection=generation.collection,
                points=here.store.count(generation.collection),
                synced_at=noted.synced_moment,
            )
        seen.append(f"`{generation.collection}` {_said_of(noted, alias=alias)}")
    raise FailedError(
        f"`{alias}` leads to nothing, and no verified generation is left",
        code="COL031",
        why="; ".join(seen) or "no generation of it is on the server",
        fix=f"run `opsctl collections rebuild {alias}`",
    )


def _notes(generation: Generation, *, here: Surroundings) -> Provenance | None:
    return read_provenance(here.store.collection(generation.collection).metadata)


def _is_verified(noted: Provenance | None, *, alias: str) -> bool:
    return noted is not None and noted.alias == alias and noted.state is BuildState.VERIFIED


def _said_of(noted: Provenance | None, *, alias: str) -> str:
    if noted is None:
        return "has no notes"
    return f"is {noted.state}" if noted.alias == alias else f"was built for `{noted.alias}`"


def _without(busy: Sequence[Failure], plan: Results[Realias]) -> Results[Realias]:
    """Return the plan for those that nobody else works on; a lock that is held says why for the others."""
    held = {failure.alias for failure in busy}
    return Results(
        reports=tuple(each for each in plan.reports if each.alias not in held),
        failures=(*busy, *(each for each in plan.failures if each.alias not in held)),
    )


def _set(plan: Results[Realias], *, here: Surroundings) -> Results[Realias]:
    """Set what the plan says, provided that it still leads to nothing; Qdrant moves an alias in silence."""
    now = here.store.aliases()
    reports = tuple(_left_alone_if_set(each, now.get(each.alias)) for each in plan.reports)
    wanted = {each.alias: str(each.collection) for each in reports if each.is_set}
    if not wanted:
        return replace(plan, reports=reports)
    with phase(here, subject="aliases", name="realias", total=len(wanted), unit="aliases") as figures:
        here.store.change_aliases(
            [SetAlias(alias=alias, collection=target) for alias, target in wanted.items()]
        )
        advance(here, subject="aliases", name="realias", by=len(wanted))
        figures["set"] = len(wanted)
    after = here.store.aliases()

    def check(alias: str) -> None:
        check_alias(alias, current=after.get(alias), expected=wanted[alias])

    return _without(each_of(wanted, check).failures, replace(plan, reports=reports))


def _left_alone_if_set(planned: Realias, live: str | None) -> Realias:
    if not planned.is_set or live is None:
        return planned
    return Realias(alias=planned.alias, fate=AliasFate.LEFT_ALONE, collection=live)
