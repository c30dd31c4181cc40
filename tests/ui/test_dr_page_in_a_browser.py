"""The page of drills of a loss in a real browser: drawn, readable at any width and in the dark, nothing fetched or run."""

import pytest
from tests.dr.drill.drills import HOSTILE, entry, journal, missed, not_back
from tests.ui.browsing import FAINT, SIZES, needs_chromium

from opsctl.dr.drill.journal import Journal
from opsctl.ui.dr_page import render_dr_page

pytestmark = needs_chromium

PAGES = {
    "one": render_dr_page(journal(entry())),
    "missed": render_dr_page(journal(missed())),
    "several": render_dr_page(journal()),
    "nothing": render_dr_page(Journal(run_id="20261129T023000Z", entries=())),
}


@pytest.fixture
def opened(pages):
    """Open the page of a run."""
    return lambda name, **how: pages.show(PAGES[name], **how)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "width", "height"),
    [*(("several", *size) for size in (*SIZES, (800, 900))), ("one", *SIZES[1]), ("nothing", *SIZES[0])],
)
def test_the_page_is_drawn_whole_and_fetches_nothing(opened, name, width, height):
    """No complaint, no request but the page itself, no text over another or cut, no sideways scrolling."""
    page = opened(name, width=width, height=height)

    assert page.wrongs == []
    assert len(page.requests) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_charts_stages_and_commands_have_an_extent(opened, width, height):
    """Three charts, each with the loss, four stages and the commands; the stage that took a moment can be seen."""
    page = opened("one", width=width, height=height)

    boxes = [page.locator("svg").nth(place).bounding_box() for place in range(page.locator("svg").count())]
    assert len(boxes) == 3
    assert all(box["width"] > 0.5 * width and box["height"] > 50 for box in boxes)
    assert page.locator("svg .mark.bad").count() == 3
    assert page.locator("svg .shade").count() == 12
    lane = page.locator(".lane .bar")
    assert lane.count() == 4
    assert all(lane.nth(place).bounding_box()["width"] >= 2 for place in range(4))
    assert page.locator(".life .bar").count() == 2


def test_the_lane_of_stages_stands_on_the_axis_of_the_charts(opened):
    """The loss is at the same place in both."""
    page = opened("one")

    mark = page.locator(".lane .gone").bounding_box()
    line = page.locator("svg .mark.bad").first.bounding_box()
    assert abs((mark["x"] + mark["width"] / 2) - (line["x"] + line["width"] / 2)) < 3


@pytest.mark.slow
def test_a_drill_that_was_not_held_has_no_charts(opened, pages):
    """And a failed command is drawn in red."""
    page = pages.show(render_dr_page(journal(not_back())))

    assert opened("nothing").locator("svg").count() == 0
    assert page.locator(".life .bar.bad").count() == 1


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_in_both_schemes(opened, scheme):
    """The contrast that WCAG asks of small text."""
    assert opened("several", scheme=scheme).evaluate(FAINT) == []


@pytest.mark.slow
def test_what_came_from_outside_is_shown_as_text(opened):
    """Nothing of it runs."""
    page = opened("missed")

    assert page.locator("h2").inner_text() == HOSTILE
    assert page.locator("script").count() == 0
