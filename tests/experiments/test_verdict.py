"""A verdict follows from what is shown, and says why in words."""

from dataclasses import replace

from opsctl.experiments.metric_book import Role, Test
from opsctl.experiments.verdict import Look, Outcome, Shown, judge

LAST = Look(may_decide=True, is_last=True)
EARLY = Look(may_decide=False, is_last=False, next_look="2026-12-06")
CLICKS = Shown(
    metric="clicks",
    arm="six",
    role=Role.PRIMARY,
    wanted=Test.SUPERIORITY,
    effect="+4.0 % (+1.0 % to +7.0 %)",
    is_better=True,
    is_worse=False,
)
RETURN = Shown(
    metric="return",
    arm="six",
    role=Role.GUARDRAIL,
    wanted=Test.NON_INFERIORITY,
    effect="-0.1 % (-1.1 % to +0.9 %)",
    is_better=False,
    is_worse=False,
    keeps_margin=True,
)


def test_a_better_arm_whose_guardrails_hold_is_shipped() -> None:
    """With both reasons."""
    verdict = judge([CLICKS, RETURN], look=LAST)

    assert (verdict.outcome, verdict.arm) == (Outcome.SHIP, "six")
    assert verdict.reasons == (
        "`clicks` is better: +4.0 % (+1.0 % to +7.0 %)",
        "`return` is not worse by more than its margin: -0.1 % (-1.1 % to +0.9 %)",
    )


def test_a_fault_of_the_data_comes_before_every_figure() -> None:
    """Not even a better arm is shipped on it."""
    verdict = judge([CLICKS, RETURN], look=LAST, faults=["the arms have the wrong sizes"])

    assert (verdict.outcome, verdict.reasons) == (Outcome.INVALID, ("the arms have the wrong sizes",))


def test_nothing_is_shipped_before_the_rule_allows_a_look() -> None:
    """However good it looks."""
    verdict = judge([CLICKS, RETURN], look=EARLY)

    assert verdict.outcome is Outcome.KEEP_RUNNING
    assert verdict.reasons == (
        "the stopping rule allows no verdict yet; the next look that counts is 2026-12-06",
    )


def test_harm_ends_an_arm_at_any_look() -> None:
    """A broken guardrail does not wait for the horizon."""
    broken = replace(RETURN, keeps_margin=False, breaks_margin=True, effect="-9 % (-12 % to -6 %)")

    verdict = judge([CLICKS, broken], look=EARLY)

    assert (verdict.outcome, verdict.reasons) == (
        Outcome.DO_NOT_SHIP,
        ("guardrail `return` is broken: -9 % (-12 % to -6 %)",),
    )


def test_a_guardrail_that_nobody_is_sure_of_ships_nothing_at_the_end() -> None:
    """Not shown to be broken is not shown to hold."""
    unsure = replace(RETURN, keeps_margin=False)

    verdict = judge([CLICKS, unsure], look=LAST)

    assert verdict.outcome is Outcome.DO_NOT_SHIP
    assert "`return`: its margin is not kept for certain" in verdict.reasons[0]


def test_too_few_units_are_said_with_the_number_that_would_do() -> None:
    """No difference found is not the same as none there."""
    small = replace(CLICKS, is_better=False, is_underpowered=True, needed_units=12_400)

    verdict = judge([small, RETURN], look=LAST)

    assert verdict.outcome is Outcome.DO_NOT_SHIP
    assert "could not be told from chance, 12,400 would have been enough" in verdict.reasons[0]


def test_of_two_good_arms_the_favourite_is_shipped_and_the_other_named() -> None:
    """A harmed arm does not hold back another one."""
    other = replace(CLICKS, arm="eight")
    harmed = replace(CLICKS, arm="ten", is_better=False, is_worse=True)

    verdict = judge([CLICKS, other, harmed], look=LAST, favourite=["eight", "six"])

    assert (verdict.outcome, verdict.arm) == (Outcome.SHIP, "eight")
    assert "`six` could be shipped as well" in verdict.reasons


def test_a_secondary_metric_ships_nothing_and_stops_nothing() -> None:
    """It explains."""
    worse = replace(CLICKS, metric="shares", role=Role.SECONDARY, is_better=False, is_worse=True)

    assert judge([CLICKS, worse], look=LAST).outcome is Outcome.SHIP
