"""Pages in a real browser: where it is, at which sizes, and what is wrong with what it shows, measured from inside."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Dialog, Page

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed; `make tools` installs it for root"
)
SIZES = [(1280, 900), (390, 844)]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]

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
CLIPPED = """() => [...document.querySelectorAll('.frame span, .life p, .legend span, h1, h2, h3, p, li, dd, dt, figcaption, caption')]
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

_SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass(slots=True)
class Shown:
    """A page that is open, what it complained of and what it asked for."""

    page: "Page"
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def evaluate(self, script: str, *arguments: Any) -> Any:
        """Return what a script of the test says of the page."""
        return self.page.evaluate(script, *arguments)

    def locator(self, selector: str) -> Any:
        """Return what a selector finds."""
        return self.page.locator(selector)

    @property
    def wrongs(self) -> list[str]:
        """Return what is wrong with it: complaints, requests but for itself, texts over another or cut, sideways scrolling."""
        sideways = self.evaluate(_SIDEWAYS)
        return [
            *self.complaints,
            *self.requests[1:],
            *self.evaluate(OVERLAPS),
            *self.evaluate(CLIPPED),
            *([f"scrolls {sideways} px sideways"] if sideways > 0 else []),
        ]


class Pages:
    """Opens pages in one browser, each in a context of its own."""

    def __init__(self, browser: "Browser", folder: Path) -> None:
        self._browser = browser
        self._folder = folder
        self._contexts: list[BrowserContext] = []

    def show(self, text: str, *, width: int = 1280, height: int = 900, scheme: Any = "light") -> Shown:
        """Open a page of this text."""
        path = self._folder / "page.html"
        path.write_text(text, encoding="utf-8")
        return self.open(path, width=width, height=height, scheme=scheme)

    def open(
        self,
        path: Path,
        *,
        width: int = 1280,
        height: int = 900,
        scheme: Any = "light",
        anchor: str = "",
        scripts: bool = True,
    ) -> Shown:
        """Open a page that is there, without its scripts where nobody would run them."""
        context = self._browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=scripts
        )
        self._contexts.append(context)
        shown = Shown(context.new_page())
        shown.page.on("console", lambda message: shown.complaints.append(message.text))
        shown.page.on("pageerror", lambda error: shown.complaints.append(str(error)))
        shown.page.on("dialog", lambda dialog: _refuse(dialog, complaints=shown.complaints))
        shown.page.on("request", lambda request: shown.requests.append(request.url))
        shown.page.goto(path.as_uri() + (f"#{anchor}" if anchor else ""))
        return shown

    def close(self) -> None:
        """Close them all."""
        for context in self._contexts:
            context.close()


def _refuse(dialog: "Dialog", *, complaints: list[str]) -> None:
    complaints.append(dialog.message)
    dialog.dismiss()
