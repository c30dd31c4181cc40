"""Drills on a terminal: the verdict in the first line, nothing cut at 80 columns, nothing by colour alone."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console
from tests.chaos.drills import drill, held, named
from tests.fakes.drill_world import FAILED, SIMPLE, AlertReaction, DrillWorld

from opsctl.chaos.budget import Debit, Statement
from opsctl.chaos.verdict import Outcome
from opsctl.ui.console import shown_on
from opsctl.ui.show_chaos import (
    show_drill_report,
    show_drill_verdicts,
    show_drills,
    show_statement,
)
from opsctl.ui.show_chaos_plan import show_drill_plan

WHOLE = drill(
    why="feeds come from the tier below at once, and somebody is told",
    tags=["ci", "nightly"],
    catalogue=[1, 37],
    method=[
        {"fault": "vectors_down", "lasts": "60s"},
        {"wait": "10s"},
        {"together": [{"fault": "vectors_stutter", "with": {"share": 0.5}}, {"fault": "l2_damaged"}], "lasts": "30s"},
    ],
    expect={
        "tier": "simple",
        "alerts": [{"name": "VectorStoreDown", "detect_within": "30s", "resolve_within": "60s"}],
    },
    probes=[{"name": "ready [bold]", "url": "http://127.0.0.1/readyz"}],
    mitigation={"command": "opsctl service degrade", "ends_within": "20s"},
)  # fmt: skip


@pytest.fixture
def shown():
    """Show something on a terminal of 80 columns and return what was printed."""

    def show(print_it, *args, **others):
        console = Console(
            width=80, force_terminal=True, color_system=None, record=True, emoji=False, file=StringIO()
        )
        with shown_on(console):
            print_it(*args, **others)
        return console.export_text()

    return show


def holding():
    """Return a drill that holds, its report and its verdict."""
    world = DrillWorld(
        during={"vectors_down": (SIMPLE,), "vectors_stutter": (SIMPLE,)},
        alerts=(AlertReaction(name="VectorStoreDown"),),
        cures="opsctl service degrade",
    )
    made = drill(**WHOLE.model_dump(by_alias=True, include={"expect", "probes"}))
    report, verdict = held(world, made)
    return made, report, verdict


def failing():
    """Return a drill that does not hold, its report and its verdict."""
    world = DrillWorld(
        during={"vectors_down": (SIMPLE, FAILED)}, alerts=(AlertReaction(name="Other[/]", is_page=True),)
    )
    made = drill(**WHOLE.model_dump(by_alias=True, include={"expect"}), title="a [red]title[/red]")
    report, verdict = held(world, made)
    return made, report, verdict


def test_the_list_and_the_plan_look_as_they_did(shown, snapshot):
    """What is done, when, and what it may cost."""
    null = drill(control="null_drill", method=[{"wait": "60s"}], expect={})

    assert shown(show_drills, [named(WHOLE), named(null, name="nothing-broken")]) == snapshot
    assert shown(show_drill_plan, named(WHOLE)) == snapshot


def test_the_plan_tells_what_must_be_counted_what_may_page_and_how_many_must_restart(shown):
    """Whoever reads it knows what would turn the drill red."""
    made = drill(
        expect={
            "counters": [{"metric": "ranking_model_calls_total", "labels": {"outcome": "invalid"}}],
            "allowed_pages": ["high_error_rate"],
            "restarts_at_least": 1,
            "restarts_allowed": 2,
        }
    )

    text = shown(show_drill_plan, named(made))

    assert 'counted    ranking_model_calls_total{outcome="invalid"} grows by 1' in text
    assert "may page   high_error_rate" in text
    assert "1 to 2 restarts" in text


def test_what_a_month_did_cost_looks_as_it_did(shown, snapshot):
    """A row a drill, then the sum."""
    debits = tuple(
        Debit(at=f"2026-11-2{day}T12:00:00+00:00", drill=f"drill_{day}", forecast=1.25, spent=day * 3.5)
        for day in range(3)
    )

    assert shown(show_statement, Statement(month="2026-11", allowed=43_200, debits=debits)) == snapshot
    assert shown(show_statement, Statement(month="2026-12", allowed=0, debits=())) == snapshot
    assert (
        shown(show_drills, [named(WHOLE), named(WHOLE, name="other")], last={"other": Outcome.HELD})
        == snapshot
    )


@pytest.mark.parametrize("make", [holding, failing])
def test_a_drill_looks_as_it_did(shown, make, snapshot):
    """Phases, tiers, alerts, probes; markup in a title stays text."""
    made, report, verdict = make()

    assert shown(show_drill_report, report, drill=made, verdict=verdict) == snapshot


def test_many_drills_are_a_row_each_and_then_their_reasons(shown, snapshot):
    """The first thing to do stands last."""
    (_, good, held_one), (_, bad, deviated) = holding(), failing()
    verdicts = [held_one, replace(deviated, drill="vectors-slow")]

    text = shown(show_drill_verdicts, verdicts, {"vectors-down": good, "vectors-slow": bad})

    assert text == snapshot


def test_no_table_is_wider_than_eighty_columns(shown):
    """Sentences may wrap; figures may not."""
    made, report, verdict = holding()
    texts = [
        shown(show_drills, [named(WHOLE)]),
        shown(show_drill_report, report, drill=made, verdict=verdict),
        shown(show_drill_verdicts, [verdict], {report.drill: report}),
    ]

    rows = [line for text in texts for line in text.splitlines() if "hint" not in line and "`" not in line]
    assert max(len(line) for line in rows) <= 80
