"""What follows from what was shown: ship, do not ship, keep running, or invalid, each with its reasons in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from opsctl.experiments.metric_book import Role, Test

_NOBODY_TREATED = "no treatment has a weight, so nobody is treated and there is nothing to compare"


class Outcome(StrEnum):
    """How an experiment stands."""

    SHIP = "ship"
    DO_NOT_SHIP = "do_not_ship"
    KEEP_RUNNING = "keep_running"
    INVALID = "invalid"

    @property
    def words(self) -> str:
        """Return it as people say it."""
        return self.value.replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What one metric says of one arm, at the error rates that hold: corrections and looks are in it.

    Args:
        effect: as people read it, such as `+3.1 % (-0.4 % to +6.6 %)`; the reasons quote it.
        is_better: an effect in the wanted direction is shown.
        is_worse: one against it is shown.
        keeps_margin: it is shown that the arm is not worse by more than the margin; None without a margin.
        breaks_margin: it is shown that it is.
        is_underpowered: so few units that an effect of the size that was worth finding would often have been missed.
        needed_units: as many would have been enough, over all arms; None where nobody can say.
    """

    metric: str
    arm: str
    role: Role
    wanted: Test
    effect: str
    is_better: bool
    is_worse: bool
    keeps_margin: bool | None = None
    breaks_margin: bool = False
    is_underpowered: bool = False
    needed_units: int | None = None

    @property
    def meets_its_test(self) -> bool:
        """Tell whether what the book wants of it is shown."""
        return self.is_better if self.wanted is Test.SUPERIORITY else bool(self.keeps_margin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """When is looked.

    Args:
        may_decide: the stopping rule allows a verdict now.
        is_last: the horizon is reached, or it was stopped; there is nothing more to wait for.
        next_look: when the rule allows the next one, as people read it; empty where there is none.
    """

    may_decide: bool
    is_last: bool
    next_look: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The end of every analysis; `arm` is the one to ship."""

    outcome: Outcome
    reasons: tuple[str, ...]
    arm: str | None = None


def judge(
    shown: Sequence[Shown], *, look: Look, faults: Sequence[str] = (), favourite: Sequence[str] = ()
) -> Verdict:
    """Return what follows.

    A fault (arms of the wrong sizes, units in two arms, a learner that leaked, no treatment that anybody gets) ends
    everything: no figure below it means anything. Harm that is shown ends an arm at any look, because guardrails are watched
    all the time. Whatever else waits until the rule allows a verdict.

    Args:
        shown: every metric of every treatment.
        look: what the stopping rule says of now.
        faults: what makes the data unfit, each in a sentence.
        favourite: arms, the best first, for the case that several may be shipped.
    """
    if faults:
        return Verdict(outcome=Outcome.INVALID, reasons=tuple(faults))
    arms = list(dict.fromkeys(each.arm for each in shown))
    if not arms:
        return Verdict(outcome=Outcome.INVALID, reasons=(_NOBODY_TREATED,))
    harms = {arm: _harms([each for each in shown if each.arm == arm]) for arm in arms}
    if all(harms.values()):
        return Verdict(outcome=Outcome.DO_NOT_SHIP, reasons=_of_arms(harms))
    if not look.may_decide and look.is_last:
        reason = "it was stopped before its rule allows a verdict, so nothing is shown"
        return Verdict(outcome=Outcome.DO_NOT_SHIP, reasons=(reason, *_of_arms(harms)))
    if not look.may_decide:
        until = f"; the next look that counts is {look.next_look}" if look.next_look else ""
        return Verdict(
            outcome=Outcome.KEEP_RUNNING,
            reasons=(f"the stopping rule allows no verdict yet{until}", *_of_arms(harms)),
        )
    return _decide(shown, arms=arms, harms=harms, look=look, favourite=favourite)


def _decide(
    shown: Sequence[Shown],
    *,
    arms: Sequence[str],
    harms: dict[str, tuple[str, ...]],
    look: Look,
    favourite: Sequence[str],
) -> Verdict:
    missing = {
        arm: harms[arm] or _missing([each for each in shown if each.arm == arm], is_last=look.is_last)
        for arm in arms
    }
    good = [arm for arm in arms if not missing[arm]]
    if good:
        best = next((arm for arm in favourite if arm in good), good[0])
        reasons = [_success(each) for each in shown if each.arm == best and each.role is not Role.SECONDARY]
        others = [f"`{arm}` could be shipped as well" for arm in good if arm != best]
        return Verdict(outcome=Outcome.SHIP, arm=best, reasons=(*reasons, *others))
    if look.is_last:
        return Verdict(outcome=Outcome.DO_NOT_SHIP, reasons=_of_arms(missing))
    until = f"the next look that counts is {look.next_look}" if look.next_look else "it goes on"
    return Verdict(outcome=Outcome.KEEP_RUNNING, reasons=(*_of_arms(missing), until))


def _harms(shown: Sequence[Shown]) -> tuple[str, ...]:
    """Return what is shown to be worse, of that which decides."""
    reasons = [
        f"guardrail `{each.metric}` is broken: {each.effect}"
        for each in shown
        if each.role is Role.GUARDRAIL and each.breaks_margin
    ]
    reasons += [
        f"`{each.metric}` is worse: {each.effect}"
        for each in shown
        if (each.role is Role.PRIMARY or (each.role is Role.GUARDRAIL and each.wanted is Test.SUPERIORITY))
        and (each.is_worse if each.wanted is Test.SUPERIORITY else each.breaks_margin)
    ]
    return tuple(reasons)


def _missing(shown: Sequence[Shown], *, is_last: bool) -> tuple[str, ...]:
    """Return what is not shown, and would have to be."""
    return tuple(
        _failure(each, is_last=is_last)
        for each in shown
        if each.role is not Role.SECONDARY and not each.meets_its_test
    )


def _success(each: Shown) -> str:
    if each.wanted is Test.SUPERIORITY:
        return f"`{each.metric}` is better: {each.effect}"
    return f"`{each.metric}` is not worse by more than its margin: {each.effect}"


def _failure(each: Shown, *, is_last: bool) -> str:
    what = (
        "no difference is shown" if each.wanted is Test.SUPERIORITY else "its margin is not kept for certain"
    )
    reason = f"`{each.metric}`: {what}: {each.effect}"
    if not (is_last and each.is_underpowered):
        return reason
    needed = f", {each.needed_units:,} would have been enough" if each.needed_units else ""
    return f"{reason}; with so few units an effect worth finding could not be told from chance{needed}"


def _of_arms(reasons: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return reasons, with the arm's name where there are several arms."""
    several = len(reasons) > 1
    return tuple(
        f"`{arm}`: {reason}" if several else reason for arm, each in reasons.items() for reason in each
    )
