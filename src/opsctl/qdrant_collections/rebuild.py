"""How is a derived collection rebuilt without anybody noticing: nine steps, any of which may be the last."""

from dataclasses import dataclass, field
from typing import Any

from opsctl.clients.file_locks import FileLock
from opsctl.core.errors import FailedError
from opsctl.qdrant_collections import steps
from opsctl.qdrant_collections.beginning import begin_or_go_on, plan
from opsctl.qdrant_collections.checkpoint import Outcome, Step
from opsctl.qdrant_collections.garbage import Fate, collect_garbage
from opsctl.qdrant_collections.job import Job
from opsctl.qdrant_collections.model import CollectionsBook
from opsctl.qdrant_collections.options import RebuildOptions
from opsctl.qdrant_collections.phases import Surroundings, note, phase
from opsctl.qdrant_collections.provenance import BuildState
from opsctl.qdrant_collections.swap import swap_alias
from opsctl.qdrant_collections.verify import Verification, verify_generation
from opsctl.qdrant_collections.watch import WatchReport, make_probes, watch_alias

_VERIFY_ROUNDS = 3  # a source that is written to all the time must not keep a rebuild for ever
_RECALL_MARGIN = 0.1  # twenty probes are fewer than the three hundred searches of the verification


@dataclass(slots=True, kw_only=True)
class RebuildReport:
    """What a rebuild did, and how it ended."""

    alias: str
    generation: str
    source: str
    outcome: Outcome
    live_before: str | None
    resumed: bool
    copied_now: int
    figures: dict[str, dict[str, Any]]
    verification: Verification | None = None
    watch: WatchReport | None = None
    collected: tuple[Fate, ...] = ()
    inputs: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Tell whether the new generation serves."""
        return self.outcome is Outcome.LIVE


def rebuild(
    alias: str, *, book: CollectionsBook, here: Surroundings, options: RebuildOptions
) -> RebuildReport:
    """Build a generation, verify it, swap the alias, watch it, and collect the old ones.

    Killed at any point, the alias leads to a whole generation, and the same call goes on from there.

    Raises:
        RefusedError: by the preflight, by the lock, or because somebody else moved the alias.
        NotReadyError: when the server stays away longer than the retries last.
    """
    with FileLock(here.checkpoints.lock_path(alias), what=f"rebuilding `{alias}`"):
        with phase(here, subject=alias, name=Step.PREFLIGHT) as figures:
            found, resumed = plan(alias, book=book, here=here, options=options)
            figures |= {"server": found.features.version, "points": found.points, "of": found.source_points}
        job = begin_or_go_on(found, resumed=resumed, book=book, here=here, options=options)
        return _run(job, resumed=resumed is not None)


def _run(job: Job, *, resumed: bool) -> RebuildReport:
    report = _report(job, resumed=resumed)
    for step, function in _FILLING:
        _do(job, step, function)
    if not job.state.has_done(Step.SWAP):
        report.verification = _verify(job)
        if not report.verification.ok:
            job.note(state=BuildState.FAILED)
            job.end(Outcome.FAILED)
            return _closed(report, job=job)
        _do(job, Step.SWAP, _swap)
    report.watch = _watch(job)
    if report.watch.trouble is not None:
        _swap_back(job, trouble=report.watch.trouble)
        return _closed(report, job=job)
    with phase(job.here, subject=job.alias, name=Step.COLLECT, unit="generations") as figures:
        job.end(Outcome.LIVE)
        report.collected = collect_garbage(job.alias, derived=job.plan.derived, here=job.here)
        figures["deleted"] = sum(not fate.is_kept for fate in report.collected)
        figures["kept"] = sum(fate.is_kept for fate in report.collected)
    return _closed(report, job=job)


def _do(job: Job, step: Step, function: steps.StepFunction) -> None:
    """Do a step unless an earlier run has done it, and remember that it is behind."""
    if job.state.has_done(step):
        return
    total = job.plan.points if step in (Step.COPY, Step.SETTLE) else None
    with phase(job.here, subject=job.alias, name=step, total=total) as figures:
        function(job, figures)
        job.finish(step, figures)


def _verify(job: Job) -> Verification:
    """Verify; a source that was written to meanwhile gets another delta pass before the verdict."""
    for remaining in reversed(range(_VERIFY_ROUNDS)):
        with phase(job.here, subject=job.alias, name=Step.VERIFY) as figures:
            found = verify_generation(
                job.sides,
                store=job.here.store,
                clock=job.here.clock,
                using=job.plan.using,
                budgets=job.plan.derived.budgets,
                queries=job.options.queries,
            )
            figures.update(verdict="passed" if found.ok else "failed", **found.figures())
        if found.ok:
            _note_verified(job, found)
            job.finish(Step.VERIFY, figures)
            return found
        if not remaining or found.comparison.source.hex == job.source_digest:
            return found
        note(job.here, subject=job.alias, message="the source was written to meanwhile: one more delta pass")
        for step, function in ((Step.DELTA, steps.delta), (Step.SETTLE, steps.settle)):
            job.save(done=tuple(each for each in job.state.done if each is not step))
            _do(job, step, function)
    raise AssertionError("the last round returns")


def _note_verified(job: Job, found: Verification) -> None:
    synced_at = job.state.figures.get("source", {}).get("synced_at", job.here.clock.now().isoformat())
    job.note(
        state=BuildState.VERIFIED,
        synced_at=synced_at,
        digest=found.comparison.target.hex,
        points=found.comparison.target.count,
    )
    # A change of notes is a change of the collection: let the optimizer see that there is nothing to do.
    steps.wait_idle(job)


def _swap(job: Job, figures: steps.Figures) -> None:
    swap_alias(job.alias, store=job.here.store, expected=job.state.expected_live, target=job.generation)
    figures |= {"from": job.state.expected_live or "nothing", "to": job.generation}


def _watch(job: Job) -> WatchReport:
    with phase(job.here, subject=job.alias, name=Step.WATCH, unit="searches") as figures:
        probes = make_probes(
            job.here.store, source=job.plan.source, using=job.plan.using, spec=job.plan.derived.filter
        )
        report = watch_alias(
            job.alias,
            store=job.here.store,
            clock=job.here.clock,
            probes=probes,
            seconds=job.options.watch_seconds,
            lowest_recall=job.plan.derived.budgets.recall - _RECALL_MARGIN,
        )
        figures |= {"searches": report.searches, "errors": report.errors, "recall": round(report.recall, 4)}
        if report.trouble is None:
            job.finish(Step.WATCH, figures)
    return report


def _swap_back(job: Job, *, trouble: str) -> None:
    before = job.state.expected_live
    if before is None:
        job.end(Outcome.FAILED)
        raise FailedError(
            f"`{job.generation}` serves badly, and there is no earlier generation to swap back to",
            code="COL024",
            why=trouble,
            fix=f"look at `opsctl collections verify {job.alias}`",
        )
    swap_alias(job.alias, store=job.here.store, expected=job.generation, target=before)
    job.note(state=BuildState.FAILED)
    job.end(Outcome.ROLLED_BACK)
    note(job.here, subject=job.alias, message=f"swapped back to `{before}`: {trouble}")


def _report(job: Job, *, resumed: bool) -> RebuildReport:
    return RebuildReport(
        alias=job.alias,
        generation=job.generation,
        source=job.plan.source,
        outcome=Outcome.RUNNING,
        live_before=job.state.expected_live,
        resumed=resumed,
        copied_now=0,
        figures={},
        inputs={"book_entry": job.plan.digest},
    )


def _closed(report: RebuildReport, *, job: Job) -> RebuildReport:
    report.outcome = job.state.outcome
    report.copied_now = job.copied_now
    report.figures = dict(job.state.figures)
    source_digest = job.state.figures.get("source", {}).get("digest")
    if source_digest:
        report.inputs["source_points"] = source_digest
    return report


_FILLING: tuple[tuple[Step, steps.StepFunction], ...] = (
    (Step.CREATE, steps.create),
    (Step.COPY, steps.copy),
    (Step.DELTA, steps.delta),
    (Step.SETTLE, steps.settle),
)
