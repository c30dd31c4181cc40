"""What do many worlds together say: how often the experiment was right, and how fast each arm learned."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from opsctl.experiments.studies.model import Answer, Study, WorldResult

_NEAR_BEST = 0.9
"""An arm has learned once a feed brings this share of what the best one would bring (after Zhu and Van Roy, 2023)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One metric of one arm over all worlds, as shares of the control's value.

    Args:
        worlds: in which the experiment said something.
        observed: mean lift that the experiments saw.
        true: mean lift where everybody got the arm.
        covered: worlds whose interval holds the truth.
        found: worlds in which an effect was found.
        wrong: of those, worlds in which the truth has the other sign.
    """

    metric: str
    arm: str
    worlds: int
    observed: float
    true: float
    covered: int
    found: int
    wrong: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """How an arm learned, over all worlds, where everybody got it.

    Args:
        area: mean regret of a feed, over all days: what the arm cost.
        low: of the 95 % interval of that over worlds; NaN of one world.
        high: of it.
        last_reward: expected clicks of a feed on the last day, as a share of the best slate's.
        day_near_best: the first day on which the mean reached 90 % of the best, from 1; None where it never did.
        curve: mean regret by day.
        curve_low: of the 95 % band over worlds.
        curve_high: of it.
    """

    arm: str
    area: float
    low: float
    high: float
    last_reward: float
    day_near_best: int | None
    curve: tuple[float, ...]
    curve_low: tuple[float, ...]
    curve_high: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """Whether a metric's effect has the same sign in every kind of world that was tried."""

    metric: str
    arm: str
    usual: float
    least: float
    greatest: float

    @property
    def is_robust(self) -> bool:
        """Tell whether no kind of world turns it round."""
        return self.least > 0 or self.greatest < 0


def agreements(study: Study) -> tuple[Agreement, ...]:
    """Return how often the experiments were right, by metric and arm; arms without readers are left out."""
    keys = dict.fromkeys((each.metric, each.arm) for world in study.worlds for each in world.answers)
    found = [
        _agreement(metric, arm, [_of(world, metric, arm) for world in study.worlds]) for metric, arm in keys
    ]
    return tuple(each for each in found if each.worlds)


def learnings(study: Study) -> tuple[Learning, ...]:
    """Return how each arm learned, the one with the least regret first."""
    arms = list(study.worlds[0].regret)
    return tuple(sorted((_learning(arm, study.worlds) for arm in arms), key=lambda each: each.area))


def stabilities(study: Study) -> tuple[Stability, ...]:
    """Return for every effect that most experiments found whether other kinds of worlds turn it round.

    What is about nothing has a sign by chance only, and is left out.
    """
    if not study.variants:
        return ()
    usual = {
        f"{each.metric}/{each.arm}": each.true for each in agreements(study) if 2 * each.found >= each.worlds
    }
    found = []
    for key, value in usual.items():
        others = [variant.differences[key] for variant in study.variants if key in variant.differences]
        known = [each for each in (value, *others) if math.isfinite(each)]
        if known:
            metric, _, arm = key.partition("/")
            found.append(
                Stability(metric=metric, arm=arm, usual=value, least=min(known), greatest=max(known))
            )
    return tuple(found)


def figures_of(study: Study) -> dict[str, object]:
    """Return the figures that go into the ledger."""
    return {
        "worlds": len(study.worlds),
        "regret": {each.arm: _rounded(each.area) for each in learnings(study)},
        "agreement": {
            f"{each.metric}/{each.arm}": {
                "observed": _rounded(each.observed),
                "true": _rounded(each.true),
                "covered": each.covered,
                "found": each.found,
            }
            for each in agreements(study)
        },
        "not_robust": [f"{each.metric}/{each.arm}" for each in stabilities(study) if not each.is_robust],
    }


def _of(world: WorldResult, metric: str, arm: str) -> Answer:
    return next(each for each in world.answers if (each.metric, each.arm) == (metric, arm))


def _agreement(metric: str, arm: str, answers: Sequence[Answer]) -> Agreement:
    told = [each for each in answers if each.is_told]
    return Agreement(
        metric=metric,
        arm=arm,
        worlds=len(told),
        observed=_mean([_share(each.difference, each.control) for each in told]),
        true=_mean([_share(each.true_difference, each.true_control) for each in answers]),
        covered=sum(each.holds_truth for each in told),
        found=sum(each.finds != 0 for each in told),
        wrong=sum(each.finds * each.true_difference < 0 for each in told),
    )


def _share(difference: float, control: float) -> float:
    return difference / abs(control) if control else float("nan")


def _mean(values: Iterable[float]) -> float:
    """Return the mean of what is a number: nobody came on some days, and nothing can be told in some worlds."""
    known = [value for value in values if math.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _learning(arm: str, worlds: Sequence[WorldResult]) -> Learning:
    curves = np.array([world.regret[arm] for world in worlds])
    rewards = np.array(
        [_mean(column) for column in zip(*(world.reward[arm] for world in worlds), strict=True)]
    )
    # each world's own best: what an arm does changes its readers, and so what would be best for them
    best = rewards + np.array([_mean(column) for column in curves.T])
    near = np.flatnonzero(rewards >= _NEAR_BEST * best)
    area, low, high = _mean_and_interval([_mean(row) for row in curves])
    bands = [_mean_and_interval(column.tolist()) for column in curves.T]
    return Learning(
        arm=arm,
        area=area,
        low=low,
        high=high,
        last_reward=float(rewards[-1] / best[-1]),
        day_near_best=int(near[0]) + 1 if len(near) else None,
        curve=tuple(mean for mean, _, _ in bands),
        curve_low=tuple(each for _, each, _ in bands),
        curve_high=tuple(each for _, _, each in bands),
    )


def _mean_and_interval(values: Sequence[float]) -> tuple[float, float, float]:
    known = [value for value in values if math.isfinite(value)]
    mean = _mean(known)
    if len(known) < 2:
        return mean, float("nan"), float("nan")
    width = float(stats.t.ppf(0.975, len(known) - 1)) * float(stats.sem(known))
    return mean, mean - width, mean + width


def _rounded(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None
