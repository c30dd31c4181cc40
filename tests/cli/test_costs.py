"""Whole commands of `opsctl costs`: an estimate out of evidence, its verdict, and what it writes."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from syrupy.assertion import SnapshotAssertion
from tests.cli.command import Outcome, run_opsctl

from opsctl.core.clock import SystemClock
from opsctl.evidence.ledger import Ledger
from opsctl.evidence.model import Evidence, Verdict
from opsctl.ui.costs_markdown import BEGIN, END

QUANTITIES = {
    "service_cpu_hit": 0.0002,
    "service_cpu_made": 0.0093,
    "vectors_cpu_made": 0.0036,
    "database_cpu_made": 0.0017,
    "service_memory": 180_000_000,
    "database_memory": 120_000_000,
    "scored_a_feed": 20.8,
    "items_a_call": 36.0,
    "prompt_tokens": 130.0,
    "item_tokens": 81.0,
    "score_tokens": 6.2,
    "answer_bytes": 9_000,
    "database_bytes_sent": 21_000,
    "item_row_bytes": 4_000,
    "decision_bytes": 2_000,
    "vector_disk_bytes": 5_000,
    "log_bytes_made": 900,
    "series": 1_400,
    "embedding_cpu": 0.0001,
    "embedding_tokens": 60.0,
}


class Shop:
    """A project with the starter books, whose ledger holds what was measured."""

    def __init__(self, root: Path) -> None:
        self.root = root
        run_opsctl("--quiet", "init", folder=root)

    def prove(
        self, kind: str, subject: str, *, valid_for: timedelta = timedelta(days=7), **figures: Any
    ) -> None:
        """Add a record to the ledger."""
        clock = SystemClock()
        Ledger(self.root / ".opsctl" / "evidence", clock=clock).append(
            Evidence(
                kind=kind,
                subject=subject,
                verdict=Verdict.PASS,
                figures=figures,
                inputs={},
                tools={},
                started_at=clock.now(),
                duration_seconds=1.0,
                valid_for=valid_for,
            )
        )

    def prove_all(self) -> None:
        """Add everything that an estimate needs."""
        self.prove("costs.measure", "project", quantities=QUANTITIES)
        self.prove("bench.load", "standard", fresh_hit_ratio=0.995)
        self.prove("bench.capacity", "standard", workers_2_passed_requests_per_second=11_000.0)

    def estimate(self, *words: str) -> Outcome:
        """Run `costs estimate`."""
        return run_opsctl("costs", "estimate", *words, folder=self.root)

    def data(self, *words: str) -> Any:
        """Return the data of its document."""
        return json.loads(self.estimate("--json", *words).stdout)["data"]

    @contextmanager
    def changed(self, book: str, change: Any) -> Iterator[None]:
        """Change a book until the block ends."""
        path = self.root / "ops" / f"{book}.yaml"
        before = path.read_text(encoding="utf-8")
        values = yaml.safe_load(before)
        change(values)
        path.write_text(yaml.safe_dump(values), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(before, encoding="utf-8")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Give a project in which nothing was measured."""
    return Shop(tmp_path_factory.mktemp("bare"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Give a project in which everything was measured."""
    made = Shop(tmp_path_factory.mktemp("shop"))
    made.prove_all()
    return made


def records(shop: Shop) -> list[dict[str, Any]]:
    """Return the records of estimates."""
    listed = run_opsctl("evidence", "list", "--kind", "costs.estimate", "--json", folder=shop.root)
    return list(json.loads(listed.stdout)["data"])


@pytest.mark.slow
def test_every_line_fits_a_terminal(bare: Shop, shop: Shop):
    """Also where much is unknown, and where the verdict has much to say."""
    with shop.changed("costs", lambda values: values["budgets"].update(month_usd=1, user_usd=0.0001)):
        missed = shop.estimate("--inputs")

    for shown in (bare.estimate("--inputs"), missed):
        assert [line for line in shown.stdout.splitlines() if len(line) > 80] == []


@pytest.mark.slow
def test_without_evidence_nobody_can_tell_and_the_commands_that_measure_are_named(bare: Shop):
    """Exit 5, and no sum that looks like a bill."""
    outcome = bare.estimate()

    assert outcome.exit_code == 5
    assert "? inconclusive" in outcome.stdout
    for command in ("opsctl costs measure", "opsctl bench load standard"):
        assert f"`{command}`" in outcome.stderr
    figures = bare.data()
    assert figures["points"]["average"]["month_usd"] is None
    assert "service CPU seconds a cached feed" in figures["unknown_inputs"]


def test_an_estimate_is_kept_by_its_budgets_and_shown(shop: Shop, snapshot: SnapshotAssertion):
    """At 80 columns, doubts about the prices first."""
    outcome = shop.estimate()

    assert outcome.exit_code in (0, 1)
    assert outcome.stdout.startswith("all ")
    assert "not verified" in outcome.stdout.splitlines()[0]
    assert _without_ages(outcome.stdout) == snapshot


def test_the_document_holds_what_the_checklist_reads(shop: Shop):
    """Dollars are numbers; `budgets` are those of the load at which they bind."""
    figures = shop.data()

    assert set(figures["points"]) == {"average", "peak_hour", "sustained"}
    average = figures["points"]["average"]
    assert sum(average["parts"].values()) == pytest.approx(average["month_usd"], abs=1e-4)
    assert average["per_user_usd"] == pytest.approx(average["month_usd"] / 10_000, abs=1e-6)
    assert average["per_1000_feeds_usd"] == pytest.approx(average["month_usd"] / 300, rel=1e-4)
    assert {each["name"]: (each["limit"], each["ok"]) for each in figures["budgets"]} == {
        "month_usd": (500.0, average["month_usd"] < 500),
        "user_usd": (0.05, average["per_user_usd"] < 0.05),
        "reduction_ratio": (0.4, figures["reduction_share"] > 0.4),
    }
    assert len(figures["budgets_elsewhere"]) == 6
    assert "cloudflare_workers.requests" in figures["unverified_prices"]
    assert {each["name"]: each["where"] for each in figures["inputs"]}["users"] == "ops/costs.yaml"


def test_what_the_ledger_keeps_is_what_was_shown(shop: Shop):
    """With the digests of the books and of the evidence below it; an estimate is only as real as the model was."""
    shown = shop.data()
    newest = records(shop)[0]
    kept = json.loads(run_opsctl("evidence", "show", newest["id"], "--json", folder=shop.root).stdout)["data"]

    assert kept["subject"] == "project"
    assert kept["figures"]["points"] == shown["points"]
    assert kept["figures"]["reduction_share"] == shown["reduction_share"]
    assert {"prices", "costs", "cache", "costs.measure", "bench.load"} <= set(kept["inputs"])


def test_a_missed_budget_is_exit_1_at_the_load_that_binds(shop: Shop):
    """The same plan is missed where ten thousand a second are sustained: the edge alone takes thousands."""

    def bind(book: dict[str, Any]) -> None:
        book["budgets"]["at"] = "sustained"

    with shop.changed("costs", bind):
        outcome = shop.estimate()

    assert outcome.exit_code == 1
    assert "✘ fail: at the sustained load" in outcome.stdout


@pytest.mark.slow
def test_a_provider_can_be_tried_without_being_recorded(shop: Shop):
    """A model of ten times the price takes ten times as much, and the ledger hears nothing of it."""
    before = len(records(shop))
    usual, other = shop.data(), None
    other = shop.data("--with", "model=haiku_4_5")

    parts = [each["points"]["average"]["parts"]["model"] for each in (usual, other)]
    assert parts[1] == pytest.approx(parts[0] * 10, rel=1e-4)
    assert len(records(shop)) == before + 1


@pytest.mark.parametrize(
    ("choice", "code", "said"),
    [
        ("model", "CST003", "--with model=haiku_4_5"),
        ("modle=own", "CST003", "the parts are edge"),
        ("model=nobody", "CST001", "haiku_4_5"),
        ("database=own", "CST001", "supabase"),
    ],
)
def test_a_wrong_choice_is_refused_with_what_there_is(shop: Shop, choice: str, code: str, said: str):
    """Exit 2, before anything is worked out."""
    outcome = shop.estimate("--with", choice)

    assert outcome.exit_code == 2
    assert code in outcome.stderr
    assert said in outcome.stderr


def test_a_wrong_book_is_refused_at_its_place(shop: Shop):
    """With file, line and column."""

    def misspell(book: dict[str, Any]) -> None:
        book["providers"]["supabase"]["prices"]["disk"]["includde"] = 8

    with shop.changed("prices", misspell):
        outcome = shop.estimate()

    assert outcome.exit_code == 2
    assert "unknown key `includde`" in outcome.stderr
    assert "prices.yaml:" in outcome.stderr


def test_a_price_of_tomorrow_is_refused(shop: Shop):
    """It would count as fresh for too long."""

    def postpone(book: dict[str, Any]) -> None:
        book["providers"]["supabase"]["prices"]["plan"]["retrieved"] = "2999-01-01"

    with shop.changed("prices", postpone):
        outcome = shop.estimate()

    assert outcome.exit_code == 2
    assert "`supabase.plan` was retrieved on 2999-01-01" in outcome.stderr


@pytest.mark.slow
def test_an_estimate_rests_on_no_ledger_that_was_changed(tmp_path: Path):
    """A figure that somebody wrote there in the middle would make any verdict, and a record of it; nothing is added."""
    shop = Shop(tmp_path)
    shop.prove_all()
    ledger = shop.root / ".opsctl/evidence/ledger.jsonl"
    lines = ledger.read_text().splitlines(keepends=True)
    cheaper = [lines[0].replace('"pass"', '"fail"'), *lines[1:]]
    assert cheaper != lines
    assert len(lines) > 1
    ledger.write_text("".join(cheaper))

    outcome = shop.estimate()

    assert outcome.exit_code == 1
    assert (
        "error[EVD001]: the evidence ledger does not verify, so its figures count for nothing"
        in outcome.stderr
    )
    assert ledger.read_text() == "".join(cheaper)


@pytest.mark.slow
def test_old_prices_are_in_the_headline(shop: Shop):
    """Not verified is one thing, too old another."""

    def age(book: dict[str, Any]) -> None:
        book["providers"]["supabase"]["prices"]["plan"] |= {"retrieved": "2020-01-01", "verified": True}

    with shop.changed("prices", age):
        outcome, figures = shop.estimate(), shop.data()

    assert "1 of" in outcome.stdout.splitlines()[0]
    assert "too old" in outcome.stdout.splitlines()[0]
    assert figures["stale_prices"] == ["supabase.plan"]
    assert "supabase.plan" not in figures["unverified_prices"]


@pytest.mark.slow
def test_stale_evidence_is_told(tmp_path: Path):
    """It is used, because it is the best there is, and the command that renews it is named."""
    shop = Shop(tmp_path)
    shop.prove("costs.measure", "project", valid_for=timedelta(microseconds=1), quantities=QUANTITIES)
    shop.prove("bench.load", "standard", fresh_hit_ratio=0.995)

    outcome = shop.estimate()

    assert "(stale)" in outcome.stdout
    assert "`opsctl costs measure`" in outcome.stderr
    assert shop.data()["stale_evidence"]


def test_junit_fails_where_the_budget_binds_only(shop: Shop, tmp_path: Path):
    """Nine cases: three budgets at three loads."""
    file = tmp_path / "costs.xml"

    outcome = shop.estimate("--junit", str(file))
    suite = ET.parse(file).getroot()[0]  # noqa: S314 - our own file

    assert suite.get("tests") == "9"
    assert (suite.get("failures") == "0") == (outcome.exit_code == 0)
    sustained = [case for case in suite if case.get("classname") == "opsctl.costs.sustained"]
    assert all(case.find("failure") is None for case in sustained)
    assert any(case.find("skipped") is not None for case in sustained)


@pytest.mark.slow
def test_markdown_goes_between_the_marks_of_a_page_that_people_wrote(shop: Shop, tmp_path: Path):
    """A second time it replaces what it wrote the first time; a new file is written whole."""
    page, alone = tmp_path / "costs.md", tmp_path / "alone.md"
    page.write_text(f"# Costs\n\n{BEGIN}\nold\n{END}\n\nThe end.\n", encoding="utf-8")

    for _ in range(2):
        shop.estimate("--markdown", str(page))
    shop.estimate("--markdown", str(alone))

    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Costs\n\n")
    assert text.endswith(f"{END}\n\nThe end.\n")
    assert "old\n" not in text
    assert text.count("| **together** |") == 1
    assert alone.read_text(encoding="utf-8").startswith("**All ")


def test_a_file_that_cannot_be_written_is_refused_first(shop: Shop):
    """Before anything is recorded."""
    before = len(records(shop))

    outcome = shop.estimate("--junit", str(shop.root / "ops"))

    assert outcome.exit_code == 3
    assert len(records(shop)) == before


def _without_ages(text: str) -> str:
    """Return a page without what differs from run to run: ids and ages of records."""
    return re.sub(r"(costs\.measure|bench\.\w+) \S+, .* old", r"\1 ID, AGE old", text)
