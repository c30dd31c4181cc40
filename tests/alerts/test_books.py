"""What a book must not say is refused where it is written, and what it leaves out still reaches somebody."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.alerts.books import DELIVERY, EVERY_KIND, books_of, changed, compiled, every_kind

from opsctl.alerts.load import load_alert_books
from opsctl.alerts.prometheus_rules import render_rules
from opsctl.config.folder import books_in
from opsctl.core.errors import NotReadyError, OpsError, UsageError


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("timing: {evaluate_every: 0s}", "longer than nothing"),
        ("watchdog_every: 0m", "longer than nothing"),
        (f"timing: {{repeat_every: {'9' * 400}s}}", "longer than ten years"),
        (
            'mute: [{severity: warning, weekdays: [monday], times: ["22:00-06:00"]}]',
            "`22:00-24:00` and `00:00-06:00`",
        ),
        ('mute: [{severity: warning, weekdays: [monday], times: ["06:00-06:00"]}]', "does not end after"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused(more: str, problem: str):
    """Not by a traceback, and not first by Alertmanager, which would refuse everything."""
    with pytest.raises(OpsError) as refused:
        books_of(EVERY_KIND, delivery=f"{DELIVERY}{more}\n")
    assert problem in str(refused.value.findings)


def test_a_window_of_no_time_is_refused():
    """PromQL has none."""
    with pytest.raises(OpsError) as refused:
        books_of(EVERY_KIND.replace("window: 5m", "window: 0s", 1))
    assert "longer than nothing" in str(refused.value.findings)


def test_a_severity_that_the_book_forgets_reaches_the_catch_all():
    """Forgotten is not the same as an empty list, which only shows."""
    forgotten = compiled(books_of(EVERY_KIND, delivery=DELIVERY.replace("warning: [chat], ", "")))
    shown = compiled(books_of(EVERY_KIND, delivery=DELIVERY.replace("warning: [chat]", "warning: []")))

    assert [rules.of_rule("mean")[0].receivers for rules in (forgotten, shown)] == [("chat",), ()]


@pytest.mark.parametrize(
    "name",
    [
        "/any/where.md",
        "../../x.md",
        "a\x00b.md",
        "a\nb.md",
        "x.md\n",
        ".",
        "",
        ".md",
        "-x.md",
        f"{'x' * 300}.md",
        "x.txt",
    ],
)
def test_a_runbook_is_the_name_of_a_file(name: str):
    """A stub is written under it."""
    with pytest.raises(OpsError) as refused:
        changed("ratio", runbook=name)
    (finding,) = refused.value.findings
    assert (finding.code, finding.title[:21]) == ("CFG003", "`rules.ratio.runbook`")
    assert finding.location is not None


@pytest.mark.parametrize(
    "of",
    [
        'ranking_dependency_up{"',
        "up or vector(1)",
        "up[5m]",
        "up offset 5m",
        "up # c",
        'up{job="x" # c\n}',
        'up{job="x"} # {}',
        '{__name__="up"}',
        'up{job="x"} or up{job="y"}',
        'up{job="a\\"}',
        "sum(up)",
        "up\x00",
    ],
)
def test_a_selector_is_a_metric_with_matchers(of: str):
    """Nothing else can be given a range, a suffix or one more matcher."""
    with pytest.raises(OpsError) as refused:
        changed("level", signal={"kind": "level", "of": of})
    assert [each.title[:24] for each in refused.value.findings] == ["`rules.level.signal.of`:"]


@pytest.mark.parametrize("of", ["up", "up{}", 'up{job="a # b"}', 'up{job=~"a|b",instance!="}",}', "a:b:c"])
def test_a_plain_selector_is_taken(of: str):
    """With braces and signs in its texts."""
    compiled(changed("level", signal={"kind": "level", "of": of}))


@pytest.mark.parametrize("bound", [1e308, -1e16])
def test_a_threshold_beyond_what_can_be_measured_is_refused(bound: float):
    """Tests put series above and below it, which it would swallow."""
    with pytest.raises(OpsError, match="1 problem"):
        changed("level", above=bound)


def test_what_is_never_below_nothing_is_not_asked_for():
    """A rate is no less than 0."""
    with pytest.raises(OpsError) as refused:
        changed("rate", above=None, below=0)
    assert "never below 0" in str(refused.value.findings)


@pytest.mark.parametrize(
    "label", ["severity", "alertname", "service", "team", "alertstate", "__name__", "__x"]
)
def test_a_label_that_is_made_from_the_book_is_not_for_a_rule(label: str):
    """It would send the alert another way, or be another alert."""
    with pytest.raises(OpsError) as refused:
        changed("ratio", labels={label: "x"})
    assert f"the label `{label}` is not for a rule to set" in str(refused.value.findings)


@pytest.mark.parametrize("key", ["summary", "impact", "undrilled"])
def test_blanks_are_no_sentence(key: str):
    """Whoever is woken reads it."""
    with pytest.raises(OpsError):
        changed("ratio", **{key: "  "})


def test_books_whose_files_would_be_one_are_not_rendered():
    """The rules of one of them would be lost."""
    first, second = books_of(EVERY_KIND, EVERY_KIND).books
    books = replace(every_kind(), books=(first, replace(second, name="book0.availability")))

    with pytest.raises(UsageError) as refused:
        render_rules(books, compiled(books))

    assert refused.value.code == "ALR070"


def test_a_folder_of_books_keeps_editors_files_and_other_suffixes_apart(tmp_path: Path):
    """Locks, twins and copies."""
    for name in ("a.yaml", ".#a.yaml", "._a.yaml", "b.yml", "notes.txt"):
        (tmp_path / name).write_text("")

    found = books_in(tmp_path)

    assert [path.name for path in found.books] == ["a.yaml"]
    assert [path.name for path in found.ignored] == ["b.yml"]
    assert not books_in(tmp_path / "nowhere").is_there


@pytest.mark.parametrize("name", ["b" * 101, "a\nb", "caf\udce9", "a\x1bb"])
def test_a_book_whose_name_cannot_be_that_of_files_is_refused(tmp_path: Path, name: str):
    """Names of groups and files are made of it."""
    (tmp_path / f"{name}.yaml").write_text("")

    with pytest.raises(UsageError) as refused:
        books_in(tmp_path)

    assert refused.value.code == "CFG009"


def test_a_folder_that_nobody_may_read_is_not_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It is told."""

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(NotReadyError, match="cannot read"):
        load_alert_books(tmp_path)
