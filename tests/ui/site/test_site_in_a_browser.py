"""The site in a real browser: drawn, readable at any width, in the dark and by keyboard, and nothing leaves the folder."""

import re
from pathlib import Path

import pytest
from tests.ui.browsing import FAINT, needs_chromium
from tests.ui.site.records import EXPECTED, HOSTILE, Book, broken, everything, proof, with_checklist

from opsctl.evidence.model import Verdict
from opsctl.ui.site.chapters import OUTLINES, PAGES
from opsctl.ui.site.facts import Facts
from opsctl.ui.site.pages import site_pages

pytestmark = needs_chromium

NAMES = [name for name, _ in PAGES]

# As FAINT, of the whole page with its navigation, and of controls.
FAINT_ANYWHERE = FAINT.replace("'main *'", "'body *'")

# What is focused now: its text, and how wide the outline is that shows it.
FOCUSED = """() => { const each = document.activeElement; const style = getComputedStyle(each);
  const box = each.getBoundingClientRect();
  return { tag: each.tagName, text: (each.textContent || each.id).trim().slice(0, 40), outline: style.outlineStyle === 'none' ? 0
    : parseFloat(style.outlineWidth), isSeen: box.width > 0 && box.right > 0 && box.bottom > 0 }; }"""

# Cells of tables that end outside the window.
CUT_CELLS = """() => [...document.querySelectorAll('.table th, .table td, .table small')]
  .filter(each => getComputedStyle(each).display !== 'none' && !each.closest('thead'))
  .filter(each => { const box = each.getBoundingClientRect();
    return box.width > 2 && (box.right > document.documentElement.clientWidth + 1 || each.scrollWidth > each.clientWidth + 2); })
  .filter(each => getComputedStyle(each).display !== 'inline')
  .map(each => each.textContent.trim().slice(0, 40))"""


def write(folder: Path, facts: Facts) -> Path:
    """Write the site of these facts."""
    folder.mkdir()
    for path, text in site_pages(facts):
        (folder / path).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    """Give a site with something of every chapter, one of nothing, one of a broken ledger, one of hostile texts."""
    root = tmp_path_factory.mktemp("sites")
    full = with_checklist(everything()).facts(expected=EXPECTED)
    hostile = Book()
    for outline in OUTLINES:
        for kind in (*outline.kinds, *outline.single):
            hostile.add(
                proof(kind, HOSTILE * 3, Verdict.FAIL, figures={"reasons": HOSTILE * 9}, simulated=(HOSTILE,))
            )
    return {
        "full": write(root / "full", full),
        "nothing": write(root / "nothing", Book().facts()),
        "broken": write(root / "broken", broken(full)),
        "hostile": write(root / "hostile", hostile.facts(project=HOSTILE)),
    }


@pytest.fixture
def opened(pages, folders):
    """Open a page of a site."""
    return lambda name, site="full", **how: pages.open(folders[site] / f"{name}.html", **how)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_drawn_whole_and_fetches_nothing(opened, name):
    """No complaint, no request but the page itself, no text over another or cut, no sideways scrolling."""
    page = opened(name)

    assert page.wrongs == []
    assert len(page.requests) == 1


@pytest.mark.slow
@pytest.mark.parametrize("site", ["nothing", "broken", "hostile"])
@pytest.mark.parametrize("name", ["index", "drills", "evidence"])
def test_so_is_a_site_of_nothing_of_a_broken_ledger_and_of_hostile_texts(opened, site, name):
    """On a phone, where room is short; nothing of what came from outside runs."""
    page = opened(name, site, width=390, height=844)

    assert page.wrongs == []
    assert len(page.requests) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_so_it_is_on_a_phone_where_tables_are_cards_and_nothing_of_them_is_cut(opened, name):
    """Each figure has its name beside it, and whoever reads need not scroll to the side."""
    page = opened(name, width=390, height=844)

    assert page.wrongs == []
    assert len(page.requests) == 1
    assert page.evaluate(CUT_CELLS) == []
    names = page.evaluate(
        "() => [...document.querySelectorAll('.table td[data-name]')].map(each => getComputedStyle(each, '::before').content)"
    )
    assert all(re.fullmatch(r'".+"', each) for each in names)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_in_both_schemes(opened, scheme):
    """The contrast that WCAG AA asks of small text, of every page, and of the warning on each page of a broken ledger."""
    faint = {name: opened(name, scheme=scheme).evaluate(FAINT_ANYWHERE) for name in NAMES}

    assert faint == {name: [] for name in NAMES}
    assert opened("costs", "broken", scheme=scheme).evaluate(FAINT_ANYWHERE) == []


@pytest.mark.slow
def test_dark_mode_turns_text_and_ground_around(opened):
    """Whoever works in the dark is not blinded."""
    grounds = [
        opened("index", scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]

    assert grounds == ["rgb(255, 255, 255)", "rgb(13, 17, 23)"]


@pytest.mark.slow
def test_whoever_clicks_through_the_site_never_leaves_its_folder(opened, folders):
    """From the first page through every chapter, and on to a record, which is open when one arrives."""
    page = opened("index")
    for name, title in PAGES:
        page.page.click(f"nav >> text='{title}'")
        assert page.page.url == (folders["full"] / f"{name}.html").as_uri()
        assert page.page.locator("nav a[aria-current]").inner_text() == title
    page.page.click("nav >> text='Checklist'")
    page.page.click("#checklist ~ p a")

    assert page.page.locator("details[open]").count() == 1
    assert "checklist.run" in page.page.locator("details[open] summary").inner_text()
    assert page.complaints == []
    inside = folders["full"].as_uri()
    assert all(request.startswith(inside) for request in page.requests)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["index", "benchmarks", "evidence"])
def test_whoever_has_only_a_keyboard_sees_where_they_are(opened, name):
    """The first stop skips the navigation; every stop has an outline, and there is no trap."""
    page = opened(name)
    stops = []
    for _ in range(14):
        page.page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUSED))

    assert stops[0]["text"] == "To the content"
    assert all(each["outline"] >= 2 and each["isSeen"] for each in stops if each["tag"] != "BODY"), stops
    assert [each["text"] for each in stops[1:10]] == [title for _, title in PAGES]


def test_the_record_opens_by_the_keyboard(opened):
    """As any part that folds."""
    page = opened("evidence")
    page.page.locator(".record summary").first.focus()
    page.page.keyboard.press("Enter")

    assert page.page.locator("details[open]").count() == 1
    assert page.page.locator("details[open] .method").first.is_visible()


@pytest.mark.slow
def test_records_are_filtered_by_words_verdict_and_what_counts(opened):
    """And how many are left is said."""
    page = opened("evidence")
    shown = page.page.locator(".record:visible")
    everything_there = shown.count()

    page.page.fill("#words", "vectors_down")
    assert {text.split()[1] for text in shown.locator("summary").all_inner_texts()} <= {
        "chaos.drill",
        "alerts.prove",
    }
    assert 0 < shown.count() < everything_there
    assert page.page.locator("#found").inner_text() == f"{shown.count()} of {everything_there} on this page"

    page.page.fill("#words", "")
    page.page.select_option("#verdict", "fail")
    assert all("failed" in text for text in shown.locator("summary").all_inner_texts())
    assert shown.count() > 0

    page.page.select_option("#verdict", "")
    page.page.check("#counting")
    assert not any("stale" in text for text in shown.locator("summary").all_inner_texts())
    assert 0 < shown.count() < everything_there
    assert page.complaints == []


@pytest.mark.slow
def test_in_a_broken_ledger_no_record_counts_today(opened):
    """The filter says the same as the page."""
    page = opened("evidence", "broken")
    page.page.check("#counting")

    assert page.page.locator(".record:visible").count() == 0


@pytest.mark.slow
def test_without_scripts_every_record_is_there(opened):
    """And a form that would do nothing is not."""
    page = opened("evidence", scripts=False)

    assert page.page.locator("#filter").is_hidden()
    assert page.page.locator(".record").first.is_visible()
    page.page.locator(".record summary").first.click()
    assert page.page.locator("details[open]").count() == 1


@pytest.mark.slow
def test_charts_of_trends_have_an_extent_and_points(opened):
    """A point for each run, as round as it was meant."""
    page = opened("benchmarks")
    charts = page.page.locator("figure.plot svg")

    boxes = [charts.nth(place).bounding_box() for place in range(charts.count())]
    assert len(boxes) == 3
    assert all(box["width"] > 200 and box["height"] > 80 for box in boxes)
    assert page.page.locator("svg .dots").count() == 5
