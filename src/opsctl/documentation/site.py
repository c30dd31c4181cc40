"""What is in a built site: how many pages and links, which lead nowhere, and what does it ask of other hosts?"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

# Of each element: the attribute by which a browser fetches something while it shows the page.
_FETCHED = {
    "script": "src",
    "img": "src",
    "source": "src",
    "iframe": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
}
_NOT_FETCHED = frozenset({"canonical", "next", "prev", "alternate", "edit"})
_URL_IN_CSS = re.compile(r"url\(\s*['\"]?(?P<url>[^'\")]+)|@import\s+['\"](?P<imported>[^'\"]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that is wrong in a page of the site."""

    page: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLook:
    """What a site consists of, and what is wrong with it."""

    pages: int
    links: int
    dead: tuple[Trouble, ...]
    outside: tuple[Trouble, ...]


def look_at_site(files: Mapping[str, bytes]) -> SiteLook:
    """Return what is in the files of a site, by their paths.

    A link within the site is dead where no file is at its end, or the page there has no such anchor.
    """
    pages = {path: _Page.of(data) for path, data in files.items() if path.endswith(".html")}
    links = [(path, link) for path, page in sorted(pages.items()) for link in page.links]
    return SiteLook(
        pages=sum(path != "404.html" for path in pages),
        links=len(links),
        dead=tuple(
            Trouble(page=path, what=link)
            for path, link in links
            if path != "404.html" and _is_dead(link, page=path, files=files, pages=pages)
        ),
        outside=tuple(_asked_of_others(files, pages)),
    )


class _Page(HTMLParser):
    """The links, anchors and fetched addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.fetched: list[str] = []

    @classmethod
    def of(cls, data: bytes) -> "_Page":
        page = cls()
        page.feed(data.decode(errors="replace"))
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and not _NOT_FETCHED & set(given.get("rel", "").split()):
            self.fetched.append(given.get("href", ""))
        if tag in _FETCHED and given.get(_FETCHED[tag]):
            self.fetched.append(given[_FETCHED[tag]])
        self.fetched += [each.split()[0] for each in given.get("srcset", "").split(",") if each.strip()]
        self.fetched += _urls_of_css(given.get("style", ""))


def _is_dead(link: str, *, page: str, files: Mapping[str, bytes], pages: Mapping[str, _Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return False  # elsewhere: whether it is there changes by the hour, and no build should ask
    target = (
        posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(parts.path)))
        if parts.path
        else page
    )
    if parts.path.endswith("/") or target == ".":
        target = posixpath.normpath(posixpath.join(target, "index.html"))
    if target not in files:
        return True
    anchor = unquote(parts.fragment)
    return bool(anchor) and target in pages and anchor not in pages[target].anchors


def _asked_of_others(files: Mapping[str, bytes], pages: Mapping[str, _Page]) -> Iterator[Trouble]:
    for path, page in sorted(pages.items()):
        yield from (Trouble(page=path, what=url) for url in page.fetched if _is_outside(url))
    for path, data in sorted(files.items()):
        if path.endswith(".css"):
            urls = _urls_of_css(data.decode(errors="replace"))
            yield from (Trouble(page=path, what=url) for url in urls if _is_outside(url))


def _urls_of_css(text: str) -> list[str]:
    return [found["url"] or found["imported"] for found in _URL_IN_CSS.finditer(text)]


def _is_outside(url: str) -> bool:
    """Tell whether an address is of another host; `data:` is in the page itself.

    >>> [_is_outside(each) for each in ("a.css", "https://x.example/a.css", "//x.example/a.css", "data:image/svg+xml;x")]
    [False, True, True, False]
    """
    parts = urlsplit(url)
    return bool(parts.netloc) or parts.scheme in ("http", "https", "ftp")
