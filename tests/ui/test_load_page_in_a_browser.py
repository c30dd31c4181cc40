"""The page of load runs in a real browser: drawn, readable at any width and in the dark, and nothing fetched or run."""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright
from tests.bench.load.reports import HOSTILE, empty, holding, invalid, missing

from opsctl.ui.load_page import render_load_page

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed; `make tools` installs it for root"
)

PAGES = {
    "holding": {"20261122T120000-standard": holding()},
    "missing": {"20261122T130000-standard": missing(stall=(0, 0), error_share=0.0)},
    "invalid": {"x": invalid(load="standard_load_of_feeds_with_a_long_name", title="A long title " * 12)},
    "empty": {"e": empty()},
    "several": {"a": holding(), "b": missing(seed=2, slower=1.4), "c": invalid(seed=3, rate=60)},
}
SIZES = [(1280, 900), (390, 844)]

# Texts that share room with another text, of those that are placed by coordinates.
OVERLAPS = """() => [...document.querySelectorAll('.frame')].flatMap(frame => {
  const seen = [...frame.querySelectorAll('span')].filter(each => getComputedStyle(each).display !== 'none')
    .map(each => [each.textContent, each.getBoundingClientRect()]);
  return seen.flatMap(([text, box], place) => seen.slice(place + 1)
    .filter(([, other]) => Math.min(box.right, other.right) - Math.max(box.left, other.left) > 1
      && Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top) > 1)
    .map(([other]) => text + ' / ' + other));
})"""

# Texts that end outside the window, tables apart, which scroll in their own room.
CLIPPED = """() => [...document.querySelectorAll('.frame span, h1, h2, h3, p, li, dd, dt, figcaption, caption')]
  .filter(each => !each.closest('.wide') && getComputedStyle(each).display !== 'none')
  .filter(each => { const box = each.getBoundingClientRect();
    return box.width && (box.left < -1 || box.right > document.documentElement.clientWidth + 1
      || (each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0 && getComputedStyle(each).display !== 'inline')); })
  .map(each => each.textContent.trim().slice(0, 60))"""

# Contrast of every text with what is behind it, by WCAG 2: below 4.5 is hard to read.
FAINT = """() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => { const [r, g, b] = parts(colour).map(value => { const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = each => { for (let at = each; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor; if (parts(colour)[3] !== 0) return colour; }
    return 'rgb(255, 255, 255)'; };
  return [...document.querySelectorAll('main *')]
    .filter(each => [...each.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())
      && !each.closest('svg') && each.getBoundingClientRect().width)
    .map(each => { const [a, b] = [light(getComputedStyle(each).color), light(ground(each))].sort((x, y) => y - x);
      return [each.textContent.trim().slice(0, 40), (a + 0.05) / (b + 0.05)]; })
    .filter(([, ratio]) => ratio < 4.5);
}"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Give one headless Chromium for all tests of this file."""
    home = tmp_path_factory.mktemp("home")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
            env={**os.environ, "HOME": str(home)},
        )
        yield started
        started.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Open a page, and keep what it complained of and asked for."""
    contexts = []

    def open_page(reports, *, width=1280, height=900, scheme="light"):
        path = tmp_path / "page.html"
        path.write_text(render_load_page(reports), encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.complaints, page.requests = [], []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (page.complaints.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_page_is_drawn_whole_and_fetches_nothing(opened, name, width, height):
    """No complaint, no request but the page itself, no text over another or cut, no sideways scrolling."""
    page = opened(PAGES[name], width=width, height=height)

    assert page.complaints == []
    assert len(page.requests) == 1
    assert page.evaluate(OVERLAPS) == []
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["holding", "invalid"])
def test_every_text_can_be_read_in_both_schemes(opened, name, scheme):
    """The contrast that WCAG asks of small text."""
    page = opened(PAGES[name], scheme=scheme)

    assert page.evaluate(FAINT) == []


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


def test_hostile_names_neither_run_nor_break_the_page(opened):
    """A name that is a script is a text."""
    page = opened({HOSTILE: holding(load=HOSTILE, title=HOSTILE, reasons={HOSTILE: 1})}, width=390)

    assert page.complaints == []
    assert len(page.requests) == 1
    assert page.locator("h1").inner_text() == HOSTILE
    assert page.locator("script, img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
