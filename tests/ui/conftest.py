"""One browser for all tests of a page: while it runs, nobody else can run an event loop."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.ui.browsing import ARGUMENTS, CHROMIUM, Pages


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Give one headless Chromium."""
    home = tmp_path_factory.mktemp("home")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=ARGUMENTS, env={**os.environ, "HOME": str(home)}
        )
        yield started
        started.close()


@pytest.fixture
def pages(browser: Browser, tmp_path: Path) -> Iterator[Pages]:
    """Open pages, and close them after the test."""
    opened = Pages(browser, tmp_path)
    yield opened
    opened.close()
