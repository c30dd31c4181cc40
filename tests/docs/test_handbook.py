"""What the pages for people on call say of alerts, exercises and decisions is what is there."""

import re
from pathlib import Path

from opsctl import assets
from opsctl.alerts.compile import compile_rules
from opsctl.alerts.load import load_alert_books
from opsctl.alerts.target import Target
from opsctl.config.load import load_book
from opsctl.training.book import Exercise

DOCS = Path(__file__).parents[2] / "docs"


def _rows(page: Path, *, after: str) -> list[list[str]]:
    """Return the cells of the first table behind a heading."""
    lines = page.read_text(encoding="utf-8").partition(after)[2].splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith("|"))
    table = []
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return table


def test_the_path_of_training_is_that_of_the_books():
    """In their order, with their titles and pages; the whole takes what is said."""
    books = [
        (path.stem, load_book(path, Exercise)) for path in assets.watching()["ops/training"].glob("*.yaml")
    ]
    books.sort(key=lambda each: each[1].order)
    rows = _rows(DOCS / "training" / "README.md", after="## The path")

    assert [(row[0], row[1]) for row in rows] == [(f"`{name}`", book.title) for name, book in books]
    for (name, book), row in zip(books, rows, strict=True):
        named = {(DOCS / "training" / link).resolve() for link in re.findall(r"\]\(([^)]+)\)", row[2])}
        assert named <= {(DOCS / page).resolve() for page in book.read}, name
    assert 180 <= sum(book.minutes for _, book in books) <= 220, "a good three hours"
    assert f"{len(books)} exercises" == "12 exercises", "the pages say twelve"


def test_severities_name_alerts_that_are_there_and_as_bad_as_said():
    """What wakes somebody is critical in the books, apart from budgets and losses that people declare."""
    rules = compile_rules(load_alert_books(assets.root() / "alerts"), target=Target())
    severities = {alert.name: alert.severity for alert in rules.alerts}
    severities |= {alert.rule: alert.severity for alert in rules.alerts if alert.rule not in severities}
    rows = {
        row[0]: re.findall(r"`(\w+)`", row[2])
        for row in _rows(DOCS / "incidents" / "README.md", after="## Severities")
    }

    assert set(rows) == {"SEV1", "SEV2", "SEV3", "none"}
    named = [name for names in rows.values() for name in names if name != "info"]
    assert len(named) > 12
    assert [name for name in named if name not in severities] == []
    assert {severities[name] for name in rows["SEV1"]} == {"critical"}
    assert {severities[name] for name in rows["SEV3"]} == {"warning"}
    assert {severities[name] for name in rows["none"] if name != "info"} == {"info"}


def test_the_objectives_and_burn_rates_are_those_of_the_books():
    """Figures of a page that people act on are not typed by hand."""
    text = (DOCS / "incidents" / "README.md").read_text(encoding="utf-8")
    book = (assets.root() / "alerts" / "ranking.yaml").read_text(encoding="utf-8")

    objectives = re.findall(r"objective: ([\d.]+)", book)
    factors = re.findall(r"factor: ([\d.]+)", book)
    within = re.search(r"within_seconds: ([\d.]+)", book)
    assert within is not None
    assert all(f"{each} % of feeds" in text for each in objectives)
    assert f"within {1000 * float(within[1]):.0f} ms" in text
    assert {"14.4", "6", "3"} <= set(factors)


def test_every_decision_stands_in_the_table_and_has_all_its_parts():
    """With its title, its date, and in the order of its number."""
    rows = _rows(DOCS / "adr" / "README.md", after="# Decisions")
    pages = sorted((DOCS / "adr").glob("[0-9]*.md"))
    parts = ("Context", "Decision", "What was measured", "Consequences", "When to look again")

    assert len(pages) >= 12
    for number, (page, row) in enumerate(zip(pages, rows, strict=True), start=1):
        text = page.read_text(encoding="utf-8")
        assert page.name.startswith(f"{number:04d}-")
        assert row[0] == f"[{number}]({page.name})"
        assert text.startswith(f"# {number}. {row[1]}\n\nIn force since {row[2]}.\n")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == list(parts)
        assert all(
            len(section.strip()) > 20 for section in re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]
        ), page.name


def test_the_readme_leads_to_the_front_page():
    """And the front page to every folder of pages for people."""
    front = (DOCS / "README.md").read_text(encoding="utf-8")

    assert "](docs/README.md)" in (DOCS.parent / "README.md").read_text(encoding="utf-8")
    for folder in ("adr", "experiments", "incidents", "runbooks", "training"):
        assert f"]({folder}/README.md)" in front
    for guide in (DOCS / "guides").glob("*.md"):
        assert f"](guides/{guide.name})" in front, guide.name
