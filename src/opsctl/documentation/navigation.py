"""Which pages do `folder/*`, and `*` for those of no folder, stand for in the navigation of the site? MkDocs calls this module as a hook."""

import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Write out `folder/*` in the navigation before MkDocs reads it."""
    config.nav = written_out(config.nav, pages_in(Path(config.docs_dir)))
    return config


def pages_in(folder: Path) -> list[str]:
    """Return the pages below a folder, as the navigation names them."""
    return sorted(page.relative_to(folder).as_posix() for page in folder.rglob("*.md"))


def written_out(nav: Any, pages: list[str]) -> Any:
    """Return a navigation in which `folder/*` has become the pages of the folder that nothing else names.

    >>> written_out([{"Guides": ["guides/first.md", "guides/*"]}], ["a.md", "guides/first.md", "guides/second.md"])
    [{'Guides': ['guides/first.md', 'guides/second.md']}]
    """
    named = set(_named(nav))
    return _expanded(nav, [page for page in pages if page not in named])


def _named(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
        return
    for each in nav.values() if isinstance(nav, dict) else nav:
        yield from _named(each)


def _expanded(nav: Any, free: list[str]) -> Any:
    if isinstance(nav, dict):
        return {title: _expanded(each, free) for title, each in nav.items()}
    if not isinstance(nav, list):
        return nav
    expanded: list[Any] = []
    for each in nav:
        if isinstance(each, str) and posixpath.basename(each) == "*":
            folder = posixpath.dirname(each)
            expanded += [page for page in free if posixpath.dirname(page) == folder]
        else:
            expanded.append(_expanded(each, free))
    return expanded
