"""The page of an experiment in a real browser: drawn, readable at any width and in the dark, nothing fetched or run."""

import pytest
from tests.ui.browsing import FAINT, SIZES, needs_chromium
from tests.ui.experiments_shown import hostile, mismatched, reported, simulated

from opsctl.ui.experiment_page import render_experiment_page, render_index

pytestmark = needs_chromium

PAGES = {
    "shipped": render_experiment_page(reported()),
    "mismatched": render_experiment_page(mismatched()),
    "simulated": render_experiment_page(simulated()),
    "hostile": render_experiment_page(hostile()),
    "index": render_index([reported(), simulated(), hostile()]),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "width", "height"),
    [
        *(("simulated", *size) for size in SIZES),
        ("hostile", *SIZES[0]),
        *(("index", *size) for size in SIZES),
    ],
)
def test_the_page_is_drawn_whole_and_fetches_nothing(pages, name, width, height):
    """No complaint, no request but the page itself, no text over another or cut, no sideways scrolling."""
    page = pages.show(PAGES[name], width=width, height=height)

    assert page.wrongs == []
    assert len(page.requests) == 1


def test_lifts_units_and_regret_are_drawn(pages):
    """A chart for each metric, one of units, one of regret, each with its lines."""
    page = pages.show(PAGES["simulated"])

    boxes = [page.locator("svg").nth(place).bounding_box() for place in range(page.locator("svg").count())]
    assert len(boxes) == 5
    assert all(box["width"] > 500 and box["height"] > 100 for box in boxes)
    assert page.locator(".forest .dot").count() == 3


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(pages, scheme):
    """By day and by night."""
    page = pages.show(PAGES["simulated"], scheme=scheme)

    assert page.evaluate(FAINT) == []
