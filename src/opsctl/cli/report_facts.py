"""What does this project know that the site shows: its ledger in one walk, and what its books want proven."""

import time
from typing import TYPE_CHECKING

from opsctl.core.events import PhaseFinished, PhaseStarted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.core.events import Listener
    from opsctl.evidence.chain import Verification
    from opsctl.evidence.model import Record
    from opsctl.evidence.survey import Survey
    from opsctl.ui.site.facts import Facts, JudgedNow


def gather(*, listener: "Listener") -> "Facts":
    """Return everything that the pages show, as it is at this moment.

    Raises:
        NotReadyError: FIL003 the ledger cannot be read.
    """
    from opsctl.cli import wiring
    from opsctl.cli.report_expected import expected
    from opsctl.ui.site.facts import Facts
    from opsctl.ui.site.items import KIND

    began = time.monotonic()
    listener(PhaseStarted(subject="report", phase="read the ledger"))
    survey, verification = _survey()
    listener(
        PhaseFinished(
            subject="report",
            phase="read the ledger",
            duration_seconds=time.monotonic() - began,
            figures={"records": survey.records},
        )
    )
    found, troubles = expected()
    return Facts(
        project=wiring.settings().root.name,
        now=wiring.clock().now(),
        survey=survey,
        verification=verification,
        cited=_cited(survey),
        judged_now=_judged_now() if verification.ok and survey.last(KIND) else None,
        expected=found,
        troubles=troubles,
    )


def _judged_now() -> "JudgedNow":
    """Return how the checklist would be judged at this moment; nothing is recorded of that."""
    from opsctl.cli import checklist_books, checklist_running, wiring
    from opsctl.core.errors import OpsError
    from opsctl.ui.site.facts import ItemNow, JudgedNow

    try:
        report = checklist_running.judge(checklist_books.book())
    except OpsError as error:
        # The site goes to others, who need not know where the project lies.
        return JudgedNow(trouble=error.message.replace(f"{wiring.settings().root}/", ""))
    return JudgedNow(
        items={
            each.code: ItemNow(state=str(each.state), reason=each.reason, command=each.next_command)
            for each in report.items
        }
    )


def _survey() -> "tuple[Survey, Verification]":
    """Return the ledger at a glance, and whether it is whole; asked twice where it is not.

    A command that ended while the first look was under way has left a head that is ahead of what was read.
    """
    survey, verification = _walked()
    return (survey, verification) if verification.ok else _walked()


def _walked() -> "tuple[Survey, Verification]":
    from opsctl.cli import wiring
    from opsctl.evidence.survey import Surveyor
    from opsctl.ui.site.facts import TREND_KINDS

    surveyor = Surveyor(trends=TREND_KINDS)
    verification = wiring.ledger().verify(seen=surveyor.look)
    return surveyor.survey(), verification


def _cited(survey: "Survey") -> "dict[str, Record]":
    """Return by id the records that the newest checklist rests on; old ones take a second walk through the ledger."""
    from opsctl.cli import wiring
    from opsctl.ui.site.items import KIND, cited_ids

    wanted = cited_ids(survey.last(KIND))
    found: dict[str, Record] = {record.id: record for record in _held(survey) if record.id in wanted}

    def look(record: "Record") -> None:
        if record.id in wanted:
            found[record.id] = record

    if wanted - found.keys():
        wiring.ledger().verify(seen=look)
    return found


def _held(survey: "Survey") -> "Iterator[Record]":
    yield from survey.recent
    for subjects in survey.newest.values():
        yield from subjects.values()
