"""The page of drills of a loss tells what was lost and how it came back, and nothing better than it was."""

import re
from dataclasses import replace

from tests.dr.drill.drills import (
    HOSTILE,
    command,
    entry,
    journal,
    loss,
    missed,
    not_back,
    points,
    run,
    slower,
    stages,
)

from opsctl.dr.drill.journal import Journal
from opsctl.ui.dr_charts import slots_of
from opsctl.ui.dr_page import render_dr_page


def body(*entries) -> str:
    """Return what stands in the page of these drills, without its style."""
    return render_dr_page(journal(*entries)).partition("<main>")[2]


def text_of(page: str) -> str:
    """Return the words of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page)).replace("\N{NO-BREAK SPACE}", " ")


def test_a_page_looks_as_it_did(snapshot):
    """Of a short drill, with everything that a page can have."""
    short = run(
        destroyed_at=run().started_at + 2,
        stages=stages(0.5, 0.5, 1.0, 1.0),
        commands=(command(seconds=0.9),),
        losses=(loss(),),
        points=tuple(points(seconds=5, gone_from=2, gone_until=4)),
    )

    assert body(entry(short)) == snapshot


def test_a_drill_that_did_not_come_back_has_no_figure_that_looks_like_one():
    """Neither an RTO nor an RPO of nothing."""
    text = text_of(body(not_back()))

    assert "RPO not counted of work lost" in text
    assert "RTO not back until readers are served" in text
    assert "readers were not served again" in text
    assert "What was really lost" not in text
    assert "✘ exit 3 from 31 s, took 12 s" in text


def test_median_and_worst_of_several_runs_stand_above_each_other():
    """And each run has its own section."""
    page = body(entry(), slower())

    assert '<td class="word">1 min 27 s<small>1 min 39 s</small></td>' in page
    assert page.count('<section class="drill"') == 2
    assert "both_lost, run 2 of 2" in page


def test_rows_that_were_given_up_are_told_apart_from_lost_ones():
    """One goes back to before a mistake on purpose."""
    text = text_of(body(missed()))

    assert "Rows lost 1,707 of 6,550 acknowledged ones" in text
    assert "Given up 12 rows of after the loss" in text


def test_what_came_from_outside_is_text():
    """In titles, reasons, commands and what they said."""
    stream = loss(HOSTILE, tail=1, rpo_seconds=1.0)
    odd = replace(missed(), run=replace(missed().run, losses=(stream,), backup_id=HOSTILE))

    assert "<script" not in render_dr_page(journal(odd, not_back()))


def test_a_long_drill_makes_no_larger_page_than_a_page_can_be():
    """Seconds are drawn together; the worst of them is shown."""
    long = run(points=tuple(points(seconds=20_000)), stages=stages(14.0, 0.2, 19_000.0, 8.0))

    page = body(entry(long))

    assert page.count('class="hover"') <= 3 * 301
    assert "p99 1.62 s" in page


def test_the_broken_second_at_the_end_of_the_load_is_not_drawn():
    """It looked as if readers had gone; where answers were missed in it, it is drawn."""
    seen = tuple(points(seconds=10))
    ends = {bad: replace(seen[-1], second=10, good=2, bad=bad) for bad in (0, 1)}
    short = run(stages=(), commands=(), destroyed_at=None)

    drawn = {bad: len(slots_of(replace(short, points=(*seen, last)))) for bad, last in ends.items()}

    assert drawn == {0: 10, 1: 11}


def test_a_run_without_any_drill_is_a_page_that_cannot_tell():
    """And never a green one."""
    page = render_dr_page(Journal(run_id="r", entries=()))

    assert "cannot tell" in page
    assert render_dr_page(journal()) == render_dr_page(journal())
