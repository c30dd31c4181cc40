"""Each check finds its mistake at its place, and says nothing of a book without it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.alerts.books import DELIVERY, EVERY_KIND, books_of, changed, compiled, every_kind

from opsctl.alerts.lint.proofs import in_short
from opsctl.alerts.lint.registry import CHECKS, AlertProof, LintContext
from opsctl.alerts.lint.run import lint_books
from opsctl.alerts.lint.templates import template_problems
from opsctl.alerts.load import AlertBooks
from opsctl.alerts.proving.evidence import rule_digest
from opsctl.core.findings import Finding, Severity
from opsctl.core.units import parse_duration
from opsctl.metrics.contract import full_contract
from opsctl.stack.prometheus import KEPT_FOR

NOW = datetime(2026, 11, 27, tzinfo=UTC)
UP = "{kind: level, of: up, combine: min}"


def context_of(books: AlertBooks, **values: object) -> LintContext:
    """Return what the checks look at."""
    rules = compiled(books)
    contract = full_contract().with_recordings((each.name, each.labels) for each in rules.recordings)
    known = {"faults": frozenset({"vectors_down"}), "now": NOW} | values
    return LintContext(books=books, rules=rules, contract=contract, **known)  # type: ignore[arg-type]


def codes(books: AlertBooks, **values: object) -> set[str]:
    """Return the codes of what is found, but for hints."""
    return {
        each.code for each in lint_books(context_of(books, **values)) if each.severity is not Severity.INFO
    }


def with_up(text: str) -> str:
    """Return the book with the rule on `up` that every set of books needs."""
    return text.replace(
        "  level:",
        "  target_down:\n    kind: Alert\n    summary: A target is down.\n    description: It is.\n    impact: Readers notice it.\n    undrilled: A test.\n    severity: warning\n    signal: "
        + UP
        + "\n    below: 1\n    for: 15s\n    detect_within: 60s\n  level:",
    )


WHOLE = with_up(EVERY_KIND)
RATIO = "{kind: ratio, of: 'ranking_requests_total{status=\"5xx\"}', to: ranking_requests_total, window: 5m, by: [route], min_events: 10}"


def broken(old: str, new: str, *, delivery: str = DELIVERY) -> AlertBooks:
    """Return the whole book with one text replaced."""
    assert old in WHOLE
    return books_of(WHOLE.replace(old, new, 1), delivery=delivery)


def in_a_circle() -> AlertBooks:
    """Return the whole book with three rules of which each mutes the next."""
    text = WHOLE
    for name, other in (("ratio", "mean"), ("mean", "quick")):
        text = text.replace(f"  {name}:\n", f"  {name}:\n    inhibited_by: [{other}]\n", 1)
    return books_of(text)


def colliding() -> AlertBooks:
    """Return two books, the second of which has the name of the file of an objective of the first."""
    first, second = books_of(WHOLE, EVERY_KIND).books
    return replace(books_of(WHOLE), books=(first, replace(second, name="book0.availability")))


SLOW = {
    "quick_burn_fast",
}
WRONG = {
    "ALR001 unknown metric": (
        "ALR001",
        broken("of: ranking_vector_errors_total", "of: ranking_vector_erors_total"),
    ),
    "ALR001 unknown label": ("ALR001", broken("window: 5m, by: [route]", "window: 5m, by: [rout]")),
    "ALR001 unknown value": (
        "ALR001",
        broken(
            'status="5xx"}\', to: ranking_requests_total, w', 'status="500"}\', to: ranking_requests_total, w'
        ),
    ),
    "ALR001 rate of a gauge": (
        "ALR001",
        broken(
            "of: ranking_vector_errors_total, window: 1m, by: [path]", "of: ranking_outbox_lag, window: 1m"
        ),
    ),
    "ALR002": ("ALR002", broken("above: 1\n", "above: 0.7\n")),
    "ALR010": ("ALR010", broken("objective: 99.9", "objective: 93")),
    "ALR012": ("ALR012", broken("for: 1m\n    detect_within: 90s", "for: 1m\n    detect_within: 10m")),
    "ALR013 not whole": ("ALR013", broken("for: 1m\n", "for: 62s\n")),
    "ALR013 at once": ("ALR013", broken("    at_once: It is a sign of life.\n", "")),
    "ALR020": (
        "ALR020",
        broken("severity: critical\n", "severity: critical\n    labels: {seen: '{{ $value }}'}\n"),
    ),
    "ALR021 label": ("ALR021", broken("description: It is.", "description: 'On {{ $labels.zone }}.'")),
    "ALR021 braces": ("ALR021", broken("description: It is.", "description: 'It is {{ $value }.'")),
    "ALR021 function": (
        "ALR021",
        broken("description: It is.", "description: 'It is {{ $value | humanise }}.'"),
    ),
    "ALR021 end of nothing": ("ALR021", broken("description: It is.", "description: 'It is {{ end }}.'")),
    "ALR021 no end": ("ALR021", broken("description: It is.", "description: 'It {{ if $value }}is.'")),
    "ALR021 two ends": (
        "ALR021",
        broken("description: It is.", "description: '{{ if $value }}It{{ else }}is{{ end }}{{ end }}'"),
    ),
    "ALR021 empty": ("ALR021", broken("description: It is.", "description: 'It is {{ }}.'")),
    "ALR021 variable": ("ALR021", broken("description: It is.", "description: 'It is {{ $valu }}.'")),
    "ALR021 bracket": ("ALR021", broken("description: It is.", "description: 'It {{ ($value }} is.'")),
    "ALR021 in a summary": (
        "ALR021",
        broken("summary: Something is wrong.", "summary: 'Something {{ end }} is wrong.'"),
    ),
    "ALR021 in the impact": (
        "ALR021",
        broken("impact: Readers notice it.", "impact: 'Readers {{ $labels.zone }} notice it.'"),
    ),
    "ALR022": ("ALR022", broken("summary: Something is wrong.", "summary: something is wrong")),
    "ALR026 escape": ("ALR026", broken("description: It is.", 'description: "It \\e[31m is."')),
    "ALR026 C1": ("ALR026", broken("description: It is.", 'description: "It \\x9b is."')),
    "ALR026 turned": ("ALR026", broken("description: It is.", 'description: "It \\u202e is."')),
    "ALR070": ("ALR070", colliding()),
    "ALR030": ("ALR030", books_of(WHOLE, delivery=DELIVERY.replace("warning: [chat]", "warning: [chatt]"))),
    "ALR031": (
        "ALR031",
        books_of(
            WHOLE,
            delivery=DELIVERY.replace(
                "receivers:\n", "receivers:\n  idle: {kind: webhook, url: 'http://127.0.0.1:9/'}\n"
            ),
        ),
    ),
    "ALR033 unknown": ("ALR033", broken("inhibited_by: [ratio]", "inhibited_by: [raito]")),
    "ALR033 itself": ("ALR033", broken("inhibited_by: [ratio]", "inhibited_by: [quick]")),
    "ALR033 circle": ("ALR033", in_a_circle()),
    "ALR034": ("ALR034", books_of(WHOLE, delivery=DELIVERY + "group_by: [alertname, zone]\n")),
    "ALR035": ("ALR035", books_of(EVERY_KIND)),
    "ALR037": (
        "ALR037",
        broken(
            "signal: {kind: absence, of: 'up{job=\"service\"}'}\n    for: 30s",
            "signal: {kind: absence, of: 'up{job=\"service\"}'}\n    for: 5s",
        ),
    ),
    "ALR040": ("ALR040", broken("undrilled: A test.", "drill: {fault: vectors_donw}")),
}


def fine() -> AlertBooks:
    """Return a book of which only what was left out on purpose is found."""
    return books_of(
        WHOLE,
        delivery=DELIVERY.replace(
            '  post: {kind: email, to: [a@example.com], from: b@example.com, smarthost: "mail.example.com:25"}\n',
            "",
        ),
    )


def test_a_book_without_mistakes_has_no_findings():
    """But for pages of objectives whose windows are long, which is what they are."""
    found = lint_books(context_of(fine()))

    assert {(each.code, each.title.split()[0]) for each in found if each.severity is Severity.ERROR} == {
        ("ALR012", "quick_burn_fast"),
        ("ALR012", "quick_burn_slow"),
    }


@pytest.mark.parametrize("name", WRONG)
def test_each_check_finds_its_mistake_at_a_place(name):
    """With the line of the book that is wrong."""
    code, books = WRONG[name]

    found = [each for each in lint_books(context_of(books)) if each.code == code]

    assert found
    assert all(each.location is not None and each.location.source for each in found)


def test_every_check_that_looks_at_books_alone_is_tried_here():
    """A new one needs a book that is wrong."""
    elsewhere = {
        "ALR003",
        "ALR011",
        "ALR014",
        "ALR023",
        "ALR024",
        "ALR025",
        "ALR032",
        "ALR036",
        "ALR041",
        "ALR071",
    }

    assert set(CHECKS) == {code for code, _ in WRONG.values()} | elsewhere


def test_the_caret_stands_under_the_fragment():
    """Not under the rule, nor under the line."""
    _, books = WRONG["ALR001 unknown value"]

    found = next(each for each in lint_books(context_of(books)) if each.code == "ALR001")

    place = found.location
    assert place is not None
    assert place.source is not None
    assert place.column is not None
    assert place.source[place.column - 1 :].startswith("500")


def test_a_drill_that_is_slower_than_allowed_is_told_with_what_it_takes():
    """By the rule's own arithmetic."""
    books = changed(
        "ratio", drill={"fault": "vectors_down", "share": 0.02}, undrilled=None, detect_within="60s"
    )

    found = [each for each in lint_books(context_of(books)) if each.code == "ALR011"]

    assert "it takes 3 min 45 s" in found[0].title
    assert "ALR011" not in codes(changed("ratio", drill={"fault": "vectors_down"}, undrilled=None))


def test_a_budget_over_more_days_than_are_kept_is_told():
    """It would show more than is left; the stack keeps as many as the default asks for."""
    longer = changed("availability", period="90d")
    kept = parse_duration(KEPT_FOR)

    (found,) = (each for each in lint_books(context_of(longer, kept_seconds=kept)) if each.code == "ALR014")

    assert "90d" in found.title
    assert found.location is not None
    assert found.severity is Severity.WARNING
    assert "ALR014" not in codes(every_kind(), kept_seconds=kept)
    assert "ALR014" not in codes(longer)


def test_a_drill_that_never_reaches_the_threshold_is_told():
    """Too few events are bad."""
    books = changed("ratio", drill={"fault": "vectors_down", "share": 0.005}, undrilled=None)

    assert any("too few events bad" in each.title for each in lint_books(context_of(books)))


def test_runbooks_and_panels_are_looked_for_where_they_can_be_known():
    """And left alone where there is no folder of them."""
    assert "ALR023" in codes(every_kind(), runbooks={})
    assert "ALR023" in codes(every_kind(), runbooks={"ratio.md": ("Meaning", "Impact")})
    assert "ALR023" not in codes(every_kind(), runbooks=None)
    with_panel = changed("ratio", panel={"dashboard": "system", "panel": "errors"})
    assert "ALR024" in codes(with_panel, panels={"system": frozenset({"other"})})
    assert "ALR024" in codes(with_panel, panels={})
    assert "ALR024" not in codes(with_panel, panels={"system": frozenset({"errors"})})


def test_a_page_that_reaches_nobody_is_the_worst_of_all():
    """Everybody believes that somebody knows."""
    nobody = DELIVERY.replace("critical: [pager, chat]", "critical: []")

    assert "ALR032" in codes(books_of(WHOLE, delivery=nobody))


def test_two_alerts_of_one_name_are_found_over_books():
    """Also where a tier has another rule's name."""
    second = WHOLE.replace("  ratio:", "  availability_burn_fast:", 1)

    assert "ALR036" in codes(books_of(second))


def test_an_alert_is_unproven_until_it_is_proven_as_it_is_now():
    """Stale, failed, or of another version of the rule is unproven too."""
    rules = compiled(every_kind())
    digests = {alert.name: rule_digest(alert, rules) for alert in rules.alerts}
    good = AlertProof(
        passed=True, level="made up", expires_at=NOW + timedelta(days=1), rule_digest=digests["ratio"]
    )

    def unproven(proof: AlertProof) -> bool:
        found = lint_books(context_of(every_kind(), proofs={"ratio": proof}, digests=digests))
        return any(each.code == "ALR041" and each.title.startswith("ratio:") for each in found)

    assert not unproven(good)
    assert unproven(replace(good, passed=False))
    assert unproven(replace(good, expires_at=NOW))
    assert unproven(replace(good, rule_digest="other"))


def test_alerts_that_are_unproven_for_the_same_reason_are_one_for_a_person():
    """A new project would hide its only mistake behind a page for each alert; reasons stay apart."""
    rules = compiled(every_kind())
    digests = {alert.name: rule_digest(alert, rules) for alert in rules.alerts}
    failed = AlertProof(
        passed=False, level="made up", expires_at=NOW + timedelta(days=1), rule_digest=digests["ratio"]
    )
    books = broken("of: ranking_vector_errors_total", "of: ranking_vector_erors_total")

    found = lint_books(context_of(books, proofs={"ratio": failed}, digests=digests))
    shown = in_short(found)

    assert len([each for each in found if each.code == "ALR041"]) == len(compiled(books).alerts)
    apart, together = (each for each in shown if each.code == "ALR041")
    assert apart.title == "ratio: the last proof failed"
    assert together.title == f"{len(compiled(books).alerts) - 1} alerts: never proven"
    assert "opsctl alerts prove" in str(together.fix)
    assert [each for each in found if each.code != "ALR041"] == list(shown[:-2])


def test_a_few_unproven_alerts_are_named_in_the_command_that_proves_them():
    """It can be copied as it stands."""
    found = [
        Finding(code="ALR041", severity=Severity.WARNING, title=f"{name}: never proven")
        for name in ("a", "b")
    ]

    (together,) = in_short(found)

    assert together.evidence == "a, b"
    assert together.fix == "run `opsctl alerts prove a b`"


@pytest.mark.parametrize(
    ("comment", "silenced", "complains"),
    [
        ("# opsctl: disable ALR022 until 2027-01-31 waiting for the new text", True, False),
        ("# opsctl: disable ALR022 until 2026-11-26 it is over", False, True),
        ("# opsctl: disable ALR022 until 2027-01-31", False, True),
        ("# opsctl: disable ALR022 until 2027-02-30 no such day", False, True),
        ("# opsctl: disable ALR001 until 2027-01-31 another code", False, False),
    ],
)
def test_a_finding_is_put_off_only_with_a_day_and_a_reason(comment, silenced, complains):
    """And a comment that is over is a finding itself."""
    text = WHOLE.replace("  ratio:", f"  {comment}\n  ratio:").replace(
        "summary: Something is wrong.", "summary: wrong", 1
    )
    found = lint_books(context_of(books_of(text)))

    assert any(each.code == "ALR022" and "ratio" in each.title for each in found) is not silenced
    assert any(each.code == "ALR050" for each in found) is complains


def test_names_that_differ_in_capitals_only_are_one():
    """Their panel, and on some disks their runbook, is."""
    text = WHOLE.replace("  level:", "  Ratio:").replace("inhibited_by: [ratio]", "inhibited_by: []")

    assert "ALR036" in codes(books_of(text))


@pytest.mark.parametrize(("allowed", "is_found"), [("59s", True), ("60s", False)])
def test_a_time_shorter_than_for_alone_is_found_without_a_drill(allowed: str, *, is_found: bool):
    """Whatever the value does, it cannot come sooner."""
    books = broken("for: 1m\n    detect_within: 90s", f"for: 1m\n    detect_within: {allowed}")

    assert ("ALR011" in codes(books)) is is_found


def test_a_file_that_is_almost_a_book_is_told():
    """Nobody reads `more.yml`."""
    found = lint_books(context_of(replace(fine(), ignored=("alerts/more.yml",))))

    assert [(each.severity, str(each.location)) for each in found if each.code == "ALR071"] == [
        (Severity.WARNING, "alerts/more.yml")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{{ if gt $value 1.0 }}{{ $value }}{{ else }}nothing{{ end }}",
        '{{ range $i, $e := query "up" }}{{ $e.Value }}{{ end }}',
        "{{ with $x := $labels }}{{ $x }}{{- end -}}",
        '{{ printf "}}%s{{" ($value | humanize) }}',
        "100 % of {all}",
    ],
)
def test_templates_that_prometheus_fills_in_are_right(text: str):
    """As its manual shows them."""
    assert list(template_problems(text)) == []
