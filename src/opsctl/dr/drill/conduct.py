"""How is a drill held: load and canary on, destroyed at a moment drawn at random, back by the runbook, and counted."""

import random
from contextlib import AbstractContextManager
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from opsctl.core.clock import Clock
from opsctl.core.errors import OpsError
from opsctl.core.events import Listener
from opsctl.core.phases import Phase, told_phase
from opsctl.core.units import parse_duration
from opsctl.dr.drill.book import Moment, Recovery
from opsctl.dr.drill.canary_log import CanaryStory
from opsctl.dr.drill.losses import Acknowledged, Loss, divergence, measure_loss
from opsctl.dr.drill.model import CommandSeen, DrillRun, Stage, StageSeen
from opsctl.dr.drill.ports import Held, World

CATALOGUE = "catalogue"
WARM_SECONDS = (12.0, 25.0)
"""The destruction comes between these, after the canary began."""
QUICK_WARM_SECONDS = (9.0, 11.0)
_RATE_SECONDS = 8.0
_GOLDEN = 20
"""So many in a row have to meet the service level."""
_SERVING_SECONDS = 300.0
_POLL_SECONDS = 0.25
_LONGEST_NAME = 60
# The last rows of a moment are on their way when it is chosen; an operator takes one that is surely before the mistake.
_BEFORE_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is held: the book, its name, and the seed that draws the moment between `warm_seconds`."""

    name: str
    recovery: Recovery
    seed: int
    warm_seconds: tuple[float, float] = WARM_SECONDS

    @property
    def wait_seconds(self) -> float:
        """Return how long the canary writes before the destruction."""
        return random.Random(self.seed).uniform(*self.warm_seconds)  # noqa: S311 - a drill's moment, no secret


def hold(plan: Plan, *, world: World, clock: Clock, listener: Listener) -> DrillRun:
    """Hold one drill and return what it saw; what goes wrong with the drill itself stands in its errors."""
    drill = _Drill(plan, world=world, clock=clock, listener=listener)
    try:
        drill.go()
    except OpsError as error:
        drill.errors.append(f"{error.code} {error.message}{': ' + error.why if error.why else ''}")
    except KeyboardInterrupt:
        drill.is_interrupted = True
    return drill.report()


@dataclass(slots=True)
class _Counted:
    """What is known of rows at the end."""

    losses: tuple[Loss, ...] = ()
    given_up: dict[str, int] = dataclass_field(default_factory=dict)
    rates: dict[str, float] = dataclass_field(default_factory=dict)
    divergence: int = 0


class _Drill:
    """One drill on its way."""

    def __init__(self, plan: Plan, *, world: World, clock: Clock, listener: Listener) -> None:
        self._plan = plan
        self._world = world
        self._clock = clock
        self._listener = listener
        self._started_at = self._now()
        self._destroyed_at: float | None = None
        self._restored_at: float | None = None
        self._stages: list[StageSeen] = []
        self._commands: list[CommandSeen] = []
        self._counted = _Counted()
        self.errors: list[str] = []
        self.is_interrupted = False

    def go(self) -> None:
        """Go through all of it."""
        world, recovery = self._world, self._plan.recovery
        before = world.catalogue()
        world.begin_canary()
        try:
            with self._told("load"):
                self._clock.sleep(self._plan.wait_seconds)
                if recovery.moment is Moment.DURING_BACKUP:
                    world.begin_backup()
            with self._told("destroy"):
                self._destroyed_at = self._now()
                world.destroy(recovery.loses)
            if self._detect() and self._recover():
                self._serve()
        finally:
            story = world.end_canary()
        if self._has(Stage.RESTORED):
            with self._told("count"):
                self._count(story, held=world.held(), before=frozenset(before))

    def report(self) -> DrillRun:
        """Return what was seen."""
        world, counted, now = self._world, self._counted, self._now()
        backup_id, steps = world.restore_steps()
        gone_until = self._restored_at or now
        served = world.served(since=self._destroyed_at or now, until=gone_until)
        return DrillRun(
            scenario=self._plan.name,
            title=self._plan.recovery.title,
            seed=self._plan.seed,
            started_at=self._started_at,
            destroyed_at=self._destroyed_at,
            ended_at=now,
            backup_id=backup_id,
            stages=tuple(self._stages),
            commands=tuple(self._commands),
            restore_steps=steps,
            losses=counted.losses,
            divergence=counted.divergence,
            acknowledged_per_second=counted.rates,
            given_up=counted.given_up,
            points=tuple(world.points(since=self._started_at)),
            served_while_gone=served.share,
            tiers_while_gone=served.tiers,
            misses_while_gone=served.misses,
            errors=tuple(self.errors),
            is_interrupted=self.is_interrupted,
        )

    def _detect(self) -> bool:
        """Wait until somebody knows; tell whether that was in time."""
        recovery, since = self._plan.recovery, self._since()
        if recovery.alert is None:
            self._clock.sleep(max(0.0, since + parse_duration(recovery.discovered_after) - self._now()))
            self._reached(Stage.DETECTED, self._now())
            return True
        with self._told("detect"):
            until = since + parse_duration(recovery.detect_within)
            while self._now() < until:
                told_at = self._world.told_at(recovery.alert, since=since)
                if told_at is not None:
                    self._reached(Stage.DETECTED, told_at)
                    return True
                self._clock.sleep(_POLL_SECONDS)
        return False

    def _recover(self) -> bool:
        """Run the commands of the runbook; tell whether all of them went well."""
        commands = self._world.run_book()
        self._reached(Stage.DECLARED, self._now())
        for command in commands:
            with self._told(_first_line(command)):
                seen = self._world.run(command, point=self._since() - _BEFORE_SECONDS)
            self._commands.append(seen)
            if seen.exit_code:
                return False
        self._restored_at = self._now()
        self._reached(Stage.RESTORED, self._restored_at)
        return True

    def _serve(self) -> None:
        """Ask until so many golden requests in a row met the service level."""
        with self._told("serve"):
            until, row = self._now() + _SERVING_SECONDS, 0
            while self._now() < until and row < _GOLDEN:
                row = row + 1 if self._world.golden() else 0
        if row >= _GOLDEN:
            self._reached(Stage.SERVING, self._now())

    def _count(self, story: CanaryStory, *, held: Held, before: frozenset[int]) -> None:
        destroyed_at, counted = self._since(), self._counted
        catalogue = [Acknowledged(number=number, at=self._started_at) for number in before]
        losses = [
            measure_loss(
                CATALOGUE,
                sent=before,
                acknowledged=catalogue,
                there=held.catalogue,
                destroyed_at=destroyed_at,
            )
        ]
        for stream, there in sorted(held.truth.items()):
            acknowledged = story.acknowledged[stream]
            losses.append(
                measure_loss(
                    stream,
                    sent=story.sent[stream],
                    acknowledged=acknowledged,
                    there=there,
                    destroyed_at=destroyed_at,
                )
            )
            counted.rates[stream] = story.rate(stream, until=destroyed_at, seconds=_RATE_SECONDS)
            counted.given_up[stream] = sum(
                row.at > destroyed_at and row.number not in there for row in acknowledged
            )
            if stream in held.vectors:
                counted.divergence += divergence({"truth": there, "vectors": held.vectors[stream]})
        counted.losses = tuple(losses)

    def _reached(self, stage: Stage, at: float) -> None:
        before = self._since() + sum(each.seconds for each in self._stages)
        self._stages.append(StageSeen(stage=stage, seconds=max(0.0, at - before)))

    def _has(self, stage: Stage) -> bool:
        return any(each.stage is stage for each in self._stages)

    def _since(self) -> float:
        if self._destroyed_at is None:
            raise AssertionError("asked before anything was destroyed")
        return self._destroyed_at

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _told(self, phase: str) -> AbstractContextManager[Phase]:
        return told_phase(self._plan.name, phase, listener=self._listener, clock=self._clock)


def _first_line(command: str) -> str:
    """Return what a command is called while it runs."""
    lines = [line for line in command.splitlines() if not line.startswith("#")]
    if not lines:
        return "command"
    return lines[0] if len(lines[0]) <= _LONGEST_NAME else f"{lines[0][: _LONGEST_NAME - 1]}…"
