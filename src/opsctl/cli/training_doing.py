"""Which exercises are there, how does one begin, and is it done?"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from opsctl.training.attempt import Attempt
    from opsctl.training.book import Exercise
    from opsctl.training.judge import Judged

# What `NAME=VALUE` is, and a name that a list can show and a ledger keep.
_ANSWER = re.compile(r"(?P<name>[a-z][a-z0-9_]*)=(?P<value>.*)", re.DOTALL)
_PERSON = re.compile(r"[\w][\w .@-]{0,59}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An exercise, who has begun it, and who has done it so that it still counts."""

    name: str
    exercise: "Exercise"
    begun_by: str | None
    done_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a check has found, the hint that was asked for, and whether the exercise is done."""

    attempt: "Attempt"
    exercise: "Exercise"
    judged: "tuple[Judged, ...]"
    is_done: bool
    hint: str | None = None


def exercises() -> "dict[str, Exercise]":
    """Return the exercises of the project, or the shipped ones where it has none, in the order of the path.

    Raises:
        UsageError: CFG003 a book is wrong, CFG009 its name is.
    """
    from opsctl import assets
    from opsctl.cli import wiring
    from opsctl.config.folder import books_in
    from opsctl.config.load import is_missing, load_book
    from opsctl.training.book import Exercise

    settings = wiring.settings()
    folder = settings.root / settings.project.books.training
    chosen = assets.watching()["ops/training"] if is_missing(folder) else folder
    found = {path.stem: load_book(path, Exercise) for path in books_in(chosen).books}
    return dict(sorted(found.items(), key=lambda each: (each[1].order, each[0])))


def listed() -> tuple[Listed, ...]:
    """Return every exercise with who is at it, and who has done it."""
    from opsctl.cli import ledger_health, wiring
    from opsctl.training.attempt import TRAINING_KIND, read_attempt

    now = wiring.clock().now()
    done = [each for each in ledger_health.sound_records(kind=TRAINING_KIND) if not each.is_stale(now)]
    rows = []
    for name, exercise in exercises().items():
        begun = read_attempt(_folder(), name)
        people = [str(each.figures.get("person")) for each in done if each.subject == name]
        rows.append(
            Listed(
                name=name,
                exercise=exercise,
                begun_by=begun.person if begun else None,
                done_by=tuple(dict.fromkeys(reversed(people))),
            )
        )
    return tuple(rows)


def planned(name: str, *, person: str, again: bool) -> tuple["Exercise", Any]:
    """Return an exercise and what its start would do.

    Raises:
        UsageError: TRN001 there is none, TRN003 somebody is at it, TRN006 nobody's name.
    """
    from opsctl.cli.training_preparing import plan
    from opsctl.training.attempt import read_attempt

    exercise = _exercise(name)
    _require_person(person)
    begun = None if again else read_attempt(_folder(), name)
    if begun is not None:
        raise UsageError(
            f"{begun.person} has begun `{name}` already",
            code="TRN003",
            fix=f"go on: opsctl training check {name} --as {begun.person}; or begin anew with --again",
        )
    return exercise, plan(exercise.prepare)


def pages_of(exercise: "Exercise") -> list[str]:
    """Return where the pages are that an exercise wants to be read: here, in the checkout, or only by their name.

    An installed package has the runbooks alone, which every project has a copy of.
    """
    from opsctl import assets
    from opsctl.cli import wiring

    found = []
    for page in exercise.read:
        places = (wiring.settings().root / "docs" / page, assets.root() / "docs" / page)
        found.append(next((str(path) for path in places if path.is_file()), f"docs/{page} of the repository"))
    return found


def start(name: str, *, person: str, again: bool, confirm: str | None) -> tuple["Exercise", "Attempt"]:
    """Prepare the stack, and keep who began when.

    What was planned is written down before it is done, so that a start that is killed leaves nothing unknown.
    """
    from opsctl.cli import wiring
    from opsctl.cli.training_preparing import require_confirmed
    from opsctl.evidence.model import digest_of
    from opsctl.training.attempt import Attempt, write_attempt

    exercise, plan = planned(name, person=person, again=again)
    require_confirmed(exercise.prepare, exercise=name, person=person, confirm=confirm)
    attempt = Attempt(
        exercise=name,
        digest=digest_of(exercise.model_dump(mode="json")),
        person=person,
        started_at=wiring.clock().now(),
        sequence=_newest_sequence(),
        facts=plan.facts,
    )
    write_attempt(_folder(), attempt)
    more = plan.perform()
    attempt = replace(
        attempt,
        started_at=wiring.clock().now(),
        sequence=_newest_sequence(),
        facts={**plan.facts, **more},
        is_prepared=True,
    )
    write_attempt(_folder(), attempt)
    return exercise, attempt


def check(name: str, *, person: str, answers: Sequence[str], wants_hint: bool) -> Looked:
    """Look whether an exercise is done; when it is, that is recorded.

    Raises:
        UsageError: TRN001 there is none, TRN003 it was not begun by this person, TRN006 no answer.
    """
    from opsctl.cli import wiring
    from opsctl.cli.training_world import LocalWorld
    from opsctl.training.attempt import (
        remove_attempt,
        training_evidence,
        with_check,
        with_hint,
        write_attempt,
    )
    from opsctl.training.judge import is_done, judge

    exercise, attempt = _begun(name, person=person)
    judged = judge(exercise, world=LocalWorld(attempt), answers=_parsed(answers, exercise))
    if is_done(judged):
        wiring.record(training_evidence(attempt, now=wiring.clock().now()))
        remove_attempt(_folder(), name)
        return Looked(attempt=attempt, exercise=exercise, judged=judged, is_done=True)
    hint = exercise.hints[attempt.hints] if wants_hint and attempt.hints < len(exercise.hints) else None
    attempt = with_hint(attempt) if hint else with_check(attempt)
    write_attempt(_folder(), attempt)
    return Looked(attempt=attempt, exercise=exercise, judged=judged, is_done=False, hint=hint)


def _exercise(name: str) -> "Exercise":
    import difflib

    found = exercises()
    if name in found:
        return found[name]
    close = difflib.get_close_matches(name, found, n=1)
    raise UsageError(
        f"there is no exercise `{name}`",
        code="TRN001",
        fix=f"did you mean `{close[0]}`?" if close else "`opsctl training list` shows all",
    )


def _begun(name: str, *, person: str) -> "tuple[Exercise, Attempt]":
    from opsctl.evidence.model import digest_of
    from opsctl.training.attempt import read_attempt

    exercise = _exercise(name)
    attempt = read_attempt(_folder(), name)
    if attempt is None or attempt.person != person:
        raise UsageError(
            f"`{name}` was begun by {attempt.person}, not by {person}"
            if attempt
            else f"nobody has begun `{name}`",
            code="TRN003",
            why="only what comes after the start counts",
            fix=f"opsctl training start {name} --as {person}{' --again' if attempt else ''}",
        )
    if not attempt.is_prepared:
        raise UsageError(
            f"the start of `{name}` did not come to its end",
            code="TRN003",
            why="what the exercise asks for may be so because nothing was broken",
            fix=f"begin anew: opsctl training start {name} --as {person} --again",
        )
    if attempt.digest != digest_of(exercise.model_dump(mode="json")):
        raise UsageError(
            f"the book of `{name}` was changed since it was begun",
            code="TRN003",
            fix=f"begin anew: opsctl training start {name} --as {person} --again",
        )
    return exercise, attempt


def _parsed(answers: Sequence[str], exercise: "Exercise") -> Mapping[str, str]:
    from opsctl.training.book import asked_by

    asked = asked_by(exercise)
    found = {}
    for text in answers:
        match = _ANSWER.fullmatch(text)
        if match is None or match["name"] not in asked:
            raise UsageError(
                f"`{text}` answers nothing that is asked here",
                code="TRN006",
                fix=f"one of: {', '.join(f'--answer {each}=...' for each in asked)}"
                if asked
                else "leave --answer out",
            )
        found[match["name"]] = match["value"]
    return found


def _require_person(person: str) -> None:
    if _PERSON.fullmatch(person) is None:
        raise UsageError(
            f"`{person}` is no name that a list can show", code="TRN006", fix="letters and digits: --as anna"
        )


def _newest_sequence() -> int:
    from opsctl.cli import wiring

    newest = wiring.ledger().records(limit=1)
    return newest[0].sequence if newest else 0


def _folder() -> Path:
    from opsctl.cli import wiring

    return wiring.settings().home / "training"
