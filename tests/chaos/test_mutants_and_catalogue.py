"""The teeth of drills, and the catalogue of faults: both name what is there, and leave nothing out."""

import pytest
from tests.chaos.drills import drill, held, named
from tests.fakes.drill_world import DrillWorld

from opsctl import assets
from opsctl.chaos.catalogue import NOT_DRILLED, ROWS, catalogue_table
from opsctl.chaos.journal import entry_of
from opsctl.chaos.load_drills import load_drills
from opsctl.chaos.mutants import MUTANTS, Bite, Mutant, bite, plain_drill, score
from opsctl.chaos.verdict import Aspect, DrillVerdict, Outcome, Reason
from opsctl.core.errors import UsageError

DRILLS = load_drills(assets.drills())


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_has_a_drill_that_ships_and_takes_something_away(mutant: Mutant) -> None:
    """A control, whose verdict is turned around, would notice the wrong way round."""
    assert plain_drill(mutant, DRILLS).name == mutant.drill
    assert mutant.service or mutant.cache or mutant.muted


def test_a_mutant_whose_drill_is_gone_is_told() -> None:
    """Not silently left out of the score."""
    with pytest.raises(UsageError, match="is not there"):
        plain_drill(MUTANTS[0], ())


@pytest.mark.parametrize(
    ("outcome", "is_noticed"),
    [
        (Outcome.HELD, False),
        (Outcome.INCONCLUSIVE, False),
        (Outcome.DEVIATED, True),
        (Outcome.RESIDUE, True),
    ],
)
def test_only_a_drill_that_goes_red_has_noticed(outcome: Outcome, *, is_noticed: bool) -> None:
    """One that cannot tell has not."""
    reason = Reason(aspect=Aspect.AVAILABILITY, text="availability 12 %")
    found = bite(MUTANTS[0], DrillVerdict(drill="vectors_down", outcome=outcome, reasons=(reason,)))
    assert found.is_noticed is is_noticed
    assert found.reasons == ("availability 12 %",)


def test_the_score_is_the_part_that_was_noticed() -> None:
    """Of nothing it is nothing, never a pass."""
    bites = [Bite(mutant=str(each), drill="x", outcome=outcome) for each, outcome in enumerate(Outcome)]
    assert score(bites) == 0.5
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
    assert "not held yet" in lines[3]
    assert "no name is resolved" in lines[29]
