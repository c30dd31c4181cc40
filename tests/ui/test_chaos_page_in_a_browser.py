"""The page of drills in a real browser: drawn, readable at any width and in the dark, and nothing fetched or run."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from tests.chaos.drills import drill, held, named
from tests.fakes.drill_world import FAILED, SIMPLE, USUAL, AlertReaction, DrillWorld
from tests.ui.browsing import FAINT, SIZES, needs_chromium

from opsctl.chaos.journal import Entry, Journal, entry_of
from opsctl.ui.chaos_page import render_chaos_page

pytestmark = needs_chromium

HOSTILE = "<script>alert(1)</script> \"' & {{ 7 * 7 }} `code`"
EXPECT: dict[str, Any] = {
    "tier": "simple",
    "alerts": [
        {"name": "VectorStoreDown", "detect_within": "30s", "resolve_within": "60s"},
        {"name": "TrendsAreServedInsteadOfPersonalFeedsForTooLong", "detect_within": "40s"},
    ],
}
METHOD = [
    {"fault": "vectors_down", "lasts": "45s"},
    {"wait": "10s"},
    {"together": [{"fault": "vectors_stutter"}, {"fault": "l2_damaged"}], "lasts": "30s"},
]


def entry(world: DrillWorld, *, name: str, **changes) -> Entry:
    """Hold a drill in this world."""
    made = drill(**({"expect": EXPECT, "method": METHOD} | changes))
    report, verdict = held(world, made, name=name)
    return entry_of(named(made, name=name), report=report, verdict=verdict)


def journal(*entries: Entry, **others) -> Journal:
    """Return a run."""
    return Journal(run_id="20261122T120000-chaos", entries=entries, **others)


def deviated() -> Entry:
    """Return a drill in which much goes wrong, with a title that would like to be code."""
    mixed = (
        SIMPLE,
        SIMPLE,
        replace(SIMPLE, tier="trending", seconds=0.4),
        replace(USUAL, is_cached=True),
        FAILED,
    )
    world = DrillWorld(
        usual=(USUAL, replace(USUAL, is_cached=True), replace(USUAL, seconds=0.02, is_stale=True)),
        during=dict.fromkeys(("vectors_down", "vectors_stutter"), mixed),
        heals_after=12,
        alerts=(
            AlertReaction(name="VectorStoreDown", fires_after=12),
            AlertReaction(name="LoadShedding", fires_after=20, is_page=True),
        ),
    )
    probe = {"name": HOSTILE.replace("`", ""), "url": "http://127.0.0.1/readyz"}
    return entry(world, name="vectors-down", title=HOSTILE, why=HOSTILE, probes=[probe])


@cache
def journals() -> dict[str, Journal]:
    """Return one run of each kind."""
    alerts = tuple(AlertReaction(name=alert["name"]) for alert in EXPECT["alerts"])
    simple = dict.fromkeys(("vectors_down", "vectors_stutter"), (SIMPLE,))
    holding = entry(
        DrillWorld(during=simple, alerts=alerts), name="vectors-slow", expect=EXPECT | {"tier": "any"}
    )
    not_begun = entry(DrillWorld(usual=(FAILED,)), name="unsteady")
    control = entry(
        DrillWorld(), name="muted", control="muted", method=METHOD[:1],
        expect={"alerts": [EXPECT["alerts"][0]]},
    )  # fmt: skip
    return {
        "deviated": journal(deviated(), simulated=("language model",)),
        "several": journal(holding, deviated(), not_begun, control),
        "nothing": journal(),
    }


PAGES = ("deviated", "several", "nothing")


@pytest.fixture
def opened(pages):
    """Open the page of a run."""
    return lambda name, **how: pages.show(render_chaos_page(journals()[name]), **how)


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_page_is_drawn_whole_and_fetches_nothing(opened, name, width, height):
    """No complaint, no request but the page itself, no text over another or cut, no sideways scrolling."""
    page = opened(name, width=width, height=height)

    assert page.wrongs == []
    assert len(page.requests) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_charts_lifelines_and_the_fault_have_an_extent(opened, width, height):
    """Load, latency, who answered; two faults together share their shade, and an alert that never came has no bar."""
    page = opened("deviated", width=width, height=height)

    boxes = [page.locator("svg").nth(place).bounding_box() for place in range(page.locator("svg").count())]
    assert len(boxes) == 3
    assert all(box["width"] > 0.5 * width and box["height"] > 50 for box in boxes)
    assert page.locator("svg .shade").count() == 3
    assert page.locator(".life").count() == 6
    assert page.locator(".life .bar").count() == 5
    assert page.locator(".life .told").count() == 2


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_in_both_schemes(opened, scheme):
    """The contrast that WCAG asks of small text."""
    assert opened("deviated", scheme=scheme).evaluate(FAINT) == []


@pytest.mark.slow
def test_dark_mode_turns_text_and_ground_around(opened):
    """Whoever works in the dark is not blinded."""
    grounds = [
        opened("deviated", scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]

    assert grounds == ["rgb(255, 255, 255)", "rgb(13, 17, 23)"]


def test_what_came_from_outside_is_shown_as_text(opened):
    """Nothing of it runs, in titles, reasons and probes."""
    page = opened("deviated")

    assert page.locator("h2").inner_text() == HOSTILE
    assert page.locator("script").count() == 0


def test_the_same_run_gives_the_same_page():
    """Byte for byte."""
    assert render_chaos_page(journals()["several"]) == render_chaos_page(journals()["several"])
