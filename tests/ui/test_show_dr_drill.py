"""Drills of a loss on a terminal: the outcome first, nothing wider than 80 columns but sentences, nothing by colour alone."""

import re
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console
from tests.dr.drill.drills import (
    GOALS,
    STARTED_AT,
    entry,
    journal,
    missed,
    not_back,
    recovery,
    run,
    slower,
    stages,
    unclear,
)

from opsctl.dr.drill.journal import Journal
from opsctl.dr.drill.plan import DrillPlan
from opsctl.dr.drill.summary import Listed, last_held
from opsctl.ui.bars import bar_lines
from opsctl.ui.console import shown_on
from opsctl.ui.show_dr_drill import show_drill_details, show_drills
from opsctl.ui.show_dr_scenarios import show_drill_plan, show_recoveries

NOW = datetime.fromtimestamp(STARTED_AT, UTC) + timedelta(days=9)
BOOKS = {
    "both_lost": recovery(),
    "region_lost": recovery(title="The region [is] lost", loses=["region"], alert=None),
    "repository_corrupted": recovery(title="PostgreSQL is lost, and the newest backup is damaged"),
}


@pytest.fixture
def shown():
    """Show something on a terminal of 80 columns, or in a pipe, and return what was printed."""

    def show(print_it, *args, is_terminal: bool = True, **others) -> str:
        console = Console(
            width=80 if is_terminal else 160,
            force_terminal=is_terminal,
            color_system=None,
            record=True,
            emoji=False,
            file=StringIO(),
        )
        with shown_on(console):
            print_it(*args, **others)
        return "\n".join(line.rstrip() for line in console.export_text().splitlines()) + "\n"

    return show


def known() -> list[Listed]:
    """Return the books, each with what came of it last."""
    last = last_held([journal()])
    return [Listed(name=name, recovery=book, last=last.get(name)) for name, book in BOOKS.items()]


def plan(name: str = "both_lost", **changes) -> DrillPlan:
    """Return the plan of a drill of two runs."""
    return DrillPlan(
        scenario=name,
        recovery=recovery(**changes),
        goals=GOALS,
        ground=".opsctl/proving-ground",
        runbook=f"docs/runbooks/recover_{name}.md",
        commands=("opsctl dr restore --to latest --into live", "# changes: caches\nopsctl cache invalidate --all"),
        moments={7: 18.31, 8: 22.4},
    )  # fmt: skip


def test_many_drills_are_a_row_each_and_then_their_reasons(shown, snapshot):
    """Of several runs the median over the worst."""
    assert shown(show_drills, journal()) == snapshot


@pytest.mark.parametrize("make", [entry, missed, not_back, unclear])
def test_a_drill_looks_as_it_did(shown, make, snapshot):
    """Stages and steps as bars, commands, losses, readers; markup in a title stays text."""
    assert shown(show_drill_details, make()) == snapshot


def test_the_list_and_the_plan_look_as_they_did(shown, snapshot):
    """What is destroyed, where, when, who is told, and by which runbook it comes back."""
    assert shown(show_recoveries, known(), now=NOW) == snapshot
    assert shown(show_drill_plan, plan()) == snapshot


def test_a_plan_of_a_loss_that_no_machine_sees_says_who_notices(shown):
    """And one in mid-backup says so; one without a runbook cannot be run and says that."""
    text = shown(
        show_drill_plan,
        DrillPlan(
            **{name: getattr(plan(alert=None, discovered_after="40s", moment="during_backup"), name)
               for name in ("scenario", "recovery", "goals", "ground", "runbook", "moments")},
            commands=(),
        ),
    )  # fmt: skip

    assert "told by     no alert; somebody notices after 40 s" in text
    assert "when        while a backup is made, 18.3 s after the canary began, drawn by seed 7" in " ".join(
        text.split("\n" + " " * 14)
    )
    assert "runs        nothing: the runbook is not there" in text


def test_no_row_is_wider_than_eighty_columns(shown):
    """Sentences and commands may wrap; figures may not."""
    texts = [
        shown(show_drills, journal(entry(), slower(), not_back())),
        shown(show_drill_details, entry()),
        shown(show_drill_details, missed()),
        shown(show_recoveries, known(), now=NOW),
        shown(show_drill_plan, plan()),
    ]

    free = re.compile(r"`|<script>|were answered")
    rows = [line for text in texts for line in text.splitlines() if not free.search(line)]
    assert max(len(line) for line in rows) <= 80


def test_without_a_terminal_a_kind_of_loss_is_one_line(shown):
    """So that it can be searched, and nothing in it is cut."""
    text = shown(show_recoveries, known(), now=NOW, is_terminal=False)

    rows = {line.split()[0]: " ".join(line.split()) for line in text.splitlines()}
    assert rows["both_lost"] == "both_lost Both stores are lost database, vectors ✔ passed 9 days ago"
    assert "The region [is] lost" in rows["region_lost"]
    assert rows["repository_corrupted"].endswith("newest backup is damaged database, vectors never -")


def test_a_list_of_nothing_says_what_to_do(shown):
    """Instead of an empty table."""
    assert "opsctl init" in shown(show_recoveries, (), now=NOW)


def test_a_run_without_drills_is_not_silent(shown):
    """It cannot tell, so there is a next step."""
    assert "opsctl dr report" in shown(show_drills, Journal(run_id="r", entries=()))


def test_the_ruler_below_the_readers_has_the_loss_at_its_second(shown):
    """20 of 110 seconds, then stage after stage by their number."""
    ruler = next(line for line in shown(show_drill_details, entry()).splitlines() if "─✗" in line).strip()

    assert round(ruler.index("✗") / len(ruler) * 110) in (19, 20)
    assert re.fullmatch(r"─+✗1+2?3+4+─+", ruler)


def test_bars_follow_each_other_and_fill_the_whole_width():
    """A moment is still a mark; names are padded, not cut."""
    lines = list(bar_lines([("one", 50.0), ("longer", 0.001), ("end", 50.0)], width=60))

    bars = [line[len("  longer ") :][:32] for line in lines]
    assert [bar.rstrip() for bar in bars] == ["█" * 16, " " * 16 + "█", " " * 16 + "█" * 16]
    assert [line.split()[0] for line in lines] == ["one", "longer", "end"]
    assert list(bar_lines([], width=80)) == []
    assert len(list(bar_lines([("none", 0.0)], width=10))) == 1


def test_a_stage_that_was_not_reached_is_the_longest(shown):
    """It is where to begin."""
    assert "not serving" in shown(show_drills, journal(entry(run(stages=stages(1.0, 1.0, 50.0)))))
