"""What does the first page say: item by item, what rests on a simulation, and what is to be done next?"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from opsctl.evidence.model import Record
from opsctl.ui.site import reading
from opsctl.ui.site.cells import age_cell, labels_of, standing_cell
from opsctl.ui.site.chapters import OUTLINES, Brief, brief_of, others
from opsctl.ui.site.facts import Facts
from opsctl.ui.site.headline import STATE_WORDS, headline_of, trouble_of
from opsctl.ui.site.items import KIND, Item, items_of
from opsctl.ui.site.layout import Cell, Row, Table, Tile, columns
from opsctl.ui.site.library import Library
from opsctl.ui.site.standing import State, age_text, shown, standing_of

_GROUPS = {"readiness": "Before production", "metrics": "Final metrics"}
_MOST_OTHERS = 60
_WORST_FIRST = (State.FAIL, State.STALE, State.UNKNOWN, State.DISTRUSTED)


def index_values(facts: Facts, library: Library) -> dict[str, Any]:
    """Return what the template of the first page takes."""
    checklist = facts.survey.last(KIND)
    items = items_of(checklist, facts) if checklist else ()
    return {
        "headline": headline_of(facts),
        "tiles_shown": list(_tiles(items)),
        "checklist": _checklist(checklist, facts, library),
        "tables": list(_tables(items, facts, library)),
        "records": f"{facts.survey.records:,}",
        "steps": list(_steps(items, checklist, facts)),
        "others": _others(facts, library),
        "chapters": _chapters([brief_of(outline, facts) for outline in OUTLINES], facts),
    }


def _tiles(items: Sequence[Item]) -> Iterator[Tile]:
    counted = Counter(item.standing.state for item in items)
    for state in (State.PASS, State.FAIL, State.STALE, State.UNKNOWN, State.WAIVED, State.DISTRUSTED):
        if counted[state] or (items and state in (State.PASS, State.FAIL)):
            each = shown(state)
            ink = each.ink if counted[state] else ""
            yield Tile(
                name=STATE_WORDS[state].capitalize(), value=f"{counted[state]} of {len(items)}", ink=ink
            )
    simulated = sum(bool(item.simulated) for item in items)
    if simulated:
        yield Tile(
            name="Simulated",
            value=f"{simulated} of {len(items)}",
            below="some part is no real reader or system",
        )


def _short(commit: str | None) -> str:
    if not commit:
        return "unknown"
    name, plus, changes = commit.partition("+")
    return f"{name[:10]}{plus}{changes}"


def _checklist(checklist: Record | None, facts: Facts, library: Library) -> dict[str, Any] | None:
    if checklist is None:
        return None
    return {
        "href": library.place(checklist),
        "sequence": checklist.sequence,
        "standing": standing_of(checklist, facts),
        "until": f"{checklist.expires_at:%Y-%m-%d %H:%M} UTC",
        "age": age_text(checklist.recorded_at, now=facts.now),
        "commit": _short(checklist.git_commit),
    }


def _tables(items: Sequence[Item], facts: Facts, library: Library) -> Iterator[Table]:
    names = columns(
        "Item",
        "State",
        "Figure",
        "Target",
        "Why",
        "Evidence",
        words=("State",),
        widths=(27, 12, 11, 11, 24, 15),
    )
    for group, members in groupby(items, key=lambda item: item.group):
        rows = tuple(_row(item, facts, library) for item in members)
        yield Table(
            caption=_GROUPS.get(group, group.replace("_", " ").capitalize() or "Checklist"),
            columns=names,
            rows=rows,
        )


def _row(item: Item, facts: Facts, library: Library) -> Row:
    newest = item.evidence[0] if item.evidence else None
    return Row(
        cells=(
            Cell(text=item.title, below=tuple(part for part in (item.code, *item.notes) if part),
                 labels=("simulated",) if item.simulated else ()),
            Cell(standing=item.standing),
            Cell(text=item.figure),
            Cell(text=item.target),
            Cell(text=item.reason, below=(f"simulated: {', '.join(item.simulated)}",) if item.simulated else ()),
            Cell(
                text=_evidence_text(item, facts),
                below=tuple(_until(item, facts)),
                href=library.place(newest),
            ),
        )
    )  # fmt: skip


def _evidence_text(item: Item, facts: Facts) -> str:
    if not item.evidence:
        return "not in the ledger" if item.unknown_evidence else "none"
    oldest = min(item.evidence, key=lambda record: record.recorded_at)
    age = age_text(oldest.recorded_at, now=facts.now)
    number = len(item.evidence)
    return f"{age} old" if number == 1 else f"{number} records, up to {age} old"


def _until(item: Item, facts: Facts) -> Iterator[str]:
    if item.expires_at is not None:
        word = "counted until" if item.expires_at <= facts.now else "counts until"
        yield f"{word} {item.expires_at:%Y-%m-%d}"


def _steps(items: Sequence[Item], checklist: Record | None, facts: Facts) -> Iterator[dict[str, Any]]:
    """Yield what is to be done, the worst first, a command once; without a checklist, how to get one."""
    if not facts.is_trusted:
        what = "Find out what happened to the ledger; restore it from a backup."
        yield {"what": (what,), "command": "opsctl evidence verify"}
        return
    due = sorted(
        (item for item in items if not item.standing.counts),
        key=lambda item: _WORST_FIRST.index(item.standing.state),
    )
    for command in dict.fromkeys(item.command for item in due):
        yield {"what": tuple(_due(item) for item in due if item.command == command), "command": command}
    if checklist is None:
        what = "Run the checklist, and whatever evidence it misses."
        yield {"what": (what,), "command": "opsctl checklist run --refresh"}
    elif trouble_of(checklist, items, facts) is not None:
        what = "Then run the checklist again, and build this site."
        yield {"what": (what,), "command": "opsctl checklist run && opsctl report build"}


def _due(item: Item) -> str:
    reason = f": {item.reason}" if item.reason else ""
    return f"{item.title} ({item.standing.word}){reason}"


def _others(facts: Facts, library: Library) -> Table | None:
    rows = tuple(
        Row(
            cells=(
                Cell(
                    text=record.kind, below=(reading.cut(record.subject, most=120),), labels=labels_of(record)
                ),
                standing_cell(record, facts),
                age_cell(record, facts, library),
            )
        )
        for record in others(facts)[:_MOST_OTHERS]
    )
    names = columns("Proof", "State", "Recorded", words=("State", "Recorded"))
    return Table(caption="Proofs beside the chapters", columns=names, rows=rows) if rows else None


def _chapters(briefs: Sequence[Brief], facts: Facts) -> Table:
    names = columns("Chapter", "State", "Proofs", "Newest", "Simulated", words=("State", "Newest"))
    return Table(
        caption="What the evidence says, chapter by chapter",
        columns=names,
        rows=tuple(
            Row(
                cells=(
                    Cell(text=brief.outline.title, href=f"{brief.outline.name}.html"),
                    Cell(standing=brief.standing),
                    Cell(text=", ".join(f"{number} {each.word}" for each, number in brief.counts) or "none",
                         below=(brief.outline.command,) if not brief.newest else ()),
                    Cell(text=f"{age_text(brief.newest.recorded_at, now=facts.now)} ago" if brief.newest else "never"),
                    Cell(text=", ".join(brief.simulated) or ("nothing" if brief.newest else "-")),
                )
            )
            for brief in briefs
        ),
    )  # fmt: skip
