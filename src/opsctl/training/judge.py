"""Is an exercise done: each of its goals held against the real state?"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from opsctl.core.errors import OpsError
from opsctl.evidence.model import Record
from opsctl.training.book import Answer, Exercise, Goal, Proof, Seen, State


class Fate(StrEnum):
    """What came of a goal; `unknown` is what nobody could look at, and never counts as done."""

    DONE = "done"
    NOT_YET = "not yet"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A goal in a few words, what came of it, and what to do about it."""

    goal: str
    fate: Fate
    told: str | None = None


class World(Protocol):
    """What an exercise can look at."""

    def records(self, kind: str) -> Sequence[Record]:
        """Return the records of a kind that are newer than the start, the newest first; of a ledger that is whole."""
        ...

    def is_so(self, what: Seen) -> bool:
        """Tell whether something is so in the real state."""
        ...

    def prepared_answers(self, name: str) -> Sequence[str]:
        """Return what is right to answer to a question about what was prepared; nothing where none was kept."""
        ...


def judge(exercise: Exercise, *, world: World, answers: Mapping[str, str]) -> tuple[Judged, ...]:
    """Return what came of each goal; an error of the world makes its goal unknown, and the others are judged all the same."""
    return tuple(_judged(goal, world=world, answers=answers) for goal in exercise.done_when)


def is_done(judged: Sequence[Judged]) -> bool:
    """Tell whether every goal is reached."""
    return bool(judged) and all(each.fate is Fate.DONE for each in judged)


def _judged(goal: Goal, *, world: World, answers: Mapping[str, str]) -> Judged:
    match goal:
        case Proof():
            return _looked(f"evidence of {goal.proven_by}", lambda: _is_proven(goal, world), goal.otherwise)
        case State():
            return _looked(goal.seen.replace("_", " "), lambda: world.is_so(goal.seen), goal.otherwise)
        case Answer():
            return _answered(goal, world=world, given=answers.get(goal.answer))


def _looked(goal: str, look: Callable[[], bool], otherwise: str) -> Judged:
    try:
        is_so = look()
    except OpsError as error:
        told = f"{error.message}; {error.fix}" if error.fix else error.message
        return Judged(goal=goal, fate=Fate.UNKNOWN, told=told)
    return Judged(goal=goal, fate=Fate.DONE if is_so else Fate.NOT_YET, told=None if is_so else otherwise)


def _is_proven(proof: Proof, world: World) -> bool:
    return any(
        record.verdict in proof.verdicts and proof.subject in (None, record.subject)
        for record in world.records(proof.proven_by)
    )


def _answered(goal: Answer, *, world: World, given: str | None) -> Judged:
    name = f"answer {goal.answer}"
    if given is None:
        return Judged(
            goal=name, fate=Fate.NOT_YET, told=f"{goal.question} Answer with --answer {goal.answer}=..."
        )
    try:
        right = _right_answers(goal, world)
    except OpsError as error:
        return Judged(goal=name, fate=Fate.UNKNOWN, told=error.message)
    if not right:
        return Judged(goal=name, fate=Fate.NOT_YET, told="there is nothing yet to hold the answer against")
    is_right = any(is_same(given, each, within=goal.within) for each in right)
    return Judged(
        goal=name, fate=Fate.DONE if is_right else Fate.NOT_YET, told=None if is_right else goal.otherwise
    )


def _right_answers(goal: Answer, world: World) -> Sequence[Any]:
    if goal.figure is None or goal.of is None:
        return world.prepared_answers(goal.answer)
    newest = next(iter(world.records(goal.of)), None)
    found = None if newest is None else newest.figures.get(goal.figure)
    return () if found is None else (found,)


def is_same(given: str, right: Any, *, within: float) -> bool:
    """Tell whether an answer is right: numbers within a part of the right one, with or without a unit; words whole.

    >>> is_same("41.2 ms", 41.0, within=0.02), is_same("39", 41.0, within=0.02), is_same("nan", 41.0, within=0.02)
    (True, False, False)
    >>> is_same(" Vectors ", "vectors", within=0.0), is_same("", "vectors", within=0.0)
    (True, False)
    """
    text = _bare(given)
    if isinstance(right, int | float) and not isinstance(right, bool):
        try:
            number = float(text.partition(" ")[0].removesuffix("ms").replace(",", ""))
        except ValueError:
            return False
        return math.isfinite(number) and abs(number - right) <= within * abs(right)
    return text == _bare(str(right))


def _bare(text: str) -> str:
    """Return words without what people write in several ways: case, spaces, underscores for spaces."""
    return " ".join(text.casefold().replace("_", " ").split())
