"""How does each item of the newest checklist stand now: what it said then, and what has become of its evidence since?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opsctl.evidence.model import Record, Verdict
from opsctl.ui.site import reading
from opsctl.ui.site.facts import Facts
from opsctl.ui.site.standing import Standing, State, shown, stale

KIND = "checklist.run"
_STATES = {"pass": State.PASS, "waived": State.WAIVED, "fail": State.FAIL, "stale": State.STALE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of the checklist.

    Args:
        evidence: the records that it rests on, the newest first.
        unknown_evidence: ids that it names and the ledger does not hold.
        command: what to type to get on; empty where the checklist says nothing.
        notes: who signed or waived it, why and until when.
    """

    name: str
    code: str
    title: str
    group: str
    standing: Standing
    figure: str
    target: str
    reason: str
    evidence: tuple[Record, ...]
    unknown_evidence: tuple[str, ...]
    simulated: tuple[str, ...]
    expires_at: datetime | None
    command: str
    notes: tuple[str, ...]


def cited_ids(record: Record | None) -> frozenset[str]:
    """Return the ids of all records that a checklist rests on."""
    found = reading.rows(record.figures, "items") if record else ()
    return frozenset(name for item in found for name in reading.names(item, "evidence"))


def items_of(record: Record, facts: Facts) -> tuple[Item, ...]:
    """Return the items of a checklist, as they stand at the moment of the site."""
    return tuple(_item(each, record, facts) for each in reading.rows(record.figures, "items"))


def _item(figures: Mapping[str, Any], checklist: Record, facts: Facts) -> Item:
    ids = reading.names(figures, "evidence")
    known = [facts.cited[each] for each in ids if each in facts.cited]
    missing = tuple(each for each in ids if each not in facts.cited)
    expires_at = _moment(reading.text(figures, "expires_at"))
    said = _STATES.get(reading.text(figures, "state"), State.UNKNOWN)
    since = _Since(reading.text(figures, "code"), known, missing, expires_at)
    standing, why = _standing(said, checklist, facts, since)
    return Item(
        name=reading.text(figures, "name", otherwise="unnamed"),
        code=reading.text(figures, "code"),
        title=reading.text(figures, "title") or reading.text(figures, "name", otherwise="unnamed"),
        group=reading.text(figures, "group"),
        standing=standing,
        figure=_figure(figures.get("figure")),
        target=_figure(figures.get("target")),
        reason="; ".join(part for part in (why, reading.text(figures, "reason")) if part),
        evidence=tuple(sorted(known, key=lambda each: -each.sequence)),
        unknown_evidence=missing,
        simulated=_simulated(figures, known),
        expires_at=expires_at,
        command=reading.text(figures, "next") or _command_now(reading.text(figures, "code"), facts),
        notes=tuple(_notes(figures)),
    )


@dataclass(frozen=True, slots=True)
class _Since:
    """Which item it is, what it rests on, and until when."""

    code: str
    known: list[Record]
    missing: tuple[str, ...]
    expires_at: datetime | None


def _standing(said: State, checklist: Record, facts: Facts, since: _Since) -> tuple[Standing, str]:
    """Return how an item stands, and why otherwise than the checklist said; it only ever gets worse."""
    if said not in (State.PASS, State.WAIVED):
        return shown(said, word="unknown" if said is State.UNKNOWN else ""), ""
    if not facts.is_trusted:
        return shown(State.DISTRUSTED), "the ledger is broken"
    if since.missing:
        return shown(State.UNKNOWN, word="unknown"), "its evidence is not in the ledger"
    if checklist.is_stale(facts.now) or (since.expires_at is not None and facts.now >= since.expires_at):
        return stale(said), "too old since the checklist was run"
    overtaken = next(_overtaken(since.known, checklist, facts), None)
    if said is State.PASS and overtaken is not None:
        return shown(State.STALE, word="overtaken"), (
            f"newer evidence of {overtaken.kind} {overtaken.subject} says {overtaken.verdict}"
        )
    return _as_it_is_now(said, since.code, facts)


def _as_it_is_now(said: State, code: str, facts: Facts) -> tuple[Standing, str]:
    """Return how an item that counted stands for the project as it is: another commit or book makes it no better."""
    if facts.judged_now is None:
        return shown(said), ""
    if facts.judged_now.trouble:
        return shown(State.UNKNOWN, word="unknown"), facts.judged_now.trouble
    if code not in facts.judged_now.items:
        return shown(State.STALE), "it stands on the checklist no more"
    now = facts.judged_now.items[code]
    state = _STATES.get(now.state, State.UNKNOWN)
    if state is State.PASS:
        return shown(said), ""
    return shown(state, word="unknown" if state is State.UNKNOWN else ""), now.reason


def _command_now(code: str, facts: Facts) -> str:
    now = facts.judged_now.items.get(code) if facts.judged_now else None
    return now.command if now else ""


def _overtaken(known: list[Record], checklist: Record, facts: Facts) -> Iterator[Record]:
    """Yield what was recorded after the checklist about the same subjects, and did not pass."""
    for record in known:
        newest = facts.survey.newest.get(record.kind, {}).get(record.subject)
        if newest and newest.sequence > checklist.sequence and newest.verdict is not Verdict.PASS:
            yield newest


def _simulated(figures: Mapping[str, Any], known: list[Record]) -> tuple[str, ...]:
    """Return what was simulated, by the item's word and by its evidence."""
    said = (*reading.names(figures, "simulated_parts"), *reading.names(figures, "simulated"))
    found = tuple(
        dict.fromkeys([*said, *(part for record in known for part in reading.simulated_of(record))])
    )
    return found or (("some part",) if figures.get("simulated") is True else ())


def _notes(figures: Mapping[str, Any]) -> Iterator[str]:
    waiver = reading.part(figures, "waiver")
    if waiver:
        until = reading.text(waiver, "expires_at", otherwise="no end")[:10]
        yield f"waived by {reading.text(waiver, 'account')} until {until}: {reading.text(waiver, 'reason')}"
    for each in reading.rows(figures, "signed"):
        who = reading.text(each, "name") or reading.text(each, "account")
        trouble = reading.text(each, "trouble")
        yield f"signed by {who}{f', which does not count: {trouble}' if trouble else ''}"


def _figure(value: Any) -> str:
    if value is None or value == "":
        return reading.NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,.6g}"
    return reading.cut(str(value), most=120)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
