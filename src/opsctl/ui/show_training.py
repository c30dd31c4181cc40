"""How do exercises look: the path with who has done what, a start, and what is not yet done."""

from collections.abc import Sequence
from typing import Any, Protocol

from opsctl.core.exit_codes import ExitCode
from opsctl.training.attempt import Attempt
from opsctl.training.book import Exercise, asked_by
from opsctl.training.judge import Fate, Judged
from opsctl.ui.console import hint, note, out, print_line
from opsctl.ui.hanging import print_hanging
from opsctl.ui.table import show_table

_MARKS = {Fate.DONE: "✔", Fate.NOT_YET: "✘", Fate.UNKNOWN: "?"}


class ListedExercise(Protocol):
    """An exercise in the list."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def exercise(self) -> Exercise: ...  # noqa: D102
    @property
    def begun_by(self) -> str | None: ...  # noqa: D102
    @property
    def done_by(self) -> tuple[str, ...]: ...  # noqa: D102


class LookedAt(Protocol):
    """What a check has found."""

    @property
    def attempt(self) -> Attempt: ...  # noqa: D102
    @property
    def exercise(self) -> Exercise: ...  # noqa: D102
    @property
    def judged(self) -> tuple[Judged, ...]: ...  # noqa: D102
    @property
    def is_done(self) -> bool: ...  # noqa: D102
    @property
    def hint(self) -> str | None: ...  # noqa: D102


def show_exercises(found: Sequence[ListedExercise]) -> None:
    """Print the path."""
    from rich.markup import escape

    rows = [
        (
            each.name,
            f"{each.exercise.minutes} min",
            escape(each.exercise.title),
            escape(_who(each)),
        )
        for each in found
    ]
    show_table(("exercise", "takes", "practises", "done by"), rows)
    if found:
        hint(f"`opsctl training start {_next(found)} --as NAME` begins")
    else:
        note("there are no exercises; `opsctl init` writes them")


def show_plan(exercise: Exercise, *, told: str) -> None:
    """Print what a start would do."""
    print_line(f"{exercise.title}: {told}")


def show_start(name: str, exercise: Exercise, attempt: Attempt, *, pages: Sequence[str]) -> None:
    """Print what is to be done, where the pages are that help, and how it is checked."""
    from opsctl.ui.places import from_here

    print_line(f"{exercise.title} ({exercise.minutes} min)")
    _hang(exercise.why, indent=0)
    print_line("")
    _hang("read first: " + ", ".join(from_here(page) for page in pages), indent=12)
    prefix = attempt.facts.get("prefix")
    if prefix:
        print_line(f"the key that leaked begins with opk_{prefix}_")
    for number, task in enumerate(exercise.tasks, start=1):
        _hang(f"{number}. {task}", indent=3)
    answers = "".join(f" --answer {each}=..." for each in asked_by(exercise))
    hint(f"when it is done: opsctl training check {name} --as {attempt.person}{answers}; --hint gives a hint")


def show_check(looked: LookedAt) -> None:
    """Print what came of each goal, and what to do about those that are open."""
    for each in looked.judged:
        print_line(f"{_MARKS[each.fate]} {each.goal}: {each.fate}")
        if each.told:
            _hang(f"    {each.told}", indent=4)
    if looked.is_done:
        print_line(f"✔ {looked.exercise.title}: done by {looked.attempt.person}, and in the ledger")
        return
    if looked.hint:
        _hang(f"hint {looked.attempt.hints}: {looked.hint}", indent=8)
    elif looked.attempt.hints < len(looked.exercise.hints):
        attempt = looked.attempt
        hint(f"`opsctl training check {attempt.exercise} --as {attempt.person} --hint` gives a hint")
    else:
        hint("there are no more hints; the pages to read are those that the start named")


def _hang(text: str, *, indent: int) -> None:
    from rich.markup import escape

    print_hanging(out(), escape(text), indent=indent, has_commands=True)


def exit_code_of(looked: LookedAt) -> ExitCode:
    """Return how a check ends: what could not be seen is neither done nor undone."""
    if looked.is_done:
        return ExitCode.GOOD
    is_open = any(each.fate is Fate.NOT_YET for each in looked.judged)
    return ExitCode.BAD_VERDICT if is_open else ExitCode.INCONCLUSIVE


def document_of_list(found: Sequence[ListedExercise]) -> list[dict[str, Any]]:
    """Return the path as values."""
    return [
        {
            "name": each.name,
            "title": each.exercise.title,
            "minutes": each.exercise.minutes,
            "prepares": each.exercise.prepare,
            "begun_by": each.begun_by,
            "done_by": each.done_by,
        }
        for each in found
    ]


def document_of_start(
    name: str, exercise: Exercise, *, attempt: Attempt | None = None, told: str | None = None
) -> dict[str, Any]:
    """Return a start, or the plan of one, as values; what the trainee is to find out is not among them."""
    data: dict[str, Any] = {
        "exercise": name,
        "title": exercise.title,
        "read": exercise.read,
        "tasks": exercise.tasks,
    }
    if told is not None:
        data["will"] = told
    if attempt is not None:
        data |= {
            "person": attempt.person,
            "started_at": attempt.started_at,
            "prefix": attempt.facts.get("prefix"),
        }
    return data


def document_of_check(looked: LookedAt) -> dict[str, Any]:
    """Return a check as values."""
    return {
        "exercise": looked.attempt.exercise,
        "person": looked.attempt.person,
        "done": looked.is_done,
        "goals": [{"goal": each.goal, "fate": each.fate, "told": each.told} for each in looked.judged],
        "hint": looked.hint,
        "hints": looked.attempt.hints,
    }


def _who(each: ListedExercise) -> str:
    begun = f"{each.begun_by} is at it" if each.begun_by else ""
    return "; ".join(part for part in (", ".join(each.done_by), begun) if part) or "-"


def _next(found: Sequence[ListedExercise]) -> str:
    return next((each.name for each in found if not each.done_by), found[0].name)
