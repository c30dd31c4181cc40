"""How are routines looked up, their commands run, and kept as done?"""

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import UsageError
from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.checklist.book import ChecklistBook
    from opsctl.checklist.book_routines import Rhythm, Routine
    from opsctl.checklist.routines import Standing
    from opsctl.evidence.model import Record

_LIMIT_SECONDS = 600.0


def routine(name: str | None, *, run: bool, signed: tuple[str, str] | None, json: bool) -> None:
    """Show one routine, or all in short; run and keep it where that was asked for."""
    from opsctl.checklist.routines import Due, seen
    from opsctl.cli import checklist_books
    from opsctl.cli.exit import leave
    from opsctl.cli.filling import tell
    from opsctl.ui.show_routines import show_routine, show_standings

    book = checklist_books.book()
    chosen = _chosen(book, name)
    ran = _run(book.routines[chosen[0]]) if run else {}
    if signed is not None:
        _sign(book, chosen[0], account=signed[0], note=signed[1], ran=ran)
    records = checklist_books.verified_records()
    standings = _standings(book, chosen, records)
    data = [
        _document(each, [seen(step, records=records) for step in each.routine.steps], ran)
        for each in standings
    ]

    def show() -> None:
        if name is None:
            show_standings(standings)
            return
        figures = [seen(step, records=records) for step in standings[0].routine.steps]
        show_routine(standings[0], figures=figures, ran=ran)

    tell("opsctl.checklist.routine", data=data, json=json, show=show)
    leave(ExitCode.BAD_VERDICT if any(each.due is Due.OVERDUE for each in standings) else ExitCode.GOOD)


def _chosen(book: "ChecklistBook", name: str | None) -> "tuple[Rhythm, ...]":
    if name is None:
        return tuple(book.routines)
    found = tuple(rhythm for rhythm in book.routines if rhythm == name.lower())
    if not found:
        known = ", ".join(f"`{rhythm}`" for rhythm in book.routines) or "none; add `routines:` to the book"
        raise UsageError(f"there is no routine `{name}`", code="CHK110", fix=f"there are: {known}")
    return found


def _standings(
    book: "ChecklistBook", chosen: "Sequence[Rhythm]", records: "Sequence[Record]"
) -> "tuple[Standing, ...]":
    from opsctl.checklist.routines import standing
    from opsctl.cli import wiring

    roles = {name: account.role for name, account in book.accounts.items()}
    now = wiring.clock().now()
    return tuple(
        standing(rhythm, book.routines[rhythm], accounts=roles, records=records, now=now) for rhythm in chosen
    )


def _run(chosen: "Routine") -> Mapping[str, int]:
    """Run what a routine looks at, its output on stderr, and return how each ended; -1 of one that took too long."""
    from opsctl.cli import wiring
    from opsctl.clients.files import read_text, write_atomically
    from opsctl.clients.limited import run_limited
    from opsctl.ui.console import note
    from opsctl.ui.show_routines import show_output

    settings, ended = wiring.settings(), dict[str, int]()
    for number, step in enumerate(chosen.steps, start=1):
        if not step.run:
            continue
        words, log = " ".join(step.run), settings.home / "checklist" / "logs" / f"routine-{number}.log"
        note(f"opsctl {words}")
        write_atomically(log, "")
        done = run_limited(
            [sys.executable, "-m", "opsctl", "--project", str(settings.root), *step.run],
            folder=settings.root,
            environment={**os.environ, "NO_COLOR": "1", "OPSCTL_COLOR": "never"},
            log_path=log,
            limit_seconds=_LIMIT_SECONDS,
        )
        ended[words] = -1 if done.exit_code is None else done.exit_code
        show_output(read_text(log))
    return ended


def _sign(
    book: "ChecklistBook", rhythm: "Rhythm", *, account: str, note: str, ran: Mapping[str, int]
) -> None:
    from opsctl.checklist.routines import routine_evidence
    from opsctl.cli import checklist_books, wiring
    from opsctl.cli.checklist_signing import checked_text, signer_of

    chosen = book.routines[rhythm]
    signer = signer_of(book, account, roles=chosen.roles, doing=f"say that the {rhythm} routine was done")
    text = checked_text(note, what="--note", may_be_empty=True)
    checklist_books.verified_records()
    wiring.record(
        routine_evidence(rhythm, chosen, signer=signer, note=text, ran=ran, at=wiring.clock().now())
    )


def _document(
    standing: "Standing", figures: "Sequence[Sequence[Any]]", ran: Mapping[str, int]
) -> dict[str, Any]:
    last = standing.last
    return {
        "name": str(standing.rhythm),
        "title": standing.routine.title,
        "due": str(standing.due),
        "due_at": standing.due_at,
        "last": None
        if last is None
        else {"at": last.recorded_at, "evidence": last.id} | {key: last.figures.get(key) for key in _OF_LAST},
        "steps": [
            {
                "look": step.look,
                "run": list(step.run),
                "ended": ran.get(" ".join(step.run)),
                "figures": [
                    {
                        "title": each.title,
                        "now": each.now or None,
                        "before": each.before or None,
                        "evidence": each.record.id if each.record else None,
                    }
                    for each in shown
                ],
            }
            for step, shown in zip(standing.routine.steps, figures, strict=True)
        ],
    }


_OF_LAST = ("account", "name", "role", "note")
