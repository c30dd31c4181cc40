"""A book of a drill is refused with the place of everything that would make it say nothing."""

import os

import pytest
from pydantic import ValidationError
from tests.chaos.drills import PLAIN, drill

from opsctl.chaos.book import Control, Drill
from opsctl.chaos.load_drills import chosen, load_drill, load_drills
from opsctl.chaos.model import Fault
from opsctl.chaos.plan import fault_seconds, forecast_minutes, least_seconds, most_seconds, spent_minutes
from opsctl.chaos.probes import Probe
from opsctl.config.load import parse_book
from opsctl.core.errors import UsageError

FAULTS = {"vectors_down", "vectors_stutter", "l2_damaged"}

WHOLE = """\
title: the vector database is down
why: feeds come from the tier below at once, and somebody is told
tags: [ci, nightly]
catalogue: [1]
load: {returning_per_second: 20, new_per_second: 5, interactions_per_second: 1, retries: 1}
baseline: 30s
steady_state: {availability: 0.995, p99: 500ms, max_share: 0.01}
method:
  - {fault: vectors_down, lasts: 90s}
  - {wait: 10s}
  - together:
      - {fault: vectors_stutter, with: {stalled: 1.5, parts: [a, b]}}
      - {fault: l2_damaged}
    lasts: 30s
probes:
  - {name: ready, url: "http://127.0.0.1:8080/readyz", every: 5s}
expect:
  tier: simple
  alerts: [{name: VectorStoreDown, detect_within: 60s, resolve_within: 5m}]
  recovery: 30s
stop_when: {availability_below: 0.5, for: 10s}
mitigation: {command: opsctl stack start vectors, runbook: VectorStoreDown.md, ends_within: 20s}
budget: {sli_minutes: 5}
"""


def problems(text: str) -> list[tuple[int | None, str]]:
    """Return line and title of each finding."""
    with pytest.raises(UsageError) as caught:
        parse_book(text, Drill, file="drill.yaml")
    return [(each.location.line if each.location else None, each.title) for each in caught.value.findings]


def test_a_whole_book_is_read():
    """Every key, and two kinds of steps beside waiting."""
    made = parse_book(WHOLE, Drill, file="drill.yaml")

    assert [part.fault for part in made.parts] == ["vectors_down", "vectors_stutter", "l2_damaged"]
    assert made.parts[1].parameters == {"stalled": 1.5, "parts": ["a", "b"]}
    assert made.control is Control.NONE
    assert made.load.per_second == 26
    assert (fault_seconds(made), least_seconds(made), most_seconds(made)) == (130, 160, 460)


@pytest.mark.parametrize(
    ("old", "new", "line", "title"),
    [
        ("title: the", "tilte: the", 1, "unknown key `tilte`"),
        ("0.995", ".nan", 7, "finite number"),
        ("stalled: 1.5", "stalled: .inf", 12, "finite number"),
        ("lasts: 90s", "lasts: 90", 9, "`90` has no unit; write `90ms` or `90s`"),
        ("p99: 500ms", "p99: 500", 7, "`500` has no unit; write `500ms` or `500s`"),
        ("p99: 500ms", "p99: -.inf", 7, "`-inf` has no unit; write `30ms` or `30s`"),
        ("p99: 500ms", "p99: -5s", 7, "`-5s` is not a duration; write it as `250ms`"),
        (
            "{fault: vectors_down, lasts: 90s}",
            "{vectors_down: 90s}",
            9,
            "write `{fault: vectors_down, lasts: 90s}`",
        ),
        (
            "{fault: vectors_down, lasts: 90s}",
            "{1: [2]}",
            9,
            "`{fault: vectors_down, lasts: 30s}` or `{wait: 30s}`",
        ),
        ("lasts: 90s", "lasts: 0s", 9, "longer than nothing"),
        ("lasts: 90s", "lasts: 2d", 9, "longer than a day"),
        ("{wait: 10s}", "{waits: 10s}", 10, "unknown key `waits`"),
        ("tier: simple", "tier: simpel", 18, "expected 'multi_agent', 'simple', 'trending' or 'any'"),
        ("[1]", "[39]", 4, "less than or equal to 38"),
        ("{fault: l2_damaged}", "{fault: vectors_stutter}", 11, "only once at a time"),
        ("{wait: 10s}", "{wait: 10s, fault: a}", 10, "`fault` and `wait` exclude each other"),
        ("every: 5s}", "equals: 1}", 16, "`equals` needs a `json_path`"),
        ("every: 5s}", "pattern: '('}", 16, "no regular expression"),
        ("for: 10s", "for: 0s", 21, "longer than nothing"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(old, new, line, title):
    """One mistake, one finding, on its line."""
    found = problems(WHOLE.replace(old, new))

    assert [place for place, _ in found] == [line]
    assert title in found[0][1]


@pytest.mark.parametrize(
    ("old", "new", "line", "fix"),
    [
        ("0.995", "99.5", 7, "a part of one belongs here, not percent: write `0.995`"),
        ("0.995", "99.5%", 7, "not in percent: write `0.995`"),
        ("max_share: 0.01", "max_share: 1%", 7, "not in percent: write `0.01`"),
        ("max_share: 0.01", "max_share: 700", 7, None),
        ("{fault: vectors_down, lasts: 90s}", "vectors_down", 9, "write `{fault: vectors_down, lasts: ...}`"),
        ("{wait: 10s}", "10s", 10, "write `{wait: 10s}`"),
        ("- {fault: l2_damaged}", "- l2_damaged", 13, "write `{fault: l2_damaged}`"),
        ("alerts: [{name: VectorStoreDown, detect_within: 60s, resolve_within: 5m}]", "alerts: [VectorStoreDown]", 19,
         "write `{name: VectorStoreDown, detect_within: ...}`"),
        ("alerts: [{name: VectorStoreDown, detect_within: 60s, resolve_within: 5m}]", "alerts: VectorStoreDown", 19,
         "write `[{name: VectorStoreDown, detect_within: ...}]`"),
        ("tags: [ci, nightly]", "tags: ci", 3, "write `[ci]`"),
        ("catalogue: [1]", "catalogue: 1", 4, "write `[1]`"),
        ("budget: {sli_minutes: 5}", "budget: 5", 23, "known keys here: sli_minutes"),
        ("mitigation: {command: opsctl stack start vectors, runbook: VectorStoreDown.md, ends_within: 20s}",
         'mitigation: "a: b, c"', 22, 'write `{command: "a: b, c", ends_within: ...}`'),
    ],
)  # fmt: skip
def test_a_typical_slip_is_answered_with_the_right_spelling(old, new, line, fix):
    """Percent for a share, a bare name for a map, a single value for a list."""
    assert old in WHOLE
    with pytest.raises(UsageError) as caught:
        parse_book(WHOLE.replace(old, new), Drill, file="drill.yaml")

    (found,) = caught.value.findings
    assert found.location is not None
    assert (found.location.line, found.fix) == (line, fix)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": []}, "at least 1 item"),
        ({"method": [{"wait": "10s"}]}, "nothing would be tested"),
        ({"method": [{"fault": "vectors_down", "lasts": "9s"}, {"wait": "10s"}]}, "ends with a fault"),
        ({"control": "null_drill"}, "breaks nothing"),
        (
            {
                "control": "null_drill",
                "method": [{"wait": "60s"}],
                "expect": {"alerts": [{"name": "A", "detect_within": "9s"}]},
            },
            "expects no alert",
        ),
        ({"control": "muted"}, "needs an alert"),
        (
            {
                "control": "muted",
                "expect": {"alerts": [{"name": "A", "detect_within": "9s", "told": False}]},
            },
            "somebody is to be told",
        ),
        ({"control": "breaker_off", "method": [{"fault": "nothing", "lasts": "9s"}]}, "needs a fault"),
        ({"expect": {"alerts": [{"name": "A", "detect_within": "9s"}] * 2}}, "the alert `A` stands twice"),
    ],
)
def test_a_drill_that_would_test_nothing_is_refused(changes, message):
    """Vacuous ones are green for ever."""
    with pytest.raises(ValueError, match=message):
        drill(**changes)


def test_a_null_drill_and_a_drill_of_probes_need_no_fault():
    """The one shows that alerts are quiet, the other asks."""
    null = drill(control="null_drill", method=[{"wait": "60s"}])
    probes = drill(probes=[{"name": "up", "url": "http://127.0.0.1/"}], method=[{"wait": "60s"}])

    assert (null.parts, probes.parts) == ((), ())
    assert forecast_minutes(null) == 0


def test_what_a_drill_may_cost_follows_from_what_may_miss():
    """A whole outage of a minute at 99.5 % is what may fail in 200 minutes."""
    outage = drill(steady_state={"max_share": 1})

    assert forecast_minutes(outage) == pytest.approx(200)
    assert forecast_minutes(drill()) == pytest.approx(1)
    assert forecast_minutes(drill(budget={"sli_minutes": 7})) == 7
    assert spent_minutes(bad=1500, usual_per_second=25, availability=0.995) == pytest.approx(200)
    assert spent_minutes(bad=0, usual_per_second=0, availability=0.995) == 0


def test_drills_of_a_folder_are_read_with_every_problem_at_once(tmp_path):
    """Unknown faults, alerts that come too late, and two files of one name."""
    (tmp_path / "good.yaml").write_text(WHOLE)
    (tmp_path / "good.yml").write_text(WHOLE)
    (tmp_path / "odd.yaml").write_text(
        WHOLE.replace("vectors_down", "vector_down").replace("detect_within: 60s", "detect_within: 3m")
    )
    (tmp_path / "broken.yaml").write_text("title: [")

    with pytest.raises(UsageError) as caught:
        load_drills(tmp_path, faults=FAULTS)

    found = {(each.code, each.location.line if each.location else None) for each in caught.value.findings}
    assert found == {("CFG001", 2), ("CHA011", 9), ("CHA012", 19), ("CHA015", None)}
    assert caught.value.code == "CHA010"
    assert "did you mean `vectors_down`?" in {each.fix for each in caught.value.findings}


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31m", "a" * 101, os.fsdecode(b"\xff")])
def test_a_drill_whose_name_nobody_can_type_is_refused(tmp_path, name):
    """It becomes that of records, pages and leases."""
    (tmp_path / f"{name}.yaml").write_text(WHOLE)

    with pytest.raises(UsageError) as caught:
        load_drills(tmp_path, faults=FAULTS)

    assert caught.value.code == "CFG009"


def test_what_is_no_folder_holds_no_drills_and_an_editors_file_is_none(tmp_path):
    """The shipped drills would take the place of those that somebody means."""
    (tmp_path / "file").write_text("")
    (tmp_path / ".#mine.yaml").write_text("half a book: [")

    with pytest.raises(UsageError) as caught:
        load_drills(tmp_path / "file")

    assert caught.value.code == "CFG008"
    assert load_drills(tmp_path) == ()


def test_what_a_fault_does_not_take_or_lacks_is_found(tmp_path):
    """By the signature of its own function."""

    def apply(_ground: object, *, factor: float, kind: str = "new") -> None:
        del factor, kind

    known = Fault(name="pressed", code="FLT999", title="t", apply=apply, undo=lambda _: None, explanation="")
    path = tmp_path / "drill.yaml"
    text = "title: x\nmethod:\n  - {fault: pressed, with: {factor: 3, much: 1}, lasts: 60s}\n  - {fault: pressed, lasts: 60s}\n"
    path.write_text(text)

    with pytest.raises(UsageError) as caught:
        load_drill(path, faults={"pressed": known})

    assert [(each.code, each.title) for each in caught.value.findings] == [
        ("CHA017", "`pressed` takes no `much`"),
        ("CHA017", "`pressed` needs `factor`"),
    ]
    path.write_text(
        text.replace(", much: 1", "").replace("pressed, lasts", "pressed, with: {factor: 2}, lasts")
    )
    assert len(load_drill(path, faults={"pressed": known}).drill.parts) == 2


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("opsctl stack start vectors", "systemctl restart qdrant", "CHA063", 22),
        ("opsctl stack start vectors", "opsctl stack 'start", "CHA063", 22),
        ("every: 5s", "timeout: 1m", "CHA022", 16),
    ],
)
def test_what_would_only_fail_in_the_middle_of_a_drill_is_found_before(tmp_path, old, new, code, line):
    """A mitigation that is none, a quote without its end, a probe for which no lease waits."""
    path = tmp_path / "drill.yaml"
    path.write_text(WHOLE.replace(old, new))

    with pytest.raises(UsageError) as caught:
        load_drill(path, faults=FAULTS)

    (found,) = caught.value.findings
    assert (found.code, found.location.line if found.location else None) == (code, line)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("url", url) for url in ("http://[::1/", "http://h:99999/", "http://h:0/", "http://a..b/", "http://xn--/", "http://:80/")),
        *(("pattern", pattern) for pattern in ("(" * 500 + ")" * 500, "a{99999999999999999999}", "(", "(?P<a>x)(?P<a>y)")),
    ],
)  # fmt: skip
def test_a_probe_that_could_never_be_asked_is_refused(key, value):
    """The client, or the compiler of patterns, would end the drill in its own words."""
    given = {"name": "one", "url": "http://127.0.0.1/"} | {key: value}

    with pytest.raises(ValidationError, match=r"no web address|no regular expression|should match pattern"):
        Probe.model_validate(given)


@pytest.mark.parametrize("value", ["two", "'2'", "true", "[1]", "1.5", "0", "-1"])
def test_a_value_that_a_fault_could_not_work_with_is_found_before_anything_is_broken(tmp_path, value):
    """It would end the drill in the middle, or break nothing."""
    path = tmp_path / "drill.yaml"
    text = "title: x\nmethod:\n  - fault: workers_killed\n    with:\n      how_many: VALUE\n    lasts: 60s\n"
    path.write_text(text.replace("VALUE", value))

    with pytest.raises(UsageError) as caught:
        load_drill(path)

    (found,) = caught.value.findings
    assert (found.code, found.location.line if found.location else None) == ("CHA017", 5)
    assert "`how_many` of `workers_killed` is a whole number above zero, not " in found.title
    path.write_text(text.replace("VALUE", "2"))
    assert load_drill(path).drill.parts[0].parameters == {"how_many": 2}


@pytest.mark.parametrize(
    ("together", "changes"),
    [
        (("abuse", "cache_stampede"), "who presses beside the readers"),
        (("overload", "traffic_stopped"), "how often readers ask"),
    ],
)
def test_two_faults_together_that_change_who_asks_are_refused(tmp_path, together, changes):
    """The later would overwrite the earlier; one after the other they may."""
    path, (one, other) = tmp_path / "drill.yaml", together
    path.write_text(
        f"title: x\nmethod:\n  - {{together: [{{fault: {one}}}, {{fault: {other}}}], lasts: 60s}}\n"
    )

    with pytest.raises(UsageError) as caught:
        load_drill(path)

    assert [(each.code, each.title) for each in caught.value.findings] == [
        ("CHA018", f"`{one}` and `{other}` both change {changes}")
    ]
    path.write_text(
        f"title: x\nmethod:\n  - {{fault: {one}, lasts: 60s}}\n  - {{fault: {other}, lasts: 60s}}\n"
    )
    assert len(load_drill(path).drill.parts) == 2


def test_more_restarts_at_least_than_are_allowed_are_refused():
    """No drill could be held."""
    with pytest.raises(ValueError, match="more than `restarts_allowed`"):
        drill(expect={"restarts_at_least": 1})


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("ends_within: 20s", "ends_within: 3m", "CHA013"),
        ("for: 10s", "for: 5m", "CHA014"),
    ],
)
def test_what_the_fault_is_too_short_for_is_found(tmp_path, old, new, code):
    """It could never happen, and nobody would notice."""
    path = tmp_path / "drill.yaml"
    path.write_text(WHOLE.replace(old, new))

    with pytest.raises(UsageError) as caught:
        load_drill(path, faults=FAULTS)

    assert [finding.code for finding in caught.value.findings] == [code]


def test_drills_are_chosen_by_name_or_tag(tmp_path):
    """A wrong name is refused; so is a choice of nothing."""
    (tmp_path / "one.yaml").write_text(WHOLE)
    (tmp_path / "two.yaml").write_text(WHOLE.replace("[ci, nightly]", "[nightly]"))
    drills = load_drills(tmp_path, faults=FAULTS)

    assert [each.name for each in chosen(drills, names=["two"])] == ["two"]
    assert [each.name for each in chosen(drills, tags=["ci"])] == ["one"]
    assert len(chosen(drills)) == 2
    for wrong in ({"names": ["three"]}, {"tags": ["weekly"]}):
        with pytest.raises(UsageError, match="there is no drill"):
            chosen(drills, **wrong)


def test_the_digest_follows_what_the_book_says_and_not_how_it_is_written(tmp_path):
    """An old proof shows when the drill changes."""
    path = tmp_path / "one.yaml"
    digests = []
    for text in (WHOLE, "# a word\n" + WHOLE, WHOLE.replace("90s", "91s")):
        path.write_text(text)
        digests.append(load_drill(path, faults=FAULTS).digest)

    assert digests[0] == digests[1] != digests[2]


def test_the_plain_drill_of_the_tests_is_right():
    """Others build on it."""
    assert Drill.model_validate(PLAIN).steady_state.allowed_share == pytest.approx(0.005)
