"""A book says what is tried, on whom and what decides; what contradicts itself is refused with the reason."""

from typing import Any

import pytest
from pydantic import ValidationError

from opsctl.experiments.book import Experiment
from opsctl.experiments.effects import Effect, parse_effect
from opsctl.experiments.metric_book import Role, Test

BOOK: dict[str, Any] = {
    "title": "four or six agents",
    "hypothesis": "six agents find more than four",
    "owner": "ranking",
    "decision": "ship six if they are better",
    "arms": {"control": {"weight": 0.5}, "six": {"weight": 0.5}},
    "horizon": "14d",
    "metrics": {
        "clicks": {"kind": "mean", "events": ["click"], "role": "primary"},
        "return": {"kind": "proportion", "events": ["session"], "role": "guardrail", "margin": "2pp"},
    },
}


def test_a_short_book_is_enough() -> None:
    """What is not said has a default: a superiority test for what decides, non-inferiority for a guardrail."""
    book = Experiment.model_validate(BOOK)

    assert book.treatments == ("six",)
    assert {name: metric.wanted for name, metric in book.metrics.items()} == {
        "clicks": Test.SUPERIORITY,
        "return": Test.NON_INFERIORITY,
    }
    assert list(book.of_role(Role.GUARDRAIL)) == ["return"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"arms": {"control": {"weight": 0.5}, "six": {"weight": 0.4}}}, "sum to 0.9, not to 1"),
        ({"arms": {"control": {"weight": 0.0}, "six": {"weight": 1.0}}}, "nothing to compare with"),
        ({"control": "four"}, "no arm is called `four`"),
        ({"arms": {"control": {"weight": float("nan")}, "six": {"weight": 0.5}}}, "finite"),
        ({"layers": {"feed": {"start": 0.5, "end": 0.5}}}, "`start` must be below `end`"),
        ({"stopping": {"rule": "group_sequential"}}, "needs its `looks`"),
        ({"stopping": {"looks": ["7d"]}}, "`looks` belong to `group_sequential`"),
        ({"stopping": {"rule": "group_sequential", "looks": ["9d", "7d"]}}, "must rise"),
        ({"stopping": {"rule": "group_sequential", "looks": ["15d"]}}, "end by the horizon"),
        ({"metrics": {"return": BOOK["metrics"]["return"]}}, "nothing would decide"),
        (
            {"metrics": {"clicks": {"kind": "ratio", "events": ["click"], "role": "primary"}}},
            "a ratio needs it",
        ),
        (
            {"metrics": {"clicks": {"kind": "mean", "events": ["click"], "role": "primary", "margin": "2%"}}},
            "a `margin` belongs to a guardrail",
        ),
        (
            {"metrics": {"return": {"kind": "mean", "events": ["x"], "role": "guardrail"}}},
            "what is not worse",
        ),
        ({"seed": 3}, "Extra inputs"),
    ],
)
def test_what_contradicts_itself_is_refused(change: dict[str, Any], why: str) -> None:
    """With what is wrong in words."""
    with pytest.raises(ValidationError, match=why):
        Experiment.model_validate(BOOK | change)


def test_effects_are_shares_points_or_plain_numbers() -> None:
    """Each as the other, where the control's value is known."""
    assert parse_effect("5%").absolute(0.2) == pytest.approx(0.01)
    assert parse_effect("2pp").relative(0.4) == pytest.approx(0.05)
    assert parse_effect("0.3") == Effect(size=0.3, is_relative=False)


@pytest.mark.parametrize("text", ["", "-5%", "0%", "5 percent", "nan", "inf", "1e3%", "٣%x"])
def test_what_is_no_effect_is_refused(text: str) -> None:
    """Nothing, less than nothing, words, and other digits."""
    with pytest.raises(ValueError, match="is no effect"):
        parse_effect(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"units": 10**400},
        {
            "metrics": {
                "clicks": BOOK["metrics"]["clicks"] | {"baseline": {"mean": 1e-300, "deviation": 1e300}}
            }
        },
        {"metrics": {"clicks": BOOK["metrics"]["clicks"] | {"mde": "9" * 300 + "%"}}},
        {"metrics": {"clicks": BOOK["metrics"]["clicks"] | {"mde": "0." + "0" * 300 + "1%"}}},
    ],
    ids=["units", "baseline", "great effect", "small effect"],
)
def test_numbers_that_nobody_can_reckon_with_are_refused(changes: dict[str, Any]) -> None:
    """Their squares, or their quotients, have no number any more."""
    with pytest.raises(ValidationError):
        Experiment.model_validate(BOOK | changes)
