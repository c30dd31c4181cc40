"""How are the figures of drills said: the same words on a terminal, in Markdown, in JUnit and on a page."""

import math
from collections.abc import Iterator

from opsctl.core.units import format_duration
from opsctl.dr.drill.journal import Entry
from opsctl.dr.drill.judge import Goals, Outcome
from opsctl.dr.drill.model import CommandSeen, DrillRun, Stage
from opsctl.dr.drill.summary import Spread, Summary, Toll, rpo_of

NOT_COUNTED = "not counted"
NOT_BACK = "not back"
NOT_REACHED = "not reached"


def seconds_text(seconds: float | None, *, missing: str) -> str:
    """Return a duration; `missing` stands for one that never came, or was never known.

    >>> [seconds_text(value, missing="not back") for value in (0, 4.2, None)]
    ['0 s', '4.2 s', 'not back']
    """
    if seconds is None or math.isinf(seconds):
        return missing
    return format_duration(seconds) if seconds else "0 s"


def spread_text(spread: Spread | None, *, missing: str) -> str:
    """Return median and worst, or the one value of one run.

    >>> spread_text(Spread(number=3, median=4, worst=9), missing="not back")
    '4 s / 9 s'
    """
    if spread is None:
        return "-"
    middle = seconds_text(spread.median, missing=missing)
    if spread.number == 1:
        return middle
    return f"{middle} / {seconds_text(spread.worst, missing=missing)}"


def toll_text(toll: Toll | None) -> str:
    """Return rows lost, in holes, phantoms and given up."""
    return "-" if toll is None else f"{toll.lost:,} / {toll.holes:,} / {toll.phantoms:,} / {toll.given_up:,}"


def goals_text(goals: Goals) -> str:
    """Return the objectives.

    >>> goals_text(Goals(rpo_seconds=60, rto_seconds=900, detect_seconds=None))
    'RPO 1 min 0 s, RTO 15 min 0 s'
    """
    told = (
        ""
        if goals.detect_seconds is None
        else f", detected in {seconds_text(goals.detect_seconds, missing='-')}"
    )
    return f"RPO {seconds_text(goals.rpo_seconds, missing='-')}, RTO {seconds_text(goals.rto_seconds, missing='-')}{told}"


def runs_text(summary: Summary) -> str:
    """Return how many runs passed, and how many cannot tell."""
    unclear = summary.outcomes[Outcome.INCONCLUSIVE]
    said = f"{summary.outcomes[Outcome.PASSED]} of {summary.runs}"
    return f"{said}, {unclear} cannot tell" if unclear else said


def command_text(command: CommandSeen) -> str:
    """Return a command in one line: its first one that is no remark, with a mark where it has more."""
    lines = [line.strip() for line in command.command.splitlines()]
    meant = [line for line in lines if line and not line.startswith("#")]
    if not meant:
        return "(nothing)"
    return meant[0] if len(meant) == 1 else f"{meant[0]} …"


def figure_lines(entry: Entry) -> Iterator[str]:
    """Yield what one drill measured, a line each figure; none where nothing was destroyed."""
    run, goals = entry.run, entry.goals
    if run.destroyed_at is None:
        return
    yield f"RPO {seconds_text(rpo_of(run), missing=NOT_COUNTED)}, allowed are {seconds_text(goals.rpo_seconds, missing='-')}"
    yield (
        f"RTO {seconds_text(run.rto_seconds, missing=NOT_BACK)}, allowed are {seconds_text(goals.rto_seconds, missing='-')}"
    )
    for stage in run.stages:
        yield f"{stage.stage} {seconds_text(stage.seconds, missing='-')}"
    for loss in run.losses:
        yield (
            f"{loss.stream}: {loss.acknowledged:,} acknowledged, {loss.lost:,} lost, {loss.holes:,} of them holes, "
            f"{loss.phantoms:,} phantoms, {run.given_up.get(loss.stream, 0):,} given up"
        )
    if run.losses:
        yield f"{run.divergence:,} rows in one store and not in the other"
    if run.served_while_gone is not None:
        yield f"{gone_text(run)} {share_text(run.served_while_gone)} of the requests were answered"


def gone_text(run: DrillRun) -> str:
    """Return how long the time is called in which it was gone."""
    is_restored = any(each.stage is Stage.RESTORED for each in run.stages)
    return "until it was restored" if is_restored else "until the end of the drill"


def tiers_text(run: DrillRun) -> str:
    """Return who made the fresh answers while it was gone; empty where nobody did.

    >>> from types import SimpleNamespace
    >>> tiers_text(SimpleNamespace(tiers_while_gone={"trending": 1, "simple": 3}))
    'simple 75 %, trending 25 %'
    """
    total = sum(run.tiers_while_gone.values())
    ordered = sorted(run.tiers_while_gone.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(
        f"{tier.replace('_', ' ')} {share_text(number / total)}" for tier, number in ordered if number
    )


def misses_text(run: DrillRun) -> str:
    """Return what was got instead of an answer while it was gone; empty where nothing was missed.

    >>> from types import SimpleNamespace
    >>> misses_text(SimpleNamespace(misses_while_gone={"503": 8, "no answer": 1}))
    '503 8 times, no answer once'
    """
    ordered = sorted(run.misses_while_gone.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(
        f"{status} {'once' if number == 1 else f'{number:,} times'}" for status, number in ordered
    )


def share_text(share: float) -> str:
    """Return a part in percent, and never 100 where something is missing.

    >>> [share_text(share) for share in (1, 0.9999, 0.5, 0)]
    ['100 %', '99.9 %', '50 %', '0 %']
    """
    floored = math.floor(share * 1000 + 1e-9) / 10
    return f"{floored:g} %"
