"""Is an exercise done: judged by what is really so, and never by what nobody did."""

import doctest
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl import assets
from opsctl.config.load import load_book
from opsctl.core.errors import FailedError
from opsctl.evidence.model import Record, Verdict
from opsctl.training import judge as module
from opsctl.training.book import Answer, Exercise, Proof, Seen, State
from opsctl.training.judge import Fate, is_done, is_same, judge

SHIPPED = {
    path.stem: load_book(path, Exercise) for path in sorted(assets.watching()["ops/training"].glob("*.yaml"))
}
NOW = datetime(2026, 11, 29, tzinfo=UTC)


def _record(
    kind: str, *, subject: str = "x", verdict: str = "pass", figures: Mapping[str, Any] | None = None
) -> Record:
    return Record(
        sequence=2,
        id="r",
        kind=kind,
        subject=subject,
        verdict=Verdict(verdict),
        figures=figures or {},
        inputs={},
        tools={},
        git_commit=None,
        started_at=NOW,
        duration_seconds=1.0,
        recorded_at=NOW,
        expires_at=NOW + timedelta(days=7),
    )


class ScriptedWorld:
    """A world in which so much is so."""

    def __init__(
        self,
        *,
        records: Sequence[Record] = (),
        so: frozenset[Seen] = frozenset(),
        prepared: Mapping[str, Sequence[str]] | None = None,
    ):
        self._records, self._so, self._prepared = records, so, prepared or {}

    def records(self, kind: str) -> Sequence[Record]:
        """Return those of the kind."""
        return [each for each in self._records if each.kind == kind]

    def is_so(self, what: Seen) -> bool:
        """Tell what was written into the script."""
        return what in self._so

    def prepared_answers(self, name: str) -> Sequence[str]:
        """Return what was prepared."""
        return self._prepared.get(name, ())


class BlindWorld(ScriptedWorld):
    """A world that nobody can look at."""

    def records(self, kind: str) -> Sequence[Record]:
        """Fail."""
        raise FailedError("the ledger is not whole", code="TRN003")

    def is_so(self, what: Seen) -> bool:
        """Fail."""
        raise FailedError("the database does not answer", code="TRN003", fix="opsctl stack up")


def _finished(exercise: Exercise) -> tuple[ScriptedWorld, dict[str, str]]:
    """Return a world in which everything was done, and the right answers."""
    proofs = [goal for goal in exercise.done_when if isinstance(goal, Proof)]
    asked = [goal for goal in exercise.done_when if isinstance(goal, Answer)]
    figures = {goal.figure: 41.0 for goal in asked if goal.figure}
    records = [_record(goal.proven_by, subject=goal.subject or "x", figures=figures) for goal in proofs]
    so = frozenset(goal.seen for goal in exercise.done_when if isinstance(goal, State))
    prepared = {goal.answer: ["right"] for goal in asked if not goal.figure}
    answers = {goal.answer: "41" if goal.figure else "right" for goal in asked}
    return ScriptedWorld(records=records, so=so, prepared=prepared), answers


def test_the_examples_in_docstrings_hold():
    """They are what people read first."""
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("name", SHIPPED)
def test_nobody_passes_by_doing_nothing(name: str):
    """Not a single goal of any exercise is reached in a world in which nothing has happened."""
    exercise = SHIPPED[name]
    _, answers = _finished(exercise)

    for given_answers in ({}, answers):
        judged = judge(exercise, world=ScriptedWorld(), answers=given_answers)
        assert [each.fate for each in judged] == [Fate.NOT_YET] * len(exercise.done_when)
        assert all(each.told for each in judged), "what is open says what to do"
        assert not is_done(judged)


@pytest.mark.parametrize("name", SHIPPED)
def test_whoever_does_all_of_it_passes(name: str):
    """And who leaves one answer out does not."""
    exercise = SHIPPED[name]
    world, answers = _finished(exercise)

    assert is_done(judge(exercise, world=world, answers=answers))
    for left_out in answers:
        rest = {each: value for each, value in answers.items() if each != left_out}
        assert not is_done(judge(exercise, world=world, answers=rest))
        assert not is_done(judge(exercise, world=world, answers=answers | {left_out: "wrong"}))


@pytest.mark.parametrize("name", SHIPPED)
def test_what_nobody_can_see_is_unknown_and_never_done(name: str):
    """An error is told with its next step."""
    exercise = SHIPPED[name]
    _, answers = _finished(exercise)

    judged = judge(exercise, world=BlindWorld(), answers=answers)

    assert not is_done(judged)
    looked_at = [
        each for each, goal in zip(judged, exercise.done_when, strict=True) if not isinstance(goal, Answer)
    ]
    assert {each.fate for each in looked_at} <= {Fate.UNKNOWN}


def test_a_record_of_another_subject_or_verdict_proves_nothing():
    """A failed backup is no backup."""
    exercise = SHIPPED["back_to_a_point"]
    others = [
        _record("dr.drill", subject="both_lost"),
        _record("dr.drill", subject="wrong_deletes", verdict="fail"),
    ]

    assert not is_done(judge(exercise, world=ScriptedWorld(records=others), answers={}))


@given(st.text(max_size=40))
def test_any_text_is_an_answer_or_none(text: str):
    """Without an error, whatever it holds; to a number only a number is right."""
    assert isinstance(is_same(text, 41.0, within=0.02), bool)
    assert is_same(text, text or "x", within=0.0) == bool(text) or not text


@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "-41", "4100", "p99", "41 41 41 or so, but not 41x".replace("41", "4x")]
)
def test_a_number_is_not_guessed(text: str):
    """Neither by none, nor by one that is of no size, nor by another."""
    assert not is_same(text, 41.0, within=0.02)


def test_the_path_is_whole():
    """Each exercise has its own place, hints, and pages that are there."""
    docs = assets.root() / "docs"

    assert len(SHIPPED) >= 8
    assert sorted(each.order for each in SHIPPED.values()) == list(range(1, len(SHIPPED) + 1))
    assert all(each.hints for each in SHIPPED.values())
    missing = [page for each in SHIPPED.values() for page in each.read if not (docs / page).is_file()]
    assert missing == []
