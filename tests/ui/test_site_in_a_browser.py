"""The site of the documentation in a real browser: nothing is asked of another host, nothing is cut, search finds."""

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.ui.browsing import SIZES, needs_chromium

from opsctl import assets
from opsctl.clients.mkdocs import build_site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = needs_chromium
PAGES = ["index.html", "openapi.html", "incidents/index.html"]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build the site, and serve it on loopback."""
    folder = tmp_path_factory.mktemp("site")
    answer = build_site(assets.root() / "mkdocs.yml", out=folder)
    assert answer.is_built, answer.text
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def _open(
    browser: "Browser", address: str, path: str, *, size: tuple[int, int], scheme: Any
) -> tuple["Page", list[str]]:
    """Open a page, and return it with everything that is wrong: complaints, and requests of another host."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page, wrongs = context.new_page(), list[str]()
    page.on("console", lambda message: wrongs.append(message.text))
    page.on("pageerror", lambda error: wrongs.append(str(error)))
    page.on(
        "request", lambda request: None if request.url.startswith(address) else wrongs.append(request.url)
    )
    page.goto(f"{address}/{path}")
    page.wait_for_timeout(100)  # for what is asked once the page stands
    return page, wrongs


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=["wide", "phone"])
def test_pages_are_whole_and_ask_nobody_else(
    browser: "Browser", address: str, size: tuple[int, int], scheme: str
):
    """In both sizes, and in both schemes; the dark one is dark."""
    for path in PAGES:
        page, wrongs = _open(browser, address, path, size=size, scheme=scheme)
        sideways = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")

        assert (wrongs, sideways) == ([], 0), path
        assert (sum(ground[:3]) < 3 * 128) == (scheme == "dark"), (path, ground)
        page.context.close()


@pytest.mark.slow
def test_search_finds_a_page_without_leaving_the_house(browser: "Browser", address: str):
    """The index and its program come along."""
    page, wrongs = _open(browser, address, "index.html", size=SIZES[0], scheme="light")

    page.locator("input.md-search__input").click()
    page.locator("input.md-search__input").press_sequentially("tabletop drill")
    page.wait_for_selector(".md-search-result__item")
    found = page.locator(".md-search-result__link").evaluate_all("each => each.map(link => link.href)")

    assert any("incidents/tabletop.html" in link for link in found)
    assert wrongs == []
    page.context.close()


def test_the_numbers_of_steps_are_those_of_the_runbook(browser: "Browser", address: str):
    """`opsctl runbooks run NAME --step 5` is the page's 5, though code stands between the steps."""
    page, _ = _open(browser, address, "runbooks/high_error_rate.html", size=SIZES[0], scheme="light")
    text = (Path(assets.root()) / "docs" / "runbooks" / "high_error_rate.md").read_text(encoding="utf-8")
    steps = [line for line in text.splitlines() if line[:1].isdigit() and ". " in line[:4]]

    shown = page.locator(".md-content ol").evaluate_all("each => each.map(list => list.start)")

    assert shown == [int(step.partition(".")[0]) for step in steps]
    page.context.close()
