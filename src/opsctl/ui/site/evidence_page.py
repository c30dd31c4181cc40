"""What do the pages of records hold: whether the chain is whole, how many of each kind, and each record with its digests."""

import json
from collections.abc import Iterator
from typing import Any

from opsctl.core.units import format_duration
from opsctl.evidence.model import Record, Verdict
from opsctl.ui.site.facts import Facts
from opsctl.ui.site.library import Library, anchor, page_name
from opsctl.ui.site.reading import cut, simulated_of
from opsctl.ui.site.standing import age_text
from opsctl.ui.site.stands import stands

_MOST_FIGURES = 60
_LONGEST_FIGURE = 300
_MOST_FINDINGS = 50


def evidence_values(facts: Facts, library: Library, *, number: int) -> dict[str, Any]:
    """Return what the template of one page of records takes; pages are counted from one."""
    held = sum(len(shelf) for shelf in library.shelves)
    findings = facts.verification.findings
    return {
        "is_whole": facts.verification.ok,
        "findings": [
            (each.code, each.title, each.evidence or "", each.location.line if each.location else None)
            for each in findings[:_MOST_FINDINGS]
        ],
        "more_findings": max(0, len(findings) - _MOST_FINDINGS),
        "head": facts.verification.head,
        "total": facts.survey.records,
        "held": held,
        "kinds": list(_kinds(facts)),
        "shelves": [(page_name(each), each) for each in range(1, len(library.shelves) + 1)],
        "number": number,
        "records": [_record(each, facts) for each in library.shelves[number - 1]],
    }


def _kinds(facts: Facts) -> Iterator[dict[str, Any]]:
    for each in facts.survey.counts:
        yield {
            "kind": each.kind,
            "records": each.records,
            "verdicts": [each.verdicts[verdict] for verdict in Verdict],
            "age": age_text(each.newest.recorded_at, now=facts.now),
        }


def _record(record: Record, facts: Facts) -> dict[str, Any]:
    is_stale = record.is_stale(facts.now)
    return {
        "anchor": anchor(record),
        "sequence": record.sequence,
        "kind": cut(record.kind, most=100),
        "subject": cut(record.subject, most=200),
        "verdict": str(record.verdict),
        "standing": stands(record, facts),
        "age": age_text(record.recorded_at, now=facts.now),
        "is_stale": is_stale,
        "simulated": simulated_of(record),
        "facts": list(_facts(record, is_stale=is_stale)),
        "figures": [(cut(name, most=100), _figure(value)) for name, value in _first(record.figures)],
        "more_figures": max(0, len(record.figures) - _MOST_FIGURES),
        "inputs": [(cut(name, most=100), cut(value, most=100)) for name, value in _first(record.inputs)],
        "tools": [(cut(name, most=100), cut(value, most=100)) for name, value in _first(record.tools)],
    }


def _facts(record: Record, *, is_stale: bool) -> Iterator[tuple[str, str]]:
    yield "Id", record.id
    yield "Recorded", f"{record.recorded_at:%Y-%m-%d %H:%M:%S} UTC"
    yield ("Went stale" if is_stale else "Counts until"), f"{record.expires_at:%Y-%m-%d %H:%M} UTC"
    yield "Took", format_duration(max(0.0, record.duration_seconds))
    yield "Commit", record.git_commit or "not in a repository"
    yield "Simulated", ", ".join(simulated_of(record)) or "nothing"
    yield "Digest", record.digest
    yield "After", record.previous


def _first(values: Any) -> list[tuple[str, Any]]:
    return sorted(values.items())[:_MOST_FIGURES]


def _figure(value: Any) -> str:
    if isinstance(value, str):
        return cut(value, most=_LONGEST_FIGURE)
    return cut(json.dumps(value, ensure_ascii=False, sort_keys=True), most=_LONGEST_FIGURE)
