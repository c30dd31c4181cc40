"""What others read of the checklist: the record, JUnit, Markdown and the page."""

from xml.etree import ElementTree as ET

from tests.checklist.making import DAY, NOW, Project, book, record, signed

from opsctl.checklist.evidence import run_evidence, to_document
from opsctl.checklist.judging import judge
from opsctl.checklist.junit import to_junit
from opsctl.checklist.markdown import to_markdown
from opsctl.checklist.model import Report
from opsctl.evidence.model import Verdict, canonical_json
from opsctl.ui.checklist_page import render_checklist_page

HOSTILE = "<script>alert(1)</script> | @all `x`"
P99 = {"kind": "bench.load", "figure": "p99", "below": 500, "unit": "ms"}


def report() -> Report:
    """Return one item in each state, and texts that want to be markup."""
    chosen = book(
        accounts={"ann": {"name": HOSTILE, "role": "lead"}},
        title="Ready <b>",
        items={
            "CHK001": {"name": "good", "title": HOSTILE, "why": "w", "all": [P99 | {"subject": "good"}]},
            "CHK002": {"name": "slow", "title": "Slow", "why": "w", "all": [P99 | {"subject": "slow"}]},
            "CHK003": {"name": "old", "title": "Old", "why": "w", "all": [P99 | {"subject": "old"}]},
            "CHK004": {
                "name": "never",
                "title": "Never",
                "why": "w",
                "group": "metrics",
                "all": [P99 | {"subject": "n"}],
            },
            "CHK005": {"name": "later", "title": "Later", "why": "w", "all": [P99 | {"subject": "slow"}]},
            "CHK006": {"name": "people", "title": "People", "why": "w", "sign": {"roles": ["lead"]}},
        },
    )
    figures = {"account": "ann", "name": HOSTILE, "note": HOSTILE, "reason": HOSTILE} | {
        "user": "ops",
        "host": "shop-1",
    }
    records = [
        signed(chosen, "ann", code="CHK006", sequence=5, figures=figures),
        signed(chosen, "ann", code="CHK005", kind="waive", sequence=4, figures=figures),
        record("bench.load", "good", sequence=3, figures={"p99": 116}, simulated=("readers",)),
        record("bench.load", "slow", sequence=2, figures={"p99": 612}),
        record("bench.load", "old", sequence=1, figures={"p99": 100}, ago=9 * DAY),
    ]
    return judge(chosen, records=records, present=Project(), now=NOW)


def test_the_document_has_what_other_parts_read():
    """Names, states, figures, targets, reasons, evidence, what is simulated, and the counts."""
    document = to_document(report())

    assert document["counts"] == {"pass": 2, "fail": 1, "stale": 1, "unknown": 1, "waived": 1}
    first, slow, *_ = document["items"]
    assert (first["name"], first["code"], first["group"], first["state"]) == (
        "good",
        "CHK001",
        "readiness",
        "pass",
    )
    assert (first["figure"], first["target"], first["simulated"]) == ("116 ms", "< 500 ms", True)
    assert first["evidence"] == ["20261129T110000-00003"]
    assert (slow["state"], slow["reason"]) == ("fail", "bench.load slow: 612 ms, wanted < 500 ms")
    waived = document["items"][4]
    assert (waived["state"], waived["without_waiver"], waived["waiver"]["account"]) == (
        "waived",
        "fail",
        "ann",
    )
    canonical_json(document)  # fit for the ledger


def test_the_record_of_a_run_says_the_worst_and_ends_with_the_first_of_its_proofs():
    """A pass only where everything is; what was simulated is told."""
    evidence = run_evidence(report(), book_digest="x", seconds=0.1)

    assert (evidence.kind, evidence.subject, evidence.verdict) == (
        "checklist.run",
        "production",
        Verdict.FAIL,
    )
    assert evidence.simulated == ("readers",)
    assert evidence.valid_for < 7 * DAY


def test_the_record_follows_the_exit_code():
    """What is only unknown is inconclusive."""
    chosen = book(items={"CHK001": {"name": "a", "title": "A", "why": "w", "all": [P99 | {"subject": "a"}]}})
    good = record("bench.load", "a", figures={"p99": 1})

    found = [
        run_evidence(
            judge(chosen, records=records, present=Project(), now=NOW), book_digest="x", seconds=0.1
        ).verdict
        for records in ([good], [])
    ]

    assert found == [Verdict.PASS, Verdict.INCONCLUSIVE]


def test_a_signature_is_shown_with_the_user_of_the_machine_who_gave_it():
    """A name is no password: two names from one user of one machine can be seen to be that."""
    signature = to_document(report())["items"][5]["signed"][0]

    assert (signature["account"], signature["by"]) == ("ann", "ops@shop-1")
    assert "by ops@shop-1" in render_checklist_page(report())


def test_junit_never_shows_a_doubt_as_a_pass():
    """Fail and stale are failures, unknown is an error, waived is skipped and says why."""
    root = ET.fromstring(to_junit(report()))  # noqa: S314 - our own

    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "6",
        "failures": "2",
        "errors": "1",
        "skipped": "1",
    }
    skipped = root.find(".//skipped")
    assert skipped is not None
    assert (skipped.get("message") or "").startswith("waived by ann until 2026-12-06")


def test_markdown_escapes_what_people_wrote():
    """No markup, no mention, no script."""
    text = to_markdown(report())

    assert "<script>" not in text
    assert "@all" not in text
    assert "❌ fail" in text
    assert "else fail" in text


def test_the_page_escapes_what_people_wrote_and_fetches_nothing():
    """It is opened from mails and chats."""
    page = render_checklist_page(report())

    assert "<script" not in page
    assert "<b>" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "Waived by ann" in page
    assert "612 ms, wanted &lt; 500 ms" in page
    assert "rests on a simulation" in page
