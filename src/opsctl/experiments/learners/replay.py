"""How do policies do on a real log: replayed by rejection where chance chose what was shown, by weights where propensities are known."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace as changed

import numpy as np

from opsctl.core.errors import UsageError
from opsctl.core.events import Listener, PhaseAdvanced, PhaseFinished, PhaseStarted, ignore
from opsctl.experiments.learners.model import Items
from opsctl.experiments.learners.policies import make_policy
from opsctl.experiments.learners.replay_columns import LogKind
from opsctl.experiments.learners.replay_courses import RejectionCourse, WeightsCourse
from opsctl.experiments.learners.replay_feeds import Feeds
from opsctl.experiments.learners.replay_log import ReplayLog
from opsctl.experiments.learners.replay_model import Method, PolicyReplay, Replay, ReplayOptions
from opsctl.experiments.learners.replay_space import space_of

DRAWS = 100
"""Slates by which the probability of a choice is estimated where there is no closed form."""
_MOST_ITEMS = 2000  # a bandit's log offers all of them at every row
_PHASE = "replay"


def replay(
    log: ReplayLog,
    options: ReplayOptions,
    *,
    timer: Callable[[], float],
    listener: Listener = ignore,
    name: str = "log",
) -> Replay:
    """Run every policy over the log, all on the same feeds, and return how each did.

    Args:
        log: in the order of time.
        options: how.
        timer: a clock that only goes forward, in seconds.
        listener: hears of the progress.
        name: of the log, for the listener.

    Raises:
        UsageError: EXP101 too few items, EXP109 too few rows, EXP111 no such policy, EXP112 the method does not fit the log.
    """
    method = _method(log, options)
    early = int(options.early * log.rows)
    _check(log, options, early=early)
    space = space_of(log, early=early, generator=np.random.default_rng([options.seed, 0]))
    feeds = Feeds(
        log,
        space,
        candidates=options.candidates,
        generator=np.random.default_rng([options.seed, 2]),
    )
    feeds.note(slice(0, early))
    runs = _courses(log, options, method=method, items=space.items, timer=timer)
    began = timer()
    listener(PhaseStarted(subject=name, phase=_PHASE, total=log.rows - early, unit="rows"))
    replayed = 0
    for rows in _blocks(early, log.rows, options.block):
        block = feeds.block(rows)
        replayed += len(block.items)
        for run in runs:
            run.replay(block)
        feeds.note(rows)
        listener(PhaseAdvanced(subject=name, phase=_PHASE, advance=rows.stop - rows.start))
    listener(PhaseFinished(subject=name, phase=_PHASE, duration_seconds=timer() - began))
    results = [run.result(options) for run in runs]
    return Replay(
        kind=log.kind,
        method=method,
        rows=replayed,
        rows_in_file=log.rows_in_file,
        items=log.item_count,
        logged_value=float(log.rewards[early:].mean()),
        policies=_with_regret(results),
        notes=(*log.notes, f"items are seen as {space.how}", *_notes(log, method, options, feeds.skipped)),
    )


def _courses(
    log: ReplayLog, options: ReplayOptions, *, method: Method, items: Items, timer: Callable[[], float]
) -> list[RejectionCourse | WeightsCourse]:
    """Return the course of each policy; all policies draw the same numbers."""
    policies = (
        make_policy(
            each,
            items=items,
            generator=np.random.default_rng([options.seed, 1]),
            propensity_draws=DRAWS,
        )
        for each in options.policies
    )
    course = RejectionCourse if method is Method.REJECTION else WeightsCourse
    return [
        course(policy, slate=log.slate, items=log.item_count, seed=options.seed, timer=timer)
        for policy in policies
    ]


def _method(log: ReplayLog, options: ReplayOptions) -> Method:
    known = log.propensities
    method = options.method or (Method.WEIGHTS if known is not None else Method.REJECTION)
    if method is Method.WEIGHTS and known is None:
        raise UsageError(
            "the log has no propensities by which its rows could be weighed",
            code="EXP112",
            fix="`--method rejection`, if what was shown was chosen by chance; or name them: --propensity COLUMN",
        )
    if method is Method.REJECTION and known is not None and known.max() > known.min() * 1.001:
        raise UsageError(
            "what this log shows was not chosen evenly",
            code="EXP112",
            why=f"its propensities go from {known.min():g} to {known.max():g}; rejection would take what was shown"
            " often for what is liked",
            fix="`--method weights`",
        )
    return method


def _check(log: ReplayLog, options: ReplayOptions, *, early: int) -> None:
    if early < 10 or log.rows - early < options.block // 5 + 10:
        raise UsageError(
            f"{log.rows:,} rows are too few to make vectors of {early:,} and replay the rest",
            code="EXP109",
            fix="bring a longer log, or lower `--learn-every`",
        )
    wanted = options.candidates if log.kind is LogKind.RATINGS else log.slate
    if log.item_count < max(2, wanted):
        raise UsageError(
            f"the log has {log.item_count} items, and {max(2, wanted)} are needed to choose from",
            code="EXP101",
            fix="lower `--candidates`" if log.kind is LogKind.RATINGS else "bring a log with more items",
        )
    if log.kind is LogKind.BANDIT and log.item_count > _MOST_ITEMS:
        raise UsageError(
            f"a bandit with {log.item_count:,} items cannot be replayed",
            code="EXP112",
            why=f"every row offers all of them to every policy; {_MOST_ITEMS:,} are the most",
            fix="keep the rows of one campaign or category",
        )


def _blocks(start: int, end: int, size: int) -> Iterator[slice]:
    for first in range(start, end, size):
        yield slice(first, min(first + size, end))


def _with_regret(results: Sequence[PolicyReplay]) -> tuple[PolicyReplay, ...]:
    """Return the results with what each gave away against the best of them."""
    values = [each.value for each in results if each.is_enough] or [each.value for each in results]
    best = float(np.nanmax(values)) if not np.isnan(values).all() else float("nan")
    return tuple(
        changed(
            each,
            curve=tuple(
                changed(point, regret=point.used * (best - point.reward) if point.used else 0.0)
                for point in each.curve
            ),
        )
        for each in results
    )


def _notes(log: ReplayLog, method: Method, options: ReplayOptions, skipped: int) -> Iterator[str]:
    if skipped:
        yield (
            f"{skipped:,} rows were left out: near them there were too few others with {options.candidates} different items"
        )
    if method is Method.REJECTION and log.kind is LogKind.RATINGS:
        yield (
            f"a row counts if a policy picks the rated item among those of {options.candidates} rows near in time. What nobody"
            " rated cannot count: the figures compare policies, and are no rates of a service"
        )
    elif method is Method.REJECTION:
        yield "a row counts if a policy would have shown the same item at the same position; the log is taken as even"
    else:
        yield (
            f"rows are weighed by the probability of the policy's choice, exact or from {DRAWS} draws; a policy learns"
            f" from every row, after {options.block:,} at a time, and is judged before it has"
        )
    yield "regret is against the best policy here of which enough is known: what would have been best, nobody knows"
