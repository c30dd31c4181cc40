"""What would a rebuild do now: begin anew, or go on where another was interrupted?"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from opsctl.qdrant_collections.checkpoint import Outcome, RebuildState, Step
from opsctl.qdrant_collections.job import Job
from opsctl.qdrant_collections.model import CollectionsBook
from opsctl.qdrant_collections.names import generation_name
from opsctl.qdrant_collections.options import RebuildOptions
from opsctl.qdrant_collections.phases import Surroundings, note
from opsctl.qdrant_collections.preflight import RebuildPlan, plan_rebuild


def plan(
    alias: str, *, book: CollectionsBook, here: Surroundings, options: RebuildOptions
) -> tuple[RebuildPlan, RebuildState | None]:
    """Return what a rebuild would do now, and the interrupted one that it would go on with.

    Raises:
        RefusedError: when it would be refused.
    """
    running = here.checkpoints.running(alias)
    found = plan_rebuild(
        alias, book=book, store=here.store, options=options, now=here.clock.now(), resumed=running
    )
    return found, running if running is not None and _can_resume(running, plan=found) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a rebuild would do: the plan, and the interrupted rebuild that it would go on with."""

    plan: RebuildPlan
    resumes: str | None
    done: tuple[Step, ...]
    copied: int


def preview(alias: str, *, book: CollectionsBook, here: Surroundings, options: RebuildOptions) -> Preview:
    """Return what a rebuild would do, and change nothing.

    Raises:
        RefusedError: when it would be refused.
    """
    found, resumed = plan(alias, book=book, here=here, options=options)
    if resumed is None:
        return Preview(plan=found, resumes=None, done=(), copied=0)
    return Preview(plan=found, resumes=resumed.generation, done=resumed.done, copied=resumed.copied)


def begin_or_go_on(
    found: RebuildPlan,
    *,
    resumed: RebuildState | None,
    book: CollectionsBook,
    here: Surroundings,
    options: RebuildOptions,
) -> Job:
    """Return the rebuild at its place: a new one, or the interrupted one with what time may have spoilt taken back."""
    state = _begun(found, here=here) if resumed is None else _gone_on_with(resumed, plan=found, here=here)
    source = here.store.collection(found.source)
    return Job(here=here, book=book, plan=found, options=options, state=state, source=source)


def _begun(found: RebuildPlan, *, here: Surroundings) -> RebuildState:
    """Begin anew; rebuilds that cannot be gone on with are given up, and their generations become garbage."""
    for old in here.checkpoints.all(found.alias):
        if old.outcome is Outcome.RUNNING:
            here.checkpoints.save(replace(old, outcome=Outcome.ABANDONED))
            note(
                here,
                subject=found.alias,
                message=f"the book or the source changed: `{old.generation}` is given up",
            )
    now = here.clock.now()
    state = RebuildState(
        alias=found.alias,
        generation=_free_name(found, now=now),
        source=found.source,
        plan_digest=found.digest,
        expected_live=found.live,
        started_at=now.isoformat(),
        done=(Step.PREFLIGHT,),
    )
    here.checkpoints.save(state)
    return state


def _free_name(found: RebuildPlan, *, now: datetime) -> str:
    """Return the name of the new generation; two rebuilds within one second get different ones."""
    taken = {generation.collection for generation in found.generations}
    while generation_name(found.alias, moment=now) in taken:
        now += timedelta(seconds=1)
    return generation_name(found.alias, moment=now)


def _gone_on_with(resumed: RebuildState, *, plan: RebuildPlan, here: Surroundings) -> RebuildState:
    """Go on with an interrupted rebuild; what time may have spoilt, the delta and what follows, is done again."""
    names = ", ".join(resumed.done)
    note(here, subject=plan.alias, message=f"going on with `{resumed.generation}`; done before: {names}")
    if plan.live == resumed.generation:
        return replace(resumed, done=(*(each for each in resumed.done if each is not Step.SWAP), Step.SWAP))
    stale = (Step.DELTA, Step.SETTLE, Step.VERIFY, Step.SWAP, Step.WATCH)
    done = tuple(step for step in resumed.done if step not in stale)
    return replace(resumed, done=done, expected_live=plan.live)


def _can_resume(running: RebuildState, *, plan: RebuildPlan) -> bool:
    exists = any(each.collection == running.generation for each in plan.generations)
    is_there = exists or not running.has_done(Step.CREATE)
    return running.plan_digest == plan.digest and is_there
