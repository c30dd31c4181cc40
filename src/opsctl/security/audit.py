"""Is the project secure, as far as can be told: every check asked, none able to end the others, waivers applied."""

import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsctl.core.clock import Clock
from opsctl.core.errors import OpsError
from opsctl.core.events import Listener, PhaseAdvanced, PhaseFinished, PhaseStarted
from opsctl.evidence.model import Verdict
from opsctl.security.context import Context
from opsctl.security.model import Answer, CannotTellError, SecurityCheck, State, Trouble, could_not_tell
from opsctl.security.waiver_book import Waiver
from opsctl.security.waivers import Accepted, waive, why_not_counted

_PHASE = "checks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A check with its answer; `troubles` are those that no waiver covers."""

    check: SecurityCheck
    state: State
    reason: str
    mend: str | None
    troubles: tuple[Trouble, ...]
    accepted: tuple[Accepted, ...]
    figures: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncounted:
    """A waiver that does not count, and why."""

    waiver: Waiver
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What all checks said."""

    checked: tuple[Checked, ...]
    uncounted: tuple[Uncounted, ...]

    @property
    def counts(self) -> dict[State, int]:
        """Return how many checks ended in each state."""
        found = Counter(each.state for each in self.checked)
        return {state: found[state] for state in State}

    @property
    def verdict(self) -> Verdict:
        """Return `fail` when a check failed, else `inconclusive` when one could not tell or there is none."""
        counts = self.counts
        if counts[State.FAIL]:
            return Verdict.FAIL
        return Verdict.INCONCLUSIVE if counts[State.UNKNOWN] or not self.checked else Verdict.PASS

    def in_state(self, state: State) -> tuple[Checked, ...]:
        """Return the checks that ended so, in the order of their codes."""
        return tuple(each for each in self.checked if each.state is state)


def audit(
    checks: Sequence[SecurityCheck],
    *,
    context: Context,
    waivers: Sequence[Waiver],
    clock: Clock,
    listener: Listener,
) -> Audit:
    """Ask every check; one that breaks could not tell, and the others go on. The answers are in the order of the checks."""
    listener(PhaseStarted(subject="security", phase=_PHASE, total=len(checks), unit="checks"))
    began = clock.monotonic()
    answers = dict[str, Checked]()
    for check in sorted(checks, key=lambda each: each.is_last):
        answers[check.code] = _checked(check, context=context, waivers=waivers, clock=clock)
        listener(PhaseAdvanced(subject="security", phase=_PHASE, advance=1))
    listener(PhaseFinished(subject="security", phase=_PHASE, duration_seconds=clock.monotonic() - began))
    done = tuple(answers[check.code] for check in checks)
    return Audit(checked=done, uncounted=_uncounted(waivers, done, context=context))


def _checked(check: SecurityCheck, *, context: Context, waivers: Sequence[Waiver], clock: Clock) -> Checked:
    began = clock.monotonic()
    answer = _asked(check, context)
    seconds = clock.monotonic() - began
    left = waive(check.code, answer, waivers=waivers, today=context.now.date())
    return Checked(
        check=check,
        state=left.state,
        reason=answer.reason,
        mend=answer.mend,
        troubles=left.troubles,
        accepted=left.accepted,
        figures=answer.figures,
        seconds=seconds,
    )


def _asked(check: SecurityCheck, context: Context) -> Answer:
    try:
        return check.look(context)
    except CannotTellError as error:
        return could_not_tell(error.reason, mend=error.mend)
    except OpsError as error:
        reason = error.message + (f": {error.why}" if error.why else "")
        return could_not_tell(reason, mend=error.fix or f"opsctl explain {error.code}")
    except Exception as error:  # noqa: BLE001 - whatever breaks one check must not hide what the others found
        return could_not_tell(
            f"the check itself broke: {_without_its_text(error)}",
            mend=f"this is a defect of {check.code} in opsctl; please report it",
        )


def _without_its_text(error: Exception) -> str:
    """Say what broke and where, and not what it says: that may quote a secret, and the ledger forgets nothing."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"


def _uncounted(
    waivers: Sequence[Waiver], done: Sequence[Checked], *, context: Context
) -> tuple[Uncounted, ...]:
    """Return the waivers of the checks that were asked which did not count, or had nothing to cover."""
    asked = {each.check.code for each in done}
    used = [accepted.waiver for each in done for accepted in each.accepted]
    found = []
    for waiver in waivers:
        why = why_not_counted(waiver, today=context.now.date())
        if why is None and waiver not in used:
            why = "it covers nothing that was found"
        if why is not None and waiver.code in asked:
            found.append(Uncounted(waiver=waiver, why=why))
    return tuple(found)
