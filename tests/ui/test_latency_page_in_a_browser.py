"""The latency page in a real browser: drawn, readable on a phone, and nothing fetched from anywhere."""

import html
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.bench.test_registry_and_compare import a_run
from tests.ui.browsing import CHROMIUM, needs_chromium

from opsctl.ui.latency_page import render_latency_page

pytestmark = needs_chromium

# Measures the page from inside and leaves the result where --dump-dom prints it.
PROBE = """<script>
const charts = [...document.querySelectorAll("svg")].map(each => each.getBoundingClientRect());
document.title = JSON.stringify({
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  charts: charts.map(each => [Math.round(each.width), Math.round(each.height)]),
  lines: document.querySelectorAll("svg path, svg polyline").length,
  text: getComputedStyle(document.body).color,
  ground: getComputedStyle(document.documentElement).backgroundColor + getComputedStyle(document.body).backgroundColor,
  fetched: performance.getEntriesByType("resource").length,
});
</script>"""


@pytest.fixture(scope="module")
def page() -> str:
    """Give the page of one run."""
    return render_latency_page({"20261122T120000-au-0000": a_run(queries=400)})


def look(page: str, folder: Path, *, width: int, dark: bool = False) -> dict[str, Any]:
    """Open the page in headless Chromium and return what the probe measured."""
    path = folder / "page.html"
    # The page forbids all scripts; only the measured copy lets the probe run, and still nothing may be fetched.
    opened = page.replace("default-src 'none'", "default-src 'none'; script-src 'unsafe-inline'")
    path.write_text(opened.replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    process = subprocess.run(
        [
            str(CHROMIUM),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={folder / 'profile'}",
            f"--window-size={width},900",
            *(["--blink-settings=preferredColorScheme=0"] if dark else []),
            "--dump-dom",
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=os.environ | {"HOME": str(folder)},
    )
    title = re.search(r"<title>(\{.*?\})</title>", process.stdout, re.DOTALL)
    assert title is not None, process.stdout[:2000]
    measured: dict[str, Any] = json.loads(html.unescape(title[1]))
    return measured


def test_the_curves_are_drawn_and_nothing_is_fetched(page: str, tmp_path: Path):
    """Every chart has an extent and lines in it; the page needs no server and no network."""
    seen = look(page, tmp_path, width=1100)

    assert len(seen["charts"]) == 2
    assert all(width > 400 and height > 200 for width, height in seen["charts"])
    assert seen["lines"] >= 4
    assert seen["fetched"] == 0


def test_the_page_forbids_scripts_and_outside_resources(page: str):
    """Whatever slips into a name, the browser runs and fetches nothing."""
    assert "default-src 'none'; style-src 'unsafe-inline'" in page


def test_the_page_fits_a_narrow_window(page: str, tmp_path: Path):
    """On a phone the page does not scroll sideways."""
    assert look(page, tmp_path, width=500)["overflow"] <= 0


@pytest.mark.slow
def test_dark_mode_turns_text_and_ground_around(page: str, tmp_path: Path):
    """Whoever works in the dark is not blinded."""
    light, dark = look(page, tmp_path, width=800), look(page, tmp_path, width=800, dark=True)

    assert light["text"] != dark["text"]
    assert light["ground"] != dark["ground"]
