"""Does a method keep what it promises: its trial, measured, measured again where chance may have played in, certified."""

import hashlib
import time
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from opsctl.experiments.certify.code import code_digest, versions_here
from opsctl.experiments.certify.model import (
    Certificate,
    Figure,
    Flags,
    Floats,
    Measured,
    Null,
    Planted,
    Promise,
    Trial,
)
from opsctl.experiments.certify.promises import EXTENSION, loosened, replications_of
from opsctl.experiments.certify.trials_families import family_trials
from opsctl.experiments.certify.trials_looks import look_trials
from opsctl.experiments.certify.trials_means import two_arm_trials
from opsctl.experiments.certify.trials_shapes import CutOff, Quantiles
from opsctl.experiments.certify.trials_verdicts import verdict_trials
from opsctl.experiments.statistics.methods import Method

SEED = 2026
"""Of every certificate: chosen before the first one was made, and not since."""
_PIECE = 500

Tell = Callable[[int], None]
"""Hears how many experiments were done since the last call."""


def all_trials() -> dict[Method, Trial]:
    """Return the trial of every method."""
    trials: Sequence[Trial] = (
        *two_arm_trials(),
        Quantiles(),
        CutOff(method=Method.WINSORISED_MEAN),
        CutOff(method=Method.WINSORISED_RATIO),
        *look_trials(),
        *family_trials(),
        *verdict_trials(),
    )
    return {trial.method: trial for trial in trials}


def certify(
    trial: Trial, *, replications: int | None = None, seed: int = SEED, tell: Tell = lambda _: None
) -> Certificate:
    """Return what was measured of a method; the same replications, seed and code give the same figures.

    Args:
        trial: of the method.
        replications: experiments without an effect, and as many with one; fewer than a whole certificate has, which is
            taken where nothing is said, make a short one, whose tolerances are wider.
        seed: of all chance.
        tell: hears of progress.
    """
    began = time.perf_counter()
    whole = replications_of(trial.method)
    count = replications or whole
    promises = [loosened(each, replications=count, whole=whole) for each in trial.promises]
    null, planted = _run(trial, count, seed=(seed, 0), tell=tell)
    figures = [_measured(promise, null, planted) for promise in promises]
    if count >= whole and not all(figure.is_kept for figure in figures):
        more_null, more_planted = _run(trial, EXTENSION * count, seed=(seed, 1), tell=tell)
        null, planted = _joined_null(null, more_null), _joined_planted(planted, more_planted)
        figures = [_measured(promise, null, planted) for promise in promises]
    return Certificate(
        method=trial.method,
        figures=tuple(figures),
        seed=seed,
        code=code_digest(),
        versions=versions_here(),
        seconds=time.perf_counter() - began,
    )


def _run(
    trial: Trial, replications: int, *, seed: tuple[int, int], tell: Tell
) -> tuple[Null, Planted | None]:
    # By the name and not by the place in a list: a new method changes no other one's chance.
    own = int.from_bytes(hashlib.sha256(trial.method.value.encode()).digest()[:4])
    generators = [np.random.Generator(np.random.PCG64([*seed, own, each])) for each in (0, 1)]
    null: Null | None = None
    for size in _pieces(replications):
        null = _joined_null(null, trial.null(generators[0], size))
        tell(size)
    planted = trial.planted(generators[1], replications)
    tell(replications)
    if null is None:
        raise ValueError("at least one replication is needed")
    return null, planted


def _pieces(replications: int) -> list[int]:
    whole, rest = divmod(replications, _PIECE)
    return [_PIECE] * whole + ([rest] if rest else [])


def _joined_null(one: Null | None, other: Null) -> Null:
    if one is None:
        return other
    p_values = None
    if one.p_values is not None and other.p_values is not None:
        p_values = np.concatenate([one.p_values, other.p_values])
    return Null(found=np.concatenate([one.found, other.found]), p_values=p_values)


def _joined_planted(one: Planted | None, other: Planted | None) -> Planted | None:
    if one is None or other is None:
        return other
    return Planted(
        found=np.concatenate([one.found, other.found]),
        covered=_joined(one.covered, other.covered),
        lift_covered=_joined(one.lift_covered, other.lift_covered),
        promised_power=other.promised_power,
        harmful=_joined(one.harmful, other.harmful),
    )


def _joined(one: Flags | None, other: Flags | None) -> Flags | None:
    return None if one is None or other is None else np.concatenate([one, other])


def _measured(promise: Promise, null: Null, planted: Planted | None) -> Measured:
    value, count = _value(promise.figure, null, planted)
    return Measured(
        figure=promise.figure,
        value=value,
        low=promise.low,
        high=promise.high,
        replications=count,
        is_kept=promise.holds(value),
    )


def _value(figure: Figure, null: Null, planted: Planted | None) -> tuple[float, int]:
    if figure is Figure.UNIFORMITY and null.p_values is not None:
        return float(stats.kstest(null.p_values, "uniform").pvalue), len(null.p_values)
    if figure is Figure.POWER and planted is not None and planted.promised_power is not None:
        return float(planted.found.mean()) - planted.promised_power, len(planted.found)
    counted = _counted(figure, null, planted)
    if counted is None:
        raise ValueError(f"{figure} is promised, and not measured")
    return float(counted.mean()), len(counted)


def _counted(figure: Figure, null: Null, planted: Planted | None) -> Floats | Flags | None:
    """Return by experiment whether what a share counts has happened; None where it was not looked at."""
    if figure in (Figure.FALSE_FINDINGS, Figure.SHIPPED_FOR_NOTHING):
        return null.found
    if planted is None:
        return None
    of_planted = {
        Figure.COVERAGE: planted.covered,
        Figure.LIFT_COVERAGE: planted.lift_covered,
        Figure.SHIPPED_LIFTS: planted.found,
        Figure.SHIPPED_HARM: planted.harmful,
    }
    return of_planted.get(figure)
