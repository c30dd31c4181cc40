"""With what do the verbs of `opsctl learned` work: the states and decisions in the database, and the workers that are told."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from opsctl.core.errors import RefusedError, UsageError
from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import psycopg

    from opsctl.evidence.model import Evidence
    from opsctl.store.decisions import Decision
    from opsctl.store.learning import Learned, LearnedState

    Connection = psycopg.AsyncConnection[Any]

Result = TypeVar("Result")

_NAMED = 10
"""Feeds that differ are named in the ledger, so many at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version: the mean weight of each agent and their variance, or the rate of each arm and the entropy of which is best."""

    version: int
    learned_at: datetime
    shares: Mapping[str, float]
    spread: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """A version that knows what an older one knew; `is_dry_run`: it would be written."""

    what: str
    learner: str
    newest: int
    to: int
    written: int
    is_dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A decision that was made again; `differences` names what came out otherwise."""

    feed_id: str
    decided_at: datetime
    policy_version: int
    arms_version: int
    differences: tuple[str, ...]


def versions(what: str, *, learner: str, last: int) -> tuple[Version, ...]:
    """Return the last versions of what was learned, the newest first."""
    from functools import partial

    from opsctl.store.learning import recent_states

    kind = _learned(what)
    found = _on_database(partial(recent_states, what=kind, learner=learner, limit=last))
    return tuple(_version(kind, each) for each in found)


def roll_back(what: str, *, to: int, learner: str, is_dry_run: bool) -> Rollback:
    """Write what a version knew as the newest one, and tell the workers of this machine.

    Raises:
        UsageError: SVC320 there is no such version.
        RefusedError: SVC321 something was learned meanwhile.
    """
    from opsctl.cli import wiring
    from opsctl.service.cache import keys
    from opsctl.store.learning import read_state, write_state

    kind = _learned(what)

    async def work(connection: "Connection") -> int:
        newest = await read_state(connection, kind, learner=learner)
        wanted = await read_state(connection, kind, version=to, learner=learner)
        if newest is None or wanted is None:
            raise _unknown(what, to=to, learner=learner)
        if not is_dry_run and not await write_state(
            connection, kind, expected=newest.version, state=wanted.state, learner=learner
        ):
            raise RefusedError("something was learned meanwhile", code="SVC321", fix="run it again")
        return newest.version

    newest = _on_database(work)
    if not is_dry_run:
        wiring.invalidation_journal().post(f"kind:{keys.THOMPSON}")
    return Rollback(
        what=what, learner=learner, newest=newest, to=to, written=newest + 1, is_dry_run=is_dry_run
    )


def replays(feeds: Sequence[str], *, last: int, tolerance: float) -> tuple[Replayed, ...]:
    """Make decisions again, of these feeds or the last ones, and record what came of it.

    Raises:
        UsageError: SVC322 one of the feeds has no decision that can be made again.
    """
    from opsctl.cli import wiring
    from opsctl.store.decisions import read_decision, replayable_decisions

    async def work(connection: "Connection") -> "Sequence[Decision]":
        if not feeds:
            return await replayable_decisions(connection, limit=last)
        return [_known(feed, await read_decision(connection, feed)) for feed in feeds]

    began, clock = wiring.clock().now(), time.monotonic()
    decisions = _on_database(work)
    found = tuple(_replayed(each, tolerance=tolerance) for each in decisions)
    wiring.record(_evidence(found, tolerance=tolerance, began=began, seconds=time.monotonic() - clock))
    return found


def is_good(replayed: Sequence[Replayed]) -> bool:
    """Tell whether decisions were made again, and all as they were."""
    return exit_code(replayed) is ExitCode.GOOD


def exit_code(replayed: Sequence[Replayed]) -> ExitCode:
    """Return how the command ends: nothing to make again is no proof."""
    if not replayed:
        return ExitCode.INCONCLUSIVE
    return ExitCode.BAD_VERDICT if any(each.differences for each in replayed) else ExitCode.GOOD


def _on_database(work: "Callable[[Connection], Awaitable[Result]]") -> Result:
    from opsctl.cli import wiring
    from opsctl.cli.asynchronous import on_database
    from opsctl.ui.progress import progress

    with progress() as listener, wiring.backends(listener) as servers:
        return on_database(servers, work)


def _learned(what: str) -> "Learned":
    from opsctl.store.learning import Learned

    return {"policy": Learned.POLICY, "arms": Learned.ARMS}[what]


def _version(kind: "Learned", stored: "LearnedState") -> Version:
    from opsctl.ranking.thompson import arms_figures
    from opsctl.service.feed.learned import stored_arms, stored_policy
    from opsctl.service.feed.learned_figures import figures_of_policy
    from opsctl.store.learning import Learned

    if kind is Learned.POLICY:
        policy = figures_of_policy(stored_policy(stored))
        shares, spread = dict(zip(policy.agents, policy.mean_weights, strict=True)), policy.variance
    else:
        arms = arms_figures(stored_arms(stored), seed=stored.version)
        shares, spread = dict(zip(arms.names, arms.means, strict=True)), arms.entropy
    return Version(
        version=stored.version, learned_at=stored.learned_at, shares=shares, spread=round(spread, 6)
    )


def _known(feed: str, decision: "Decision | None") -> "Decision":
    if decision is None or decision.replay is None:
        raise UsageError(
            f"no decision of the feed `{feed}` can be made again",
            code="SVC322",
            why="there is none" if decision is None else "it was logged without its inputs",
            fix="leave the id out, and the last ones that can are made again",
        )
    return decision


def _replayed(decision: "Decision", *, tolerance: float) -> Replayed:
    from opsctl.ranking.replay import from_json, replay, slate_differences

    try:
        logged = from_json(decision.replay or "")
        differences = slate_differences(replay(logged), logged.slate, tolerance=tolerance)
    except ValueError:
        differences = ("inputs",)
    return Replayed(
        feed_id=decision.feed_id,
        decided_at=decision.decided_at,
        policy_version=decision.policy_version,
        arms_version=decision.arms_version,
        differences=differences,
    )


def _unknown(what: str, *, to: int, learner: str) -> UsageError:
    whose = f"`{learner}`" if learner else "the service"
    option = f" --learner {learner}" if learner else ""
    return UsageError(
        f"{whose} has no version {to} of its {what}",
        code="SVC320",
        fix=f"opsctl learned list {what}{option}",
    )


def _evidence(
    replayed: Sequence[Replayed], *, tolerance: float, began: datetime, seconds: float
) -> "Evidence":
    from opsctl.evidence.model import Evidence, Verdict, digest_of

    verdicts = {ExitCode.GOOD: Verdict.PASS, ExitCode.BAD_VERDICT: Verdict.FAIL}
    differing = [each.feed_id for each in replayed if each.differences]
    return Evidence(
        kind="learned.replay",
        subject="decisions",
        verdict=verdicts.get(exit_code(replayed), Verdict.INCONCLUSIVE),
        figures={
            "replayed": len(replayed),
            "differing": len(differing),
            "such_as": differing[:_NAMED],
            "tolerance": tolerance,
        },
        inputs={"feeds": digest_of([each.feed_id for each in replayed])},
        tools={},
        started_at=began,
        duration_seconds=round(seconds, 3),
    )
