"""The page of load runs in a real browser: drawn, readable at any width and in the dark, and nothing fetched or run."""

import pytest
from tests.bench.load.reports import HOSTILE, empty, holding, invalid, missing
from tests.ui.browsing import FAINT, SIZES, needs_chromium

from opsctl.ui.load_page import render_load_page

pytestmark = needs_chromium

PAGES = {
    "holding": {"20261122T120000-standard": holding()},
    "missing": {"20261122T130000-standard": missing(stall=(0, 0), error_share=0.0)},
    "invalid": {"x": invalid(load="standard_load_of_feeds_with_a_long_name", title="A long title " * 12)},
    "empty": {"e": empty()},
    "several": {"a": holding(), "b": missing(seed=2, slower=1.4), "c": invalid(seed=3, rate=60)},
}


@pytest.fixture
def opened(pages):
    """Open the page of some reports."""
    return lambda reports, **how: pages.show(render_load_page(reports), **how)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_page_is_drawn_whole_and_fetches_nothing(opened, name, width, height):
    """No complaint, no request but the page itself, no text over another or cut, no sideways scrolling."""
    page = opened(PAGES[name], width=width, height=height)

    assert page.wrongs == []
    assert len(page.requests) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_chart_and_every_path_has_an_extent(opened, width, height):
    """Latency, rate, errors, percentiles and tiers are visible; a waterfall has bars."""
    page = opened(PAGES["holding"], width=width, height=height)

    charts = [page.locator("svg").nth(place).bounding_box() for place in range(page.locator("svg").count())]
    assert len(charts) == 5
    assert all(box["width"] > 0.5 * width and box["height"] > 50 for box in charts)
    drawn = page.evaluate(
        "[...document.querySelectorAll('svg .line, svg .area, svg .band, svg .bars')]"
        ".map(each => each.getBoundingClientRect()).map(box => box.width > 1)"
    )
    assert len(drawn) >= 12
    assert all(drawn)
    assert page.locator(".fall .bar").count() >= 10


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["holding", "invalid"])
def test_every_text_can_be_read_in_both_schemes(opened, name, scheme):
    """The contrast that WCAG asks of small text."""
    page = opened(PAGES[name], scheme=scheme)

    assert page.evaluate(FAINT) == []


@pytest.mark.slow
def test_dark_mode_turns_text_and_ground_around(opened):
    """Whoever works in the dark is not blinded."""
    grounds = [
        opened(PAGES["holding"], scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]

    assert grounds == ["rgb(255, 255, 255)", "rgb(13, 17, 23)"]


def test_a_stretch_tells_its_figures_when_pointed_at(opened):
    """Without any script: the browser shows the title of what lies under the pointer."""
    page = opened(PAGES["holding"])
    frame = page.locator("svg").first
    box = frame.bounding_box()

    found = page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y).textContent",
        [box["x"] + box["width"] * 0.45, box["y"] + box["height"] / 2],
    )

    assert found.startswith("27 s: 400 planned, 400 answered")


@pytest.mark.slow
def test_every_chart_says_in_words_what_it_shows(opened):
    """For who does not see it; the same figures stand in tables with headers."""
    page = opened(PAGES["several"])

    labels = page.evaluate(
        "[...document.querySelectorAll('svg')].map(each => each.getAttribute('aria-label'))"
    )
    assert all(label and "tables below" in label for label in labels)
    assert page.evaluate("[...document.querySelectorAll('table')].every(each => each.caption)")
    assert page.evaluate("[...document.querySelectorAll('th')].every(each => each.scope)")
    assert page.evaluate("new Set([...document.querySelectorAll('[id]')].map(each => each.id)).size") == 3


@pytest.mark.slow
def test_hostile_names_neither_run_nor_break_the_page(opened):
    """A name that is a script is a text."""
    page = opened({HOSTILE: holding(load=HOSTILE, title=HOSTILE, reasons={HOSTILE: 1})}, width=390)

    assert page.wrongs == []
    assert page.locator("h1").inner_text() == HOSTILE
    assert page.locator("script, img").count() == 0
