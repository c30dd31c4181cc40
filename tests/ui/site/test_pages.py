"""The site as text: whole, the same for the same facts, escaped, tolerant of odd figures, and every link leads somewhere."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ui.site.records import (
    EXPECTED,
    HOSTILE,
    NOW,
    Book,
    broken,
    checklist,
    costs,
    everything,
    item,
    proof,
    with_checklist,
)

from opsctl.evidence.model import Verdict
from opsctl.ui.site.chapters import OUTLINES, PAGES
from opsctl.ui.site.facts import Facts
from opsctl.ui.site.library import RECORDS_A_PAGE
from opsctl.ui.site.pages import CHAPTERS, site_pages

KINDS = sorted(
    {kind for outline in OUTLINES for kind in (*outline.kinds, *outline.single)} | {"checklist.run"}
)


def built(facts: Facts) -> dict[str, str]:
    """Return the site."""
    return dict(site_pages(facts))


def text_of(page: str) -> str:
    """Return the words of a page."""
    main = page.replace("<wbr>", "").partition("<main")[2].partition("</main>")[0].partition(">")[2]
    return re.sub(
        r"\s+", " ", re.sub(r"<[^>]*>", " ", re.sub(r"<script>.*?</script>", "", main, flags=re.DOTALL))
    )


@pytest.fixture(scope="module")
def full() -> Facts:
    """Give facts with something of every chapter."""
    return with_checklist(everything()).facts(expected=EXPECTED)


@pytest.fixture(scope="module")
def site(full) -> dict[str, str]:
    """Give the site of these."""
    return built(full)


@pytest.fixture
def book() -> Book:
    """Give an empty ledger."""
    return Book()


def test_every_chapter_of_the_navigation_is_written(site):
    """And nothing else."""
    assert sorted(site) == sorted(f"{name}.html" for name, _ in PAGES)
    assert list(CHAPTERS) == [outline.name for outline in OUTLINES]


def test_the_same_facts_give_the_same_bytes(full, site):
    """Byte for byte."""
    assert built(full) == site


class _Links(HTMLParser):
    """Collects ids and links of a page, and what is opened and never closed."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag, attrs):
        """Remember it."""
        values = dict(attrs)
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "a":
            self.links.append(values["href"])
        if "src" in values or tag == "link":
            self.sources.append(tag)
        if tag not in {"meta", "input", "col", "br", "wbr"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        """Pass over what closes itself."""

    def handle_endtag(self, tag):
        """Close it."""
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def read(page: str) -> _Links:
    """Return what a page has."""
    links = _Links()
    links.feed(page)
    return links


def test_every_link_leads_to_a_place_that_is_there(site):
    """Pages, and places on them; nothing is fetched from anywhere; all that is opened is closed; no id comes twice."""
    seen = {name: read(page) for name, page in site.items()}

    for name, links in seen.items():
        assert (links.wrong, links.open, links.sources) == ([], [], []), name
        assert len(links.ids) == len(set(links.ids)), name
        for link in links.links:
            target, _, anchor = link.partition("#")
            assert (target or name) in seen, (name, link)
            assert not anchor or anchor in seen[target or name].ids, (name, link)


def test_no_page_names_another_host_or_an_absolute_path(site):
    """It can be copied anywhere, and tells nothing of the machine that it was made on."""
    for page in site.values():
        assert "://" not in page
        assert "/tmp" not in page  # noqa: S108
        assert "@import" not in page


def test_only_the_pages_of_records_run_a_script_and_only_that_one(site):
    """By its digest."""
    for name, page in site.items():
        allowed = "script-src 'sha256-" in page
        assert allowed == name.startswith("evidence")
        assert page.count("<script") == (1 if allowed else 0)
        assert "default-src 'none'" in page


def test_the_first_page_looks_as_it_did(site, snapshot):
    """With an item of each state, next steps and chapters."""
    assert site["index.html"].partition("<main")[2] == snapshot


@pytest.mark.parametrize("name", [outline.name for outline in OUTLINES])
def test_a_chapter_says_what_it_said(site, snapshot, name):
    """Every figure of it, as words."""
    assert text_of(site[f"{name}.html"]) == snapshot


def test_without_evidence_every_chapter_says_so_and_how_to_get_some(book):
    """No section is silently empty."""
    site = built(book.facts())

    for outline in OUTLINES:
        text = text_of(site[f"{outline.name}.html"])
        assert "No evidence yet." in text
        assert f"{outline.command.split(' --')[0]}" in text, outline.name
    assert "Not ready: the checklist was never run" in site["index.html"]
    assert "opsctl checklist run --refresh" in site["index.html"]


def test_a_broken_ledger_is_told_at_the_top_of_every_page_and_nothing_passes(full):
    """Neither in tables nor in tiles nor in the corner."""
    site = built(broken(full))

    for name, page in site.items():
        assert "The evidence ledger is broken: record" in page, name
        assert "Nothing on this page counts as passed" in page
        assert "</span> passed</span>" not in page, name
        assert "</span> kept</span>" not in page, name
        assert "</span> ready</span>" not in page
    assert "Broken" in text_of(site["evidence.html"])


def test_stale_evidence_says_stale(full):
    """A year later nothing passes any more."""
    later = built(replace(full, now=NOW + timedelta(days=800)))

    for outline in OUTLINES:
        assert "</span> passed</span>" not in later[f"{outline.name}.html"], outline.name
    assert "stale, passed then" in later["security.html"]
    assert "stale, passed then" in later["drills.html"]


def test_what_came_from_outside_is_shown_as_text(book):
    """Subjects, kinds, figures, inputs, tools, reasons, commands, titles."""
    for kind in KINDS:
        book.add(
            proof(
                kind,
                HOSTILE,
                Verdict.FAIL,
                figures={HOSTILE: HOSTILE, "reasons": HOSTILE, "problems": HOSTILE, "outcome": HOSTILE,
                         "effects": {HOSTILE: HOSTILE}, "units": {HOSTILE: 4}, "policies": {HOSTILE: {}},
                         "points": {HOSTILE: {"parts": {HOSTILE: 1}}}, "unverified_prices": [HOSTILE],
                         "budgets": [{"name": HOSTILE, "value": 1, "limit": 1, "ok": False}],
                         "checks": [{"code": HOSTILE, "title": HOSTILE, "reason": HOSTILE, "owasp": HOSTILE}],
                         "gates": f"{HOSTILE}: pass"},
                inputs={HOSTILE: HOSTILE},
                tools={HOSTILE: HOSTILE},
                simulated=(HOSTILE,),
                git_commit=HOSTILE,
            )
        )  # fmt: skip
    book.add(proof("security.audit", "project", figures={"checks": [{"title": HOSTILE, "state": HOSTILE}]}))
    hostile = item(HOSTILE, "fail", title=HOSTILE, group=HOSTILE, reason=HOSTILE, next=HOSTILE, figure=HOSTILE,
                   code=HOSTILE, target=HOSTILE, evidence=[HOSTILE], simulated_parts=[HOSTILE],
                   waiver={"account": HOSTILE, "reason": HOSTILE, "expires_at": HOSTILE})  # fmt: skip
    book.add(checklist(hostile))

    site = built(book.facts(project=HOSTILE))

    for name, page in site.items():
        without_ours = (
            re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
            if name.startswith("evidence")
            else page
        )
        assert "<script" not in without_ours, name
        assert "&lt;script&gt;alert(1)" in page, name
        assert "49" not in re.findall(r"\{\{.*?\}\}", page)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**400), 10**400) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
NAMES = [
    "items",
    "checks",
    "budgets",
    "points",
    "parts",
    "counts",
    "effects",
    "units",
    "reasons",
    "certificate",
    "policies",
    "outcome",
    "arm",
    "gates",
    "figures",
    "lift",
    "response.p99_ms",
    "achieved_rate",
    "error_rate",
    "hit_ratio",
    "measured_seconds",
    "allowed_seconds",
    "rpo_seconds",
    "rto_seconds",
    "lost",
    "availability",
    "spent_minutes",
    "month_usd",
    "reduction_share",
    "unverified_prices",
    "workers_1_passed_requests_per_second",
    "need_requests_per_second",
    "simulated",
    "mutation_score",
    "not_robust",
    "worlds",
    "plain_bytes",
    "missing",
    "control",
    "state",
    "evidence",
    "expires_at",
    "title",
    "group",
    "waiver",
    "signed",
    "severity",
    "owasp",
    "name",
    "value",
    "limit",
    "ok",
]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(
    figures=st.dictionaries(
        st.sampled_from(NAMES),
        JSON | st.lists(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4), max_size=2),
        max_size=8,
    )
)
def test_figures_of_any_shape_make_a_page_and_never_an_error(figures):
    """What another version wrote is a dash, not the end of the report."""
    book = Book()
    for kind in KINDS:
        book.add(proof(kind, "project", figures=figures))
        book.add(proof(kind, "project", figures=figures))

    assert len(built(book.facts())) == len(PAGES)


def test_a_long_ledger_is_cut_with_a_note_and_its_pages_stay_small(book, monkeypatch):
    """The last records, the newest of each subject, and those that the checklist rests on; links to all of them hold."""
    monkeypatch.setattr("opsctl.evidence.survey.MOST_RECENT", 450)
    old = book.add(proof("chaos.drill", "an_old_one"), days_ago=3)
    cited = book.add(proof("bench.load", "overtaken"), days_ago=3)
    for number in range(700):
        book.add(proof("bench.load", "overtaken" if number == 0 else "busy", figures={"run": "x" * 5000}))
    book.add(checklist(item("a", "pass", cited)))

    site = built(book.facts())

    pages = {name: page for name, page in site.items() if name.startswith("evidence")}
    assert sorted(pages) == ["evidence-2.html", "evidence-3.html", "evidence.html"]
    assert "This site holds 453 of 703 records" in text_of(pages["evidence.html"])
    assert all(page.count('<details class="record"') <= RECORDS_A_PAGE for page in pages.values())
    assert all(len(page) < 1_000_000 for page in site.values())
    assert f'id="record-{old.sequence}"' in pages["evidence-3.html"]
    assert f'href="evidence-3.html#record-{cited.sequence}"' in site["index.html"]


def test_a_figure_without_end_is_cut(book):
    """And so is a record with very many."""
    book.add(proof("bench.load", figures={"long": "x" * 100_000} | {f"figure {n}": n for n in range(500)}))

    page = built(book.facts())["evidence.html"]

    assert len(page) < 60_000
    assert "and 441 more figures: <code>opsctl evidence show 1</code>" in page


def test_proofs_of_no_chapter_stand_on_the_first_page(site):
    """Also of kinds that come later; marks in the life of an experiment are no proofs."""
    text = text_of(site["index.html"])

    assert "Proofs beside the chapters Proof State Recorded dashboards.probe dashboards ✔ passed" in text
    assert "experiments.peek" not in text


def test_a_command_that_helps_several_items_is_named_once(book):
    """With all that it helps."""
    book.add(
        checklist(*(item(name, "unknown", next="opsctl bench load standard") for name in ("hits", "errors")))
    )

    page = built(book.facts())["index.html"]

    assert page.count("<pre>opsctl bench load standard</pre>") == 1
    assert "Hits (unknown)<br>Errors (unknown)<pre>" in page


def test_a_part_of_an_audit_is_not_taken_for_the_whole(site):
    """It is newer, and has a subject of its own."""
    assert "Check SEC002" in site["security.html"]
    assert "1 of 4" in text_of(site["security.html"])


def test_alerts_that_were_never_proven_stand_first(site):
    """Then those that failed."""
    text = text_of(site["alerts.html"])

    order = [text.index(name) for name in ("NeverProven", "HighErrorRate", "OldRule", "VectorStoreDown")]
    assert order == sorted(order)
    assert "while nothing was broken, nothing fired in 1 min 0 s" in text.lower()


def test_books_that_cannot_be_read_are_told(book):
    """Otherwise a page without unproven alerts looks complete."""
    facts = book.facts(troubles={"alerts.prove": "`alerts/feed.yaml` is no YAML", "dr.drill": "no book"})

    site = built(facts)

    assert "The alert books cannot be read" in text_of(site["alerts.html"])
    assert "The books of losses cannot be read" in text_of(site["recovery.html"])


def test_a_budget_that_nobody_knows_is_not_kept(book):
    """And one that is kept shows its value beside its limit."""
    book.add(costs())

    text = text_of(built(book.facts())["costs.html"])

    assert "Month at average load ✔ kept $412.50 $500.00" in text
    assert "Reduction ratio at average load ? cannot tell unknown 40.0 %" in text
    assert "Prices that nobody has verified are in it: edge.requests" in text


def test_what_was_simulated_is_labelled_wherever_it_is_shown(site):
    """Also where only the figures of a load say so."""
    assert "standard simulated simulated: scoring model" in text_of(site["benchmarks.html"])
    assert "agents simulated simulated: readers, vendors, time" in text_of(site["experiments.html"])
    assert "Cost simulated" in text_of(site["index.html"])
    assert "bench.load standard simulated" in text_of(site["evidence.html"])
