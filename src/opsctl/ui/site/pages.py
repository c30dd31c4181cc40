"""Which files does the site consist of: each page by its name, made one after the other so that few are held at once."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from opsctl import assets
from opsctl.ui.reports import render_report
from opsctl.ui.site.alerts_page import alerts
from opsctl.ui.site.benchmarks_page import benchmarks
from opsctl.ui.site.chapters import OUTLINES, PAGES
from opsctl.ui.site.costs_page import costs
from opsctl.ui.site.drills_page import drills
from opsctl.ui.site.evidence_page import evidence_values
from opsctl.ui.site.experiments_page import experiments
from opsctl.ui.site.facts import Facts
from opsctl.ui.site.headline import headline_of
from opsctl.ui.site.index_page import index_values
from opsctl.ui.site.layout import Chapter
from opsctl.ui.site.library import Library, library_of, page_name
from opsctl.ui.site.recovery_page import recovery
from opsctl.ui.site.security_page import security

CHAPTERS: Mapping[str, Callable[[Facts, Library], Chapter]] = {
    "benchmarks": benchmarks,
    "alerts": alerts,
    "drills": drills,
    "recovery": recovery,
    "experiments": experiments,
    "costs": costs,
    "security": security,
}


def site_pages(facts: Facts) -> Iterator[tuple[str, str]]:
    """Yield path and text of every page; the same facts give the same bytes, and every text is escaped."""
    library = library_of(facts)
    yield "index.html", _render("index", facts, **index_values(facts, library))
    for outline in OUTLINES:
        chapter = CHAPTERS[outline.name](facts, library)
        yield f"{outline.name}.html", _render("chapter", facts, current=outline.name, chapter=chapter)
    script = _script()
    for number in range(1, len(library.shelves) + 1):
        yield (
            f"{page_name(number)}.html",
            _render(
                "evidence",
                facts,
                script=script,
                script_digest=_digest(script),
                **evidence_values(facts, library, number=number),
            ),
        )


def _render(template: str, facts: Facts, **values: Any) -> str:
    return render_report(
        f"site/{template}.html.j2",
        **{
            "current": template,
            "pages": PAGES,
            "project": facts.project,
            "built": f"{facts.now:%Y-%m-%d %H:%M} UTC",
            "is_trusted": facts.is_trusted,
            "broken_because": facts.verification.findings[0].title if facts.verification.findings else "",
            "ready": headline_of(facts).standing,
        }
        | values,
    )


def _script() -> str:
    """Return the one script of the site: it filters records, and needs nothing but the page."""
    return (assets.templates() / "reports" / "site" / "filter.js").read_text(encoding="utf-8")


def _digest(script: str) -> str:
    """Return what a policy allows a script by, so that no other runs."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
