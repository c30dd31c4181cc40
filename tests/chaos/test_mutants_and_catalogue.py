"""The teeth of drills, and the catalogue of faults: both name what is there, and leave nothing out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.chaos.drills import drill, held, named
from tests.fakes.drill_world import DrillWorld

from opsctl import assets
from opsctl.chaos.biting import bites
from opsctl.chaos.catalogue import NOT_DRILLED, ROWS, catalogue_table
from opsctl.chaos.journal import entry_of
from opsctl.chaos.load_drills import NamedDrill, load_drills
from opsctl.chaos.mutants import MUTANTS, Bite, Mutant, bite, plain_drill, score
from opsctl.chaos.verdict import Aspect, DrillVerdict, Outcome, Reason
from opsctl.cli.chaos_holding import hold_mutants
from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from opsctl.evidence.model import Evidence

DRILLS = load_drills(assets.drills())


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_has_a_drill_that_ships_and_takes_something_away(mutant: Mutant) -> None:
    """A control, whose verdict is turned around, would notice the wrong way round."""
    assert plain_drill(mutant, DRILLS).name == mutant.drill
    assert mutant.service or mutant.cache or mutant.muted
    assert mutant.felt_as


def test_a_mutant_whose_drill_is_gone_is_told() -> None:
    """Not silently left out of the score."""
    with pytest.raises(UsageError, match="is not there"):
        plain_drill(MUTANTS[0], ())


MUTANT = replace(MUTANTS[0], felt_as=(Aspect.AVAILABILITY,))
HELD = DrillVerdict(drill="vectors_down", outcome=Outcome.HELD)


def red(aspect: Aspect, outcome: Outcome = Outcome.DEVIATED, **others: Any) -> DrillVerdict:
    """Return a verdict with one reason."""
    reasons = (Reason(aspect=aspect, text="it went wrong"),)
    return DrillVerdict(drill="vectors_down", outcome=outcome, reasons=reasons, **others)


@pytest.mark.parametrize(
    ("outcome", "is_noticed"),
    [(Outcome.INCONCLUSIVE, False), (Outcome.DEVIATED, True), (Outcome.RESIDUE, True)],
)
def test_only_a_drill_that_goes_red_has_noticed(outcome: Outcome, *, is_noticed: bool) -> None:
    """One that cannot tell has not, nor has one that holds."""
    found = bite(MUTANT, red(Aspect.AVAILABILITY, outcome), plain=HELD)
    assert found.is_noticed is is_noticed
    assert found.reasons == ("it went wrong",)
    assert not bite(MUTANT, HELD, plain=HELD).is_noticed


def test_a_drill_that_is_red_for_another_reason_has_not_noticed() -> None:
    """Restarts say nothing of tiers that are missing."""
    assert not bite(MUTANT, red(Aspect.RESTARTS), plain=HELD).is_noticed


def test_a_drill_that_does_not_hold_as_it_is_cannot_tell() -> None:
    """It would be red with every mutant; so it is not even held with one."""
    asked = []

    def hold(named: NamedDrill, mutant: Mutant | None) -> DrillVerdict:
        asked.append((named.name, mutant))
        return red(Aspect.AVAILABILITY)

    (found,) = bites([MUTANT], DRILLS, hold=hold)

    assert asked == [("vectors_down", None)]
    assert (found.outcome, found.is_noticed) == (Outcome.INCONCLUSIVE, False)
    assert found.reasons == ("with nothing missing: it went wrong",)


def test_each_drill_is_held_once_as_it_is_however_many_mutants_it_has() -> None:
    """Before the first of them."""
    asked = []

    def hold(_: NamedDrill, mutant: Mutant | None) -> DrillVerdict:
        asked.append(mutant and mutant.name)
        return red(Aspect.AVAILABILITY) if mutant else HELD

    found = list(bites([MUTANT, replace(MUTANT, name="another")], DRILLS, hold=hold))

    assert asked == [None, MUTANT.name, "another"]
    assert all(each.is_noticed for each in found)


@pytest.mark.parametrize("stops_at", [1, 2])
def test_ctrl_c_ends_the_mutants_with_the_one_that_it_met(stops_at: int) -> None:
    """Whether it came with the protection away or before."""
    asked = []

    def hold(_: NamedDrill, mutant: Mutant | None) -> DrillVerdict:
        asked.append(mutant)
        is_stopped = len(asked) == stops_at
        return red(Aspect.MEASUREMENT, Outcome.INCONCLUSIVE, is_interrupted=True) if is_stopped else HELD

    found = list(bites(MUTANTS, DRILLS, hold=hold))

    assert [each.is_interrupted for each in found] == [True]
    assert len(asked) == stops_at


def test_the_score_is_the_part_that_was_noticed() -> None:
    """Of nothing it is nothing, never a pass."""
    found = [
        Bite(mutant=str(each), drill="x", outcome=outcome, is_felt=True)
        for each, outcome in enumerate(Outcome)
    ]
    assert score(found) == 0.5
    assert score([]) == 0


def test_thirty_rows_of_the_catalogue_are_drilled_and_each_other_says_why_not() -> None:
    """38 rows, none forgotten, none in both."""
    drilled = {row for each in DRILLS for row in each.drill.catalogue}
    assert drilled | set(NOT_DRILLED) == set(ROWS) == set(range(1, 39))
    assert not drilled & set(NOT_DRILLED)
    assert len(drilled) >= 30


def test_the_table_shows_what_a_drill_measured_and_what_was_not_held() -> None:
    """A row for each fault."""
    made = drill(catalogue=[1], expect={"tier": "any"})
    report, verdict = held(DrillWorld(), made)
    lines = catalogue_table([entry_of(named(made), report=report, verdict=verdict)]).splitlines()
    assert len(lines) == 2 + 38
    assert lines[2].startswith("| 1 | the vector database is down | `vectors-down` | held | 100.00% |")
    assert lines[0].endswith("| told after | back after | own tier again after |")
    assert lines[2].endswith("| - | 0 s | 0 s |")
    assert {line.count("|") for line in lines} == {lines[0].count("|")}
    assert "not held yet" in lines[3]
    assert "no name is resolved" in lines[29]


class Watchers:
    """Watchers whose alerts can be silenced."""

    def __init__(self) -> None:
        self.alertmanager = self

    def silence(self, alert: str, **_: object) -> str:
        """Silence one."""
        return alert

    def end_silence(self, _: str) -> None:
        """Let it be heard again."""


class Stage:
    """A stage on which every drill holds, until Ctrl-C."""

    def __init__(self, *, stops_at: int | None = None) -> None:
        self.ground, self.watchers = self, Watchers()
        self._stops_at = stops_at
        self._held = 0

    @contextmanager
    def other_books(self, **_: object) -> Iterator[None]:
        """Change the books."""
        yield

    def hold(self, _: NamedDrill) -> tuple[None, DrillVerdict]:
        """Hold a drill, or be stopped."""
        self._held += 1
        if self._held == self._stops_at:
            return None, red(Aspect.MEASUREMENT, Outcome.INCONCLUSIVE, is_interrupted=True)
        return None, HELD


@pytest.mark.parametrize(
    ("names", "stops_at", "records"), [((), None, 1), (("no tiers",), None, 0), ((), 3, 0)]
)
def test_only_all_mutants_to_the_end_are_evidence(
    names: tuple[str, ...], stops_at: int | None, records: int
) -> None:
    """One that was chosen, or a run that was stopped, says nothing of the others."""
    recorded: list[Evidence] = []

    stage: Any = Stage(stops_at=stops_at)

    hold_mutants(names, DRILLS, stage=stage, record=recorded.append)

    assert len(recorded) == records
    assert all(each.figures["mutants"] == len(MUTANTS) for each in recorded)
