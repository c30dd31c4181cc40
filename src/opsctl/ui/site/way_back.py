"""How does one get from the page of a single run back to the site?"""

from html import escape

from opsctl.ui.site.chapters import PAGES

_PLACE = "<body>\n"


def with_way_back(page: str, *, chapter: str) -> str:
    """Return a page with a link to its chapter above it; the page lies one folder below the site."""
    before, body, after = page.partition(_PLACE)
    title = dict(PAGES)[chapter]
    link = f'<nav aria-label="Back"><p><a href="../{escape(chapter)}.html">← {escape(title)}</a></p></nav>\n'
    return f"{before}{body}{link}{after}" if body else page
