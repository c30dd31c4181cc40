"""What does the chapter of security hold: every check of the newest whole audit, the failed ones first."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from opsctl.evidence.model import Record
from opsctl.ui.site import reading
from opsctl.ui.site.cells import labels_of, record_link
from opsctl.ui.site.chapters import whole_run
from opsctl.ui.site.facts import Facts
from opsctl.ui.site.layout import Cell, Chapter, Notice, Row, Section, Tile, columns, table_of
from opsctl.ui.site.library import Library
from opsctl.ui.site.standing import Standing, State, age_text, shown, standing_of

KIND, WHOLE = "security.audit", "project"
_STATES = {"pass": State.PASS, "fail": State.FAIL, "waived": State.WAIVED}
_ORDER = (State.FAIL, State.DISTRUSTED, State.UNKNOWN, State.STALE, State.WAIVED, State.PASS, State.MISSING)
_WEIGHTS = ("critical", "high", "medium", "low")


def security(facts: Facts, library: Library) -> Chapter:
    """Return the chapter."""
    record = whole_run(facts, kind=KIND, subject=WHOLE)
    return Chapter(
        name="security",
        title="Security",
        lede="Every check of the audit, mapped to the OWASP Top 10 and to ASVS level 2. What could not be checked is not passed.",
        sections=(
            (_audit(record, facts, library), _checks(record, facts))
            if record
            else (Section(title="Audit", command="opsctl security audit"),)
        ),
    )


def _audit(record: Record, facts: Facts, library: Library) -> Section:
    return Section(
        title="Audit",
        standing=standing_of(record, facts),
        labels=labels_of(record),
        note=f"Audited {age_text(record.recorded_at, now=facts.now)} ago, counts until {record.expires_at:%Y-%m-%d}.",
        notices=(Notice(text=f"Simulated: {', '.join(record.simulated)}."),) if record.simulated else (),
        tiles=tuple(_tiles(record, facts)),
        anchor="audit",
        record=record_link(record, library),
    )


def _tiles(record: Record, facts: Facts) -> Iterator[Tile]:
    states = Counter(_standing(each, record, facts).state for each in reading.rows(record.figures, "checks"))
    total = sum(states.values())
    for state, name in (
        (State.PASS, "Passed"),
        (State.FAIL, "Failed"),
        (State.UNKNOWN, "Could not tell"),
        (State.WAIVED, "Waived"),
        (State.STALE, "Stale"),
        (State.DISTRUSTED, "Not counted"),
    ):
        if states[state] or state in (State.PASS, State.FAIL):
            ink = shown(state).ink if states[state] else ""
            yield Tile(name=name, value=f"{states[state]} of {total}", ink=ink)


def _checks(record: Record, facts: Facts) -> Section:
    titles = columns("Check", "State", "Severity", "Why", "OWASP", "ASVS", words=("State", "Severity"))
    seen = [(each, _standing(each, record, facts)) for each in reading.rows(record.figures, "checks")]
    seen.sort(key=lambda pair: (_ORDER.index(pair[1].state), _weight(pair[0]), reading.text(pair[0], "code")))
    rows = tuple(
        Row(
            cells=(
                Cell(
                    text=reading.text(each, "title") or reading.text(each, "code"),
                    below=(reading.text(each, "code"),),
                ),
                Cell(standing=standing),
                Cell(text=reading.text(each, "severity", otherwise=reading.NOTHING)),
                Cell(text=reading.text(each, "reason")),
                Cell(text=", ".join(reading.names(each, "owasp")) or reading.NOTHING),
                Cell(text=", ".join(reading.names(each, "asvs")) or reading.NOTHING),
            )
        )
        for each, standing in seen
    )
    return Section(
        title="Checks",
        tables=table_of("All checks of the audit", titles, rows),
        command="opsctl security audit",
        anchor="checks",
    )


def _weight(each: Mapping[str, Any]) -> int:
    weight = reading.text(each, "severity")
    return _WEIGHTS.index(weight) if weight in _WEIGHTS else len(_WEIGHTS)


def _standing(each: Mapping[str, Any], record: Record, facts: Facts) -> Standing:
    """Return how a check stands: what passed counts only as long as the record does."""
    state = _STATES.get(reading.text(each, "state"), State.UNKNOWN)
    if state is not State.PASS:
        return shown(state)
    if not facts.is_trusted:
        return shown(State.DISTRUSTED)
    return shown(State.STALE, word="stale, passed then") if record.is_stale(facts.now) else shown(state)
