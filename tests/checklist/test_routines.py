"""Routines: when they are due, what they show, and who may say that they were done."""

from datetime import timedelta

import pytest
from tests.checklist.making import DAY, HOUR, NOW, record

from opsctl.checklist.book_routines import Rhythm, Routine
from opsctl.checklist.routines import Due, seen, standing

ROUTINE = Routine.model_validate(
    {
        "title": "Metrics",
        "roles": ["lead"],
        "every": "1d",
        "grace": "12h",
        "steps": [
            {
                "look": "Did it move?",
                "figures": [
                    {"title": "p99", "kind": "bench.load", "figure": "p99", "unit": "ms"},
                    {"title": "drill", "kind": "dr.drill"},
                ],
            }
        ],
    }
)


@pytest.mark.parametrize(
    ("ago", "due"),
    [(HOUR, Due.DONE), (DAY, Due.DUE), (DAY + 11 * HOUR, Due.DUE), (DAY + 12 * HOUR, Due.OVERDUE)],
)
def test_it_is_due_after_its_time_and_overdue_after_its_grace(ago: timedelta, due: Due):
    """From when it was done last."""
    done = record("checklist.routine", "daily", ago=ago, figures={"account": "ann"})

    found = standing(Rhythm.DAILY, ROUTINE, accounts={"ann": "lead"}, records=[done], now=NOW)

    assert (found.due, found.due_at) == (due, NOW - ago + DAY)


@pytest.mark.parametrize("accounts", [{}, {"ann": "owner"}])
def test_what_somebody_did_who_may_not_does_not_count(accounts: dict[str, str]):
    """Their name stands in the ledger all the same."""
    done = record("checklist.routine", "daily", figures={"account": "ann"})
    other = record("checklist.routine", "weekly", figures={"account": "ann"})

    found = standing(Rhythm.DAILY, ROUTINE, accounts=accounts, records=[done, other], now=NOW)

    assert (found.due, found.last) == (Due.DUE, None)


def test_figures_stand_beside_those_of_the_record_before():
    """Of the same subject; what was never measured is empty."""
    records = [
        record("bench.load", "quick", sequence=3, figures={"p99": 20}),
        record("bench.load", "standard", sequence=2, figures={"p99": 120}),
        record("bench.load", "quick", sequence=1, figures={"p99": 10}),
    ]

    p99, drill = seen(ROUTINE.steps[0], records=records)

    assert (p99.now, p99.before, drill.now) == ("20 ms", "10 ms", "")
