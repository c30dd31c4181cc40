"""Is the project ready: the one line for the top of the site, and why it cannot be trusted where it cannot?"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from opsctl.evidence.model import Record, Verdict
from opsctl.ui.site.facts import Facts
from opsctl.ui.site.items import KIND, Item, items_of
from opsctl.ui.site.standing import Standing, State, shown

STATE_WORDS = {
    State.PASS: "passed",
    State.WAIVED: "waived",
    State.FAIL: "failed",
    State.STALE: "stale",
    State.UNKNOWN: "unknown",
    State.DISTRUSTED: "not counted",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """Ready or not, in one line.

    Args:
        counts: how many items stand how, only those that there are.
    """

    is_ready: bool
    text: str
    standing: Standing
    counts: tuple[tuple[State, int], ...] = ()


def headline_of(facts: Facts) -> Headline:
    """Return whether everything counts; a doubt is never a yes."""
    checklist = facts.survey.last(KIND)
    items = items_of(checklist, facts) if checklist else ()
    counted = Counter(item.standing.state for item in items)
    counts = tuple((state, counted[state]) for state in State if counted[state])
    trouble = trouble_of(checklist, items, facts)
    if trouble is None:
        simulated = sum(bool(item.simulated) for item in items)
        rest = f"; {simulated} {'rests' if simulated == 1 else 'rest'} on a simulation" if simulated else ""
        text = f"Ready: {counts_text(counts)} of {len(items)}{rest}"
        return Headline(is_ready=True, text=text, standing=shown(State.PASS, word="ready"), counts=counts)
    is_bad = not facts.is_trusted or counted[State.FAIL]
    standing = shown(State.FAIL if is_bad else State.UNKNOWN, word="not ready")
    return Headline(is_ready=False, text=f"Not ready: {trouble}", standing=standing, counts=counts)


def trouble_of(checklist: Record | None, items: Sequence[Item], facts: Facts) -> str | None:
    """Return why it is not ready; None where it is."""
    if not facts.is_trusted:
        return "the evidence ledger is broken, so nothing counts as passed"
    if checklist is None or not items:
        return "the checklist was never run" if checklist is None else "the checklist has no items"
    if not all(item.standing.counts for item in items):
        counted = Counter(item.standing.state for item in items)
        states = [state for state in State if counted[state] and not shown(state).counts]
        return f"{counts_text([(state, counted[state]) for state in states])} of {len(items)}"
    if checklist.is_stale(facts.now):
        return "the checklist is stale"
    if added := _added(items, facts):
        return f"{added} {'item was' if added == 1 else 'items were'} added to the checklist since it was run"
    return None if checklist.verdict is Verdict.PASS else "the checklist itself did not pass"


def _added(items: Sequence[Item], facts: Facts) -> int:
    """Return how many items the checklist's book has now that nobody has judged yet."""
    return len(facts.judged_now.items.keys() - {item.code for item in items}) if facts.judged_now else 0


def counts_text(counts: Sequence[tuple[State, int]]) -> str:
    """Return how many stand how, in words."""
    return ", ".join(f"{number} {STATE_WORDS.get(state, str(state))}" for state, number in counts)
