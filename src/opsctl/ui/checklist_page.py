"""What does the page of the checklist hold: the verdict, a row an item with its evidence, signatures and waivers."""

from collections.abc import Iterator
from datetime import datetime

from opsctl.checklist.book import Group
from opsctl.checklist.evidence import figure_text, target_text
from opsctl.checklist.model import Answer, Judged, Report, State
from opsctl.checklist.quantity import written
from opsctl.core.exit_codes import ExitCode
from opsctl.ui.reports import render_report
from opsctl.ui.show_checklist import short_age

_SIGNS = {
    State.PASS: ("✔", "good", "pass"),
    State.FAIL: ("✘", "bad", "fail"),
    State.STALE: ("✘", "bad", "stale"),
    State.UNKNOWN: ("?", "doubt", "unknown"),
    State.WAIVED: ("!", "doubt", "waived"),
}
_VERDICTS = {
    ExitCode.GOOD: ("✔", "good", "ready"),
    ExitCode.BAD_VERDICT: ("✘", "bad", "not ready"),
    ExitCode.INCONCLUSIVE: ("?", "doubt", "cannot tell"),
}
_TITLES = {Group.READINESS: "Before production", Group.METRICS: "Metrics"}


def render_checklist_page(report: Report) -> str:
    """Return one HTML page: no script, no outside resource, every text escaped."""
    return render_report(
        "checklist.html.j2",
        title=report.title,
        standing=_standing(*_VERDICTS[report.exit_code]),
        at=f"{report.at:%Y-%m-%d %H:%M} UTC",
        commit=report.commit or "no commit",
        tiles=[(_standing(*_SIGNS[state]), count) for state, count in report.counts.items()],
        simulated=report.simulated,
        groups=[
            (_TITLES[group], [_row(each, at=report.at) for each in report.items if each.item.group is group])
            for group in Group
            if any(each.item.group is group for each in report.items)
        ],
    )


def _standing(sign: str, ink: str, word: str) -> dict[str, str]:
    return {"sign": sign, "ink": ink, "word": word}


def _row(judged: Judged, *, at: datetime) -> dict[str, object]:
    return {
        "code": judged.code,
        "title": judged.item.title,
        "why": judged.item.why,
        "standing": _standing(*_SIGNS[judged.state]),
        "beneath": str(judged.beneath) if judged.waiver else "",
        "simulated": judged.simulated,
        "figure": figure_text(judged),
        "target": target_text(judged),
        "age": _age(judged.measured_at, at),
        "ends": _until(judged.expires_at, at),
        "reason": judged.reason,
        "next": judged.next_command,
        "waiver": None
        if judged.waiver is None
        else {
            "account": judged.waiver.account,
            "reason": judged.waiver.reason,
            "ends": f"{judged.waiver.expires_at:%Y-%m-%d %H:%M} UTC",
        },
        "proofs": list(_proofs(judged, at=at)),
        "signatures": [
            {
                "name": each.name,
                "account": each.account,
                "role": each.role or "no role any more",
                "by": each.by,
                "at": f"{each.record.recorded_at:%Y-%m-%d %H:%M} UTC",
                "commit": (each.record.git_commit or "no commit")[:12],
                "note": each.note,
                "trouble": each.trouble,
            }
            for each in judged.signatures
        ],
    }


def _proofs(judged: Judged, *, at: datetime) -> Iterator[dict[str, object]]:
    for answer in judged.answers:
        record = answer.record
        yield {
            "standing": _standing(*_SIGNS[answer.state]),
            "what": answer.query.title or answer.query.kind,
            "kind": f"{answer.query.kind} {answer.subject}".strip(),
            "figure": _figure(answer),
            "target": answer.query.target,
            "age": _age(record.recorded_at if record else None, at),
            "record": record.id if record else "-",
            "simulated": ", ".join(answer.simulated),
            "reason": answer.reason,
        }


def _figure(answer: Answer) -> str:
    if answer.query.figure is None:
        return str(answer.record.verdict) if answer.record else "-"
    return "-" if answer.number is None else written(answer.number, answer.query.unit)


def _age(moment: datetime | None, at: datetime) -> str:
    return "-" if moment is None else short_age((at - moment).total_seconds())


def _until(moment: datetime | None, at: datetime) -> str:
    return "" if moment is None or moment <= at else f"in {short_age((moment - at).total_seconds())}"
