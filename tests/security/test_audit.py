"""The audit as a whole: three answers and a fourth by waiver, and nothing that one check does can end the others."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema_rs import validator_for
from syrupy.assertion import SnapshotAssertion
from tests.fakes.clock import FakeClock
from tests.security.audited_project import NOW, AuditedProject
from tests.security.sarif_rules import RULES

from opsctl.core.errors import NotReadyError, UsageError
from opsctl.core.events import Event, PhaseAdvanced, PhaseFinished, PhaseStarted, ignore
from opsctl.core.findings import Location
from opsctl.evidence.model import Verdict, canonical_json
from opsctl.security import checks as checks_package
from opsctl.security.audit import Audit, audit
from opsctl.security.context import Context
from opsctl.security.junit import to_junit
from opsctl.security.model import (
    Answer,
    CannotTellError,
    SecurityCheck,
    State,
    Trouble,
    Weight,
    could_not_tell,
    failed,
    passed,
)
from opsctl.security.project_files import shown
from opsctl.security.proof import evidence_of, figures_of
from opsctl.security.registry import CHECKS, chosen
from opsctl.security.sarif import to_sarif
from opsctl.security.standards import ASVS, OWASP
from opsctl.security.waiver_book import Waiver, WaiverBook
from opsctl.security.waivers import require_known

TODAY = NOW.date()


def check(code: str, look: Callable[[Context], Answer], *, weight: Weight = Weight.HIGH) -> SecurityCheck:
    """Return a check that answers so."""
    return SecurityCheck(
        code=code,
        title=f"title of {code}",
        weight=weight,
        owasp="A02",
        asvs=("V13.3.1",),
        look=look,
        explanation=f"Is {code} right?\n\nMore.",
    )


def raising(error: Exception) -> Callable[[Context], Answer]:
    """Return a look that raises."""

    def look(_context: Context) -> Answer:
        raise error

    return look


def bad(*places: str) -> Callable[[Context], Answer]:
    """Return a look that fails at these places."""
    troubles = tuple(
        Trouble(title=f"wrong at {each}", place=each, location=Location(file=each, line=3)) for each in places
    )
    return lambda _context: failed("something is wrong", mend="mend it", troubles=troubles)


def waiver(code: str = "SEC901", **changes: Any) -> Waiver:
    """Return a waiver that holds."""
    values = {
        "code": code,
        "owner": "Ada",
        "reason": "nobody can reach it",
        "expires": TODAY + timedelta(days=30),
    }
    return Waiver.model_validate(values | changes)


@pytest.fixture
def run(project: AuditedProject) -> Callable[..., Audit]:
    """Give a way to audit with some checks and waivers."""

    def audited(*asked: SecurityCheck, waivers: tuple[Waiver, ...] = ()) -> Audit:
        return audit(asked, context=project.context(), waivers=waivers, clock=FakeClock(), listener=ignore)

    return audited


GOOD = check("SEC900", lambda _context: passed("all is well"))
BAD = check("SEC901", bad("a.txt", "tests/b.txt"))
DARK = check("SEC902", lambda _context: could_not_tell("it is dark", mend="switch on the light"))


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [
        ([GOOD], Verdict.PASS),
        ([GOOD, DARK], Verdict.INCONCLUSIVE),
        ([GOOD, DARK, BAD], Verdict.FAIL),
        ([], Verdict.INCONCLUSIVE),
    ],
)
def test_the_worst_answer_is_the_verdict(
    run: Callable[..., Audit], asked: list[SecurityCheck], verdict: Verdict
) -> None:
    """A failure before what could not be told, and nothing asked is nothing told."""
    assert run(*asked).verdict is verdict


@pytest.mark.parametrize(
    ("error", "reason", "mend"),
    [
        (CannotTellError("no log", mend="write one"), "no log", "write one"),
        (
            NotReadyError("no database answers", code="DBS001", why="refused", fix="start it"),
            "no database answers: refused",
            "start it",
        ),
    ],
)
def test_a_check_that_breaks_could_not_tell_and_the_others_go_on(
    run: Callable[..., Audit], error: Exception, reason: str, mend: str
) -> None:
    """Whatever it raises."""
    found = run(check("SEC903", raising(error)), BAD)

    broken, after = found.checked
    assert (broken.state, broken.reason, broken.mend) == (State.UNKNOWN, reason, mend)
    assert after.state is State.FAIL


def test_of_a_check_with_a_defect_kind_and_place_are_told_and_never_its_text(
    run: Callable[..., Audit],
) -> None:
    """The text of an exception quotes what it stumbled over: an address with its password, a line of a secret file."""
    (broken,) = run(check("SEC903", raising(ValueError("postgresql://me:hunter2@host/db")))).checked

    assert broken.state is State.UNKNOWN
    assert re.fullmatch(r"the check itself broke: ValueError at \w+\.py:\d+", broken.reason)
    assert broken.mend == "this is a defect of SEC903 in opsctl; please report it"


def test_progress_is_told_check_by_check(project: AuditedProject) -> None:
    """One event each, between the beginning and the end."""
    heard = list[Event]()

    audit([GOOD, BAD], context=project.context(), waivers=(), clock=FakeClock(), listener=heard.append)

    kinds = [type(event) for event in heard]
    assert kinds == [PhaseStarted, PhaseAdvanced, PhaseAdvanced, PhaseFinished]


def test_what_looks_at_traces_is_asked_last_and_shown_in_its_place(project: AuditedProject) -> None:
    """Logs and ports are there once the others have let the service run."""
    asked = list[str]()

    def look_of(code: str) -> Callable[[Context], Answer]:
        def look(_context: Context) -> Answer:
            asked.append(code)
            return passed("well")

        return look

    some = [check(code, look_of(code)) for code in ("SEC901", "SEC902", "SEC903")]
    some[0] = replace(some[0], is_last=True)

    found = audit(some, context=project.context(), waivers=(), clock=FakeClock(), listener=ignore)

    assert asked == ["SEC902", "SEC903", "SEC901"]
    assert [each.check.code for each in found.checked] == ["SEC901", "SEC902", "SEC903"]


def test_a_failure_names_what_is_wrong() -> None:
    """One that names nothing could not be waived or mended."""
    with pytest.raises(ValueError, match="at least one trouble"):
        failed("bad", mend="mend", troubles=())


def test_a_waiver_covers_the_places_that_it_names(run: Callable[..., Audit]) -> None:
    """What is left still fails; all covered is `waived`, which is no failure."""
    part = run(BAD, waivers=(waiver(place="tests/*"),))
    whole = run(BAD, waivers=(waiver(),))

    assert (part.checked[0].state, [each.place for each in part.checked[0].troubles]) == (
        State.FAIL,
        ["a.txt"],
    )
    assert (whole.checked[0].state, whole.verdict) == (State.WAIVED, Verdict.PASS)
    assert len(whole.checked[0].accepted) == 2


def test_a_waiver_of_a_failure_does_not_cover_what_could_not_be_told(run: Callable[..., Audit]) -> None:
    """Nor the other way round: each says what it accepts."""
    of_failure, of_unknown = waiver("SEC902"), waiver("SEC902", state="unknown")

    assert run(DARK, waivers=(of_failure,)).checked[0].state is State.UNKNOWN
    assert run(DARK, waivers=(of_unknown,)).checked[0].state is State.WAIVED
    assert run(BAD, waivers=(waiver(state="unknown"),)).checked[0].state is State.FAIL


def test_parts_of_what_could_not_be_told_are_waived_by_their_place(run: Callable[..., Audit]) -> None:
    """Those that no waiver names stay unknown."""
    troubles = tuple(Trouble(title="gone", place=each) for each in ("a", "b"))
    dark = check("SEC904", lambda _context: could_not_tell("dark", mend="light", troubles=troubles))

    some = run(dark, waivers=(waiver("SEC904", state="unknown", place="a"),))
    every = run(dark, waivers=(waiver("SEC904", state="unknown", place="?"),))

    assert (some.checked[0].state, [each.place for each in some.checked[0].troubles]) == (
        State.UNKNOWN,
        ["b"],
    )
    assert every.checked[0].state is State.WAIVED


@pytest.mark.parametrize(
    ("given", "state", "why"),
    [
        (waiver(expires=TODAY), State.WAIVED, None),
        (waiver(expires=TODAY - timedelta(days=1)), State.FAIL, "it ended on 2026-11-28"),
        (
            waiver(expires=date(2099, 1, 1)),
            State.FAIL,
            "it would end on 2099-01-01, more than 366 days from now",
        ),
    ],
)
def test_a_waiver_counts_until_its_last_day_and_is_told_afterwards(
    run: Callable[..., Audit], given: Waiver, state: State, why: str | None
) -> None:
    """Nor does one that would last for ever count."""
    found = run(BAD, waivers=(given,))

    assert found.checked[0].state is state
    assert [each.why for each in found.uncounted] == ([why] if why else [])


def test_a_waiver_that_covers_nothing_is_told(run: Callable[..., Audit]) -> None:
    """Of the checks that were asked: of the others nobody knows."""
    found = run(GOOD, waivers=(waiver("SEC900"), waiver("SEC901")))

    assert [(each.waiver.code, each.why) for each in found.uncounted] == [
        ("SEC900", "it covers nothing that was found")
    ]


@pytest.mark.parametrize("missing", ["code", "owner", "reason", "expires"])
def test_a_waiver_without_owner_reason_or_last_day_is_refused(missing: str) -> None:
    """By the model of the book, so by every command that reads it."""
    values = waiver().model_dump()
    del values[missing]

    with pytest.raises(ValueError, match=missing):
        Waiver.model_validate(values)


@pytest.mark.parametrize(
    "changes",
    [
        {"owner": "  "},
        {"reason": " " * 20},
        {"reason": "because"},
        {"expires": "soon"},
        {"expires": "2027-02-30"},
        {"expires": 20270301},
        {"expires": NOW},
        {"code": "ALR001"},
        {"place": ""},
    ],
)
def test_a_waiver_of_nonsense_is_refused(changes: dict[str, Any]) -> None:
    """Blank words, days that are none, other codes."""
    with pytest.raises(ValueError, match="validation error"):
        waiver(**changes)


def test_a_waiver_of_a_check_that_does_not_exist_is_refused() -> None:
    """It would cover nothing, and nobody would know."""
    with pytest.raises(UsageError, match="SEC999") as caught:
        require_known(WaiverBook(waivers=[waiver("SEC999")]), codes=["SEC901"], file="ops/waivers.yaml")

    assert caught.value.code == "SEC091"


def test_the_figures_have_the_shape_that_others_read(run: Callable[..., Audit]) -> None:
    """Counts and checks by the names of the contract, as JSON without NaN."""
    figures = figures_of(run(GOOD, BAD, DARK))

    assert figures["counts"] == {"pass": 1, "fail": 1, "unknown": 1, "waived": 0}
    names = {"code", "title", "state", "reason", "severity", "owasp", "asvs", "seconds"}
    assert [set(each) for each in figures["checks"]] == [names] * 3
    assert json.loads(canonical_json(figures)) == figures


def test_an_audit_counts_no_longer_than_the_waivers_that_it_rests_on(run: Callable[..., Audit]) -> None:
    """A waiver counts on its last day, too; one that covered nothing changes nothing."""

    def days(*waivers: Waiver) -> float:
        found = evidence_of(run(BAD, GOOD, waivers=waivers), only=(), inputs={}, started_at=NOW)
        return (NOW + found.valid_for).timestamp()

    last = TODAY + timedelta(days=3)
    ends = datetime.combine(last + timedelta(days=1), time.min, tzinfo=UTC).timestamp()
    assert days(waiver(expires=last)) == ends
    assert days(waiver(expires=last, place="a.txt"), waiver(place="tests/*")) == ends
    assert days(waiver(code="SEC900", expires=last)) == (NOW + timedelta(days=30)).timestamp()


def test_figures_of_two_checks_that_are_called_alike_are_both_kept(run: Callable[..., Audit]) -> None:
    """How many requests one sent is no figure of the other."""
    one, two = passed("well", requests=1), passed("well", requests=2)
    some = [check("SEC901", lambda _context: one), check("SEC902", lambda _context: two)]

    figures = figures_of(run(*some))

    assert (figures["SEC901"], figures["SEC902"]) == ({"requests": 1}, {"requests": 2})


def test_a_part_of_the_audit_is_no_proof_of_the_whole(run: Callable[..., Audit]) -> None:
    """Its record has a subject of its own."""
    whole = evidence_of(run(GOOD), only=(), inputs={}, started_at=NOW)
    part = evidence_of(run(GOOD), only=(GOOD, BAD), inputs={}, started_at=NOW)

    assert (whole.kind, whole.subject) == ("security.audit", "project")
    assert part.subject == "SEC900 SEC901"


def test_sarif(run: Callable[..., Audit], snapshot: SnapshotAssertion) -> None:
    """What passed, failed, could not be told and is waived are four different things."""
    found = run(GOOD, BAD, DARK, waivers=(waiver(place="tests/*"),))

    assert to_sarif(found, version="1.2.3") == snapshot


def test_sarif_keeps_the_rules_of_the_standard(run: Callable[..., Audit]) -> None:
    """Results point to their rules and to files that are written as addresses; only what failed is one."""
    everything = check("SEC905", bad("odd name ü.txt"), weight=Weight.LOW)
    document = json.loads(to_sarif(run(GOOD, BAD, DARK, everything), version="1"))

    (only,) = document["runs"]
    rules = only["tool"]["driver"]["rules"]
    assert [each["ruleId"] for each in only["results"]] == ["SEC901", "SEC901", "SEC905"]
    for result in only["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        (location,) = result["locations"]
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        assert uri.isascii()
        assert " " not in uri


def test_sarif_holds_what_its_schema_allows_and_nothing_else(run: Callable[..., Audit]) -> None:
    """Whatever files are called, and whatever a waiver says; all of it can be written as UTF-8."""
    odd = "a\udcff\x1b <b>ü%3f?.txt"
    hostile = check("SEC905", bad(shown(odd)), weight=Weight.LOW)
    said = waiver("SEC902", state="unknown", reason="\x1b[31m\u202e </script> because of it")
    document = to_sarif(run(GOOD, BAD, DARK, hostile, waivers=(waiver(place="tests/*"), said)), version="1")

    validator_for(RULES).validate(json.loads(document.encode()))


def test_what_could_not_be_told_is_no_result_of_sarif(run: Callable[..., Audit]) -> None:
    """But a notification of the run, and only a note when it is waived."""
    open_, waived = run(DARK), run(DARK, waivers=(waiver("SEC902", state="unknown"),))

    notes = []
    for found in (open_, waived):
        (only,) = json.loads(to_sarif(found, version="1"))["runs"]
        assert only["results"] == []
        notes += only["invocations"][0]["toolExecutionNotifications"]
    assert [each["level"] for each in notes] == ["warning", "note"]
    assert notes[0]["message"]["text"] == "could not tell: it is dark\nhint: switch on the light"
    assert notes[1]["message"]["text"].endswith("waived: nobody can reach it (Ada, until 2026-12-29)")


def test_junit(run: Callable[..., Audit]) -> None:
    """What could not be told is an error, what is waived is skipped, and odd characters keep it XML."""
    odd = check("SEC906", bad("a\x00<b>&"))
    found = run(GOOD, BAD, DARK, odd, waivers=(waiver(),))

    root = ET.fromstring(to_junit(found))  # noqa: S314 - our own text

    totals = {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert totals == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    kinds = [[child.tag for child in case] for case in root.iter("testcase")]
    assert kinds == [[], ["skipped"], ["error"], ["failure"]]


def test_every_check_has_a_file_and_every_file_a_check() -> None:
    """Found by reading the registry; the code is in the name of the file, and no code comes twice."""
    folder = Path(checks_package.__file__).parent
    files = sorted(path.name[:6].upper() for path in folder.glob("sec*.py"))

    assert files == [each.code for each in CHECKS]
    assert len(set(files)) == len(files)


@pytest.mark.parametrize("each", CHECKS, ids=lambda each: each.code)
def test_every_check_says_what_it_asks_and_to_which_rows_it_answers(each: SecurityCheck) -> None:
    """The first line is a question; rows are those of the standards, of level 1 or 2."""
    assert each.explanation.split("\n\n")[0].endswith("?")
    assert each.owasp in OWASP
    assert each.asvs
    assert all(ASVS[row][0] <= 2 for row in each.asvs)
    assert len(each.title) < 50


def test_checks_are_chosen_by_their_codes() -> None:
    """In the order of the registry, in either case; an unknown one names the nearest."""
    assert chosen([]) == CHECKS
    assert [each.code for each in chosen(["sec013", "SEC006", "SEC006"])] == ["SEC006", "SEC013"]
    with pytest.raises(UsageError, match="SEC0O6"):
        chosen(["SEC0O6"])
