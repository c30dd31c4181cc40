"""A drill goes through its stages in order, counts what was really lost, and tells what went wrong with itself apart."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from tests.fakes.clock import FakeClock

from opsctl.core.errors import NotReadyError
from opsctl.core.events import Event, PhaseFinished, PhaseStarted, ignore
from opsctl.dr.drill.book import Loss, Moment, Recovery
from opsctl.dr.drill.canary_log import CanaryStory
from opsctl.dr.drill.conduct import CATALOGUE, Plan, hold
from opsctl.dr.drill.judge import Goals, Outcome, judge
from opsctl.dr.drill.losses import Acknowledged
from opsctl.dr.drill.model import CommandSeen, DrillRun, SecondSeen, Stage
from opsctl.dr.drill.ports import Held, Served

CONTENT, INTERACTIONS = "content", "interactions"
STAGES = list(Stage)
GOALS = Goals(rpo_seconds=60, rto_seconds=900, detect_seconds=300)


class ExactClock(FakeClock):
    """A clock of which not only whole seconds are seen."""

    def now(self) -> datetime:
        """Return the wall time."""
        return self.moment + timedelta(seconds=self.seconds)


@dataclass
class World:
    """A stack whose stores are lost; everything takes the time that it is told to.

    Args:
        clock: of the drill.
        alert_after: seconds from the destruction until somebody is told; None: nobody ever is.
        exit_codes: of the commands of the runbook.
        bad_golden: so many golden requests fail after the recovery; None: all of them.
        lost_seconds: what was acknowledged in so many seconds before the destruction is gone.
        per_second: rows that the canary writes.
        breaks_at: a method that raises `error`.
    """

    clock: ExactClock
    alert_after: float | None = 30.0
    exit_codes: Sequence[int] = (0, 0)
    bad_golden: int | None = 5
    lost_seconds: float = 0.0
    per_second: int = 25
    breaks_at: str | None = None
    error: BaseException = field(
        default_factory=lambda: NotReadyError("it is down", code="STK020", why="no port")
    )
    without: frozenset[int] = frozenset()
    done: list[str] = field(default_factory=list)
    points_of_commands: list[float] = field(default_factory=list)
    began_at: float = 0.0
    destroyed_at: float = 0.0
    served_between: tuple[float, float] = (0.0, 0.0)

    def begin_canary(self) -> None:
        """Begin."""
        self._do("begin canary")
        self.began_at = self._now()

    def end_canary(self) -> CanaryStory:
        """Tell what was written until now."""
        self._do("end canary")
        story = CanaryStory()
        seconds = self._now() - self.began_at
        for stream in (CONTENT, INTERACTIONS):
            for number in range(1, int(seconds * self.per_second) + 1):
                story.sent[stream].add(number)
                at = self.began_at + number / self.per_second
                story.acknowledged[stream].append(Acknowledged(number=number, at=at))
        return story

    def catalogue(self) -> AbstractSet[int]:
        """Return the items."""
        self._do("catalogue")
        return {-1, -2, -3}

    def begin_backup(self) -> None:
        """Begin."""
        self._do("begin backup")

    def destroy(self, losses: Sequence[Loss]) -> None:
        """Destroy, which takes a second."""
        self.destroyed_at = self._now()
        self._do(f"destroy {', '.join(losses)}", seconds=1.0)

    def told_at(self, alert: str, *, since: float) -> float | None:
        """Tell when the alert came."""
        if self.alert_after is None or self._now() < since + self.alert_after:
            return None
        return since + self.alert_after

    def run_book(self) -> Sequence[str]:
        """Return its commands; to find it takes three seconds."""
        self._do("run book", seconds=3.0)
        return [f"# what\ncommand {number}" for number in range(len(self.exit_codes))]

    def run(self, command: str, *, point: float) -> CommandSeen:
        """Run one, in ten seconds."""
        self.points_of_commands.append(point)
        code = self.exit_codes[int(command[-1])]
        self._do(command.splitlines()[-1], seconds=10.0)
        return CommandSeen(command=command, seconds=10.0, exit_code=code, tail="said\n")

    def golden(self) -> bool:
        """Ask, which takes half a second."""
        self._do("golden", seconds=0.5)
        return self.bad_golden is not None and self.done.count("golden") > self.bad_golden

    def held(self) -> Held:
        """Return what is there."""
        self._do("held", seconds=2.0)
        until = self.destroyed_at - self.lost_seconds
        kept = frozenset(range(1, int((until - self.began_at) * self.per_second) + 1)) - self.without
        return Held(
            truth={CONTENT: kept, INTERACTIONS: kept}, vectors={CONTENT: kept}, catalogue={-1, -2, -3}
        )

    def restore_steps(self) -> tuple[str | None, Mapping[str, float]]:
        """Return what the restore wrote down."""
        return "20261129T030000Z-full-0a1b2c", {"database": 4.0}

    def points(self, *, since: float) -> Sequence[SecondSeen]:
        """Return seconds."""
        return [SecondSeen(second=0, good=1, bad=0, p99_seconds=0.1)]

    def served(self, *, since: float, until: float) -> Served:
        """Return what readers got."""
        self.served_between = (since, until)
        return Served(share=0.9, tiers={"simple": 3})

    def _do(self, what: str, *, seconds: float = 0.0) -> None:
        self.done.append(what)
        if what.startswith(self.breaks_at or "\0"):
            raise self.error
        self.clock.sleep(seconds)

    def _now(self) -> float:
        return self.clock.now().timestamp()


@pytest.fixture
def clock() -> ExactClock:
    """Give a clock."""
    return ExactClock()


def recovery(**changes: object) -> Recovery:
    """Return a book."""
    values = {
        "title": "both stores lost",
        "why": "a machine is gone with its disks",
        "loses": ["database", "vectors"],
        "alert": "database_down",
    }
    return Recovery.model_validate(values | changes)


def drilled(world: World, *, listener=ignore, seed: int = 7, **changes: object) -> DrillRun:
    """Hold a drill."""
    plan = Plan(name="both_lost", recovery=recovery(**changes), seed=seed)
    return hold(plan, world=world, clock=world.clock, listener=listener)


def seconds_of(run: DrillRun) -> dict[str, float]:
    """Return the stages by name, to a tenth of a second."""
    return {each.stage: round(each.seconds, 1) for each in run.stages}


def test_the_stages_add_up_to_the_time_until_readers_are_served(clock: ExactClock):
    """From the destruction on: told after 30 s, declared 3 s later, two commands of 10 s, 25 golden requests."""
    world = World(clock)

    run = drilled(world)

    assert list(seconds_of(run)) == STAGES
    # Between two looks at the receiver there is a quarter of a second.
    assert seconds_of(run) == {
        "detected": 30.0,
        "declared": pytest.approx(3.0, abs=0.3),
        "restored": 20.0,
        "serving": 12.5,
    }
    assert run.rto_seconds == pytest.approx(65.5, abs=0.3)
    assert run.destroyed_at == pytest.approx(world.destroyed_at)
    assert (run.errors, run.is_interrupted, judge(run, GOALS).outcome) == ((), False, Outcome.PASSED)


def test_everything_comes_in_its_order(clock: ExactClock):
    """The catalogue is looked at before anything is written, rows are counted when the canary is silent."""
    world = World(clock)

    drilled(world)

    assert [what for what in world.done if what != "golden"] == [
        "catalogue",
        "begin canary",
        "destroy database, vectors",
        "run book",
        "command 0",
        "command 1",
        "end canary",
        "held",
    ]


def test_the_seed_draws_the_moment(clock: ExactClock):
    """The same one the same moment, within the limits; the canary has written for a while by then."""

    def waited(seed: int) -> float:
        world = World(ExactClock())
        drilled(world, seed=seed)
        return world.destroyed_at - world.began_at

    assert waited(1) == pytest.approx(waited(1))
    assert len({round(waited(seed), 2) for seed in range(6)}) == 6
    assert all(12.0 <= waited(seed) <= 25.1 for seed in range(6))
    assert 12.0 <= Plan(name="x", recovery=recovery(), seed=3).wait_seconds <= 25.0


def test_it_may_come_in_the_middle_of_a_backup(clock: ExactClock):
    """Which stays half done."""
    world = World(clock)

    drilled(world, moment=Moment.DURING_BACKUP)

    assert world.done.index("begin backup") + 1 == world.done.index("destroy database, vectors")


def test_an_alert_that_comes_too_late_is_a_miss_and_nothing_is_mended(clock: ExactClock):
    """Nobody knew: what would have come after that is not guessed at."""
    world = World(clock, alert_after=301.0)

    run = drilled(world)

    assert (run.stages, run.commands, run.rto_seconds) == ((), (), None)
    verdict = judge(run, GOALS)
    assert verdict.outcome is Outcome.MISSED
    assert "no alert told of it" in verdict.reasons
    assert "run book" not in world.done


def test_an_alert_just_in_time_counts(clock: ExactClock):
    """The line is where the book says."""
    assert seconds_of(drilled(World(clock, alert_after=299.0)))["detected"] == 299.0


def test_a_loss_that_no_machine_tells_of_is_noticed_by_somebody(clock: ExactClock):
    """After so long as the book says, whatever the destruction took of that."""
    run = drilled(World(clock, alert_after=None), alert=None, discovered_after="10s")

    assert seconds_of(run)["detected"] == 10.0


@pytest.mark.parametrize("failing", [0, 1])
def test_a_command_that_fails_ends_the_recovery(clock: ExactClock, failing: int):
    """What follows it is not run, and the drill says which one it was."""
    codes = [0, 0]
    codes[failing] = 4
    world = World(clock, exit_codes=codes)

    run = drilled(world)

    assert [command.exit_code for command in run.commands] == codes[: failing + 1]
    assert list(seconds_of(run)) == STAGES[:2]
    assert "held" not in world.done
    verdict = judge(run, GOALS)
    assert verdict.outcome is Outcome.MISSED
    assert any(f"command {failing}` ended with 4: said" in reason for reason in verdict.reasons)


def test_a_service_that_never_meets_its_level_again_is_a_miss(clock: ExactClock):
    """It is asked for five minutes; what was lost is counted all the same."""
    world = World(clock, bad_golden=None)

    run = drilled(world)

    assert (list(seconds_of(run)), run.rto_seconds) == (STAGES[:3], None)
    assert world.done.count("golden") == 600
    assert [loss.stream for loss in run.losses] == [CATALOGUE, CONTENT, INTERACTIONS]
    assert judge(run, GOALS).reasons == ("the service level was not met again",)


def test_golden_requests_have_to_be_good_in_a_row(clock: ExactClock):
    """One that is bad begins the row anew."""
    answers = [True] * 19 + [False] + [True] * 20

    class Wavering(World):
        def golden(self) -> bool:
            clock.sleep(0.5)
            return answers.pop(0)

    run = drilled(Wavering(clock))

    assert seconds_of(run)["serving"] == 20.0
    assert answers == []


def test_what_was_lost_is_counted_from_rows(clock: ExactClock):
    """Four seconds of 25 rows each, of both streams; the time is from the last row that is there."""
    run = drilled(World(clock, lost_seconds=4.0))

    losses = {loss.stream: loss for loss in run.losses}
    assert losses[CATALOGUE].lost == 0
    assert losses[CONTENT].lost == pytest.approx(100, abs=1)
    assert losses[CONTENT].rpo_seconds == pytest.approx(4.0, abs=0.1)
    assert (losses[CONTENT].holes, losses[CONTENT].phantoms) == (0, 0)
    assert run.rpo_seconds == pytest.approx(4.0, abs=0.1)
    assert run.divergence == 0


def test_rows_that_are_in_one_store_only_are_counted(clock: ExactClock):
    """Of the streams that the vectors follow."""

    class Apart(World):
        def held(self) -> Held:
            found = super().held()
            vectors = {CONTENT: set(found.truth[CONTENT]) - {5}}
            return Held(truth=found.truth, vectors=vectors, catalogue=found.catalogue)

    run = drilled(Apart(clock))

    assert run.divergence == 1
    assert judge(run, GOALS).reasons == ("1 rows are in one store and not in the other",)


def test_rows_after_the_destruction_that_are_given_up_are_told_apart(clock: ExactClock):
    """They lie behind the point to which one goes back; they are no loss of the restore."""
    run = drilled(World(clock))

    assert run.given_up[CONTENT] > 0
    assert {loss.lost for loss in run.losses} == {0}


def test_the_point_lies_surely_before_the_loss(clock: ExactClock):
    """A runbook that goes back to it must not bring the mistake along."""
    world = World(clock)

    drilled(world)

    assert len(world.points_of_commands) == 2
    assert all(world.destroyed_at - 1.0 < point < world.destroyed_at for point in world.points_of_commands)


def test_idle_writers_prove_nothing(clock: ExactClock):
    """Too few rows a second are no pass and no miss."""
    run = drilled(World(clock, per_second=10))

    assert run.acknowledged_per_second[CONTENT] == pytest.approx(10, abs=0.2)
    assert judge(run, GOALS).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    "breaks_at",
    ["catalogue", "begin canary", "destroy", "run book", "command 1", "golden", "end canary", "held"],
)
def test_what_goes_wrong_with_the_drill_itself_says_nothing_of_the_system(clock: ExactClock, breaks_at: str):
    """It stands in the errors, with its code; what was seen until then is kept."""
    world = World(clock, breaks_at=breaks_at)

    run = drilled(world)

    assert run.errors == ("STK020 it is down: no port",)
    assert judge(run, GOALS).outcome is Outcome.INCONCLUSIVE
    assert ("end canary" in world.done) == (breaks_at not in ("catalogue", "begin canary"))


@pytest.mark.parametrize("breaks_at", ["destroy", "command 0", "golden"])
def test_ctrl_c_ends_the_canary_and_says_nothing(clock: ExactClock, breaks_at: str):
    """Nothing writes on."""
    world = World(clock, breaks_at=breaks_at, error=KeyboardInterrupt())

    run = drilled(world)

    assert (run.is_interrupted, run.errors) == (True, ())
    assert "end canary" in world.done
    assert judge(run, GOALS).outcome is Outcome.INCONCLUSIVE


def test_what_readers_got_is_that_of_the_time_without_the_stores(clock: ExactClock):
    """From the destruction to the end of the restore; to now, where it never came."""
    world, failed = World(clock), World(ExactClock(), exit_codes=[1])
    run, never = drilled(world), drilled(failed)

    assert run.destroyed_at is not None
    restored_at = run.destroyed_at + sum(each.seconds for each in run.stages[:3])
    assert world.served_between == pytest.approx((run.destroyed_at, restored_at))
    assert failed.served_between == pytest.approx((never.destroyed_at, never.ended_at))
    assert (run.served_while_gone, run.tiers_while_gone) == (0.9, {"simple": 3})
    assert (run.backup_id, run.restore_steps) == ("20261129T030000Z-full-0a1b2c", {"database": 4.0})


def test_listeners_hear_of_each_part(clock: ExactClock):
    """A command is called by its first line that is no remark."""
    heard: list[Event] = []

    drilled(World(clock), listener=heard.append)

    phases = ["load", "destroy", "detect", "command 0", "command 1", "serve", "count"]
    assert [event.phase for event in heard if isinstance(event, PhaseStarted)] == phases
    assert [event.phase for event in heard if isinstance(event, PhaseFinished)] == phases
