"""How does a proof stand now: passed, failed, inconclusive, stale, not there, or of a ledger that cannot be believed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from opsctl.evidence.model import Record, Verdict
from opsctl.ui.site.facts import Facts


class State(StrEnum):
    """What a proof or an item of the checklist counts for; only the first two count for it."""

    PASS = "pass"  # noqa: S105 - a state, not a password
    WAIVED = "waived"
    FAIL = "fail"
    STALE = "stale"
    UNKNOWN = "unknown"
    MISSING = "missing"
    DISTRUSTED = "distrusted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A state as it is shown: never by its colour alone."""

    state: State
    sign: str
    ink: str
    word: str

    @property
    def counts(self) -> bool:
        """Tell whether it counts for readiness."""
        return self.state in (State.PASS, State.WAIVED)


_SHOWN = {
    State.PASS: ("✔", "good", "passed"),
    State.WAIVED: ("✔", "doubt", "waived"),
    State.FAIL: ("✘", "bad", "failed"),
    State.STALE: ("◷", "doubt", "stale"),
    State.UNKNOWN: ("?", "doubt", "cannot tell"),
    State.MISSING: ("○", "doubt", "no evidence yet"),
    State.DISTRUSTED: ("!", "bad", "not counted"),
}

_STATES = {
    Verdict.PASS: State.PASS,
    Verdict.FAIL: State.FAIL,
    Verdict.INCONCLUSIVE: State.UNKNOWN,
}


def shown(state: State, *, word: str = "") -> Standing:
    """Return a state with its sign, colour and word."""
    sign, ink, usual = _SHOWN[state]
    return Standing(state=state, sign=sign, ink=ink, word=word or usual)


def standing_of(record: Record | None, facts: Facts) -> Standing:
    """Return how a record stands at the moment of the site; a failure stays one, however old it is."""
    if record is None:
        return shown(State.MISSING)
    state = _STATES[record.verdict]
    if state is State.PASS and not facts.is_trusted:
        return shown(State.DISTRUSTED)
    if record.is_of_the_future(facts.now) and state is not State.FAIL:
        return shown(State.UNKNOWN, word="of the future: a clock is wrong")
    if record.is_stale(facts.now):
        return stale(state)
    return shown(state)


def stale(state: State) -> Standing:
    """Return that something is too old, with what it once said."""
    before = _SHOWN[state]
    if state is State.FAIL:
        return shown(State.FAIL, word="failed, stale")
    return shown(State.STALE, word=f"stale, {before[2]} then")


def age_text(moment: datetime, *, now: datetime) -> str:
    """Return how long ago a moment was, in the largest unit that says enough.

    >>> from datetime import UTC, datetime, timedelta
    >>> now = datetime(2026, 11, 29, tzinfo=UTC)
    >>> [age_text(now - timedelta(seconds=each), now=now) for each in (20, 600, 7300, 200_000)]
    ['< 1 min', '10 min', '2 h', '2 d']
    """
    seconds = (now - moment).total_seconds()
    for size, unit, least in ((86400, "d", 2), (3600, "h", 1), (60, "min", 1)):
        if seconds >= least * size:
            return f"{int(seconds // size)} {unit}"
    return "< 1 min"
