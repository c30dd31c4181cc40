"""Does a method keep what it promises: its trial, measured, measured again where chance may have played in, certified."""

import hashlib
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy import stats

import opsctl.experiments.statistics as statistics_package
from opsctl.experiments.certify.model import Certificate, Figure, Measured, Null, Planted, Promise, Trial
from opsctl.experiments.certify.promises import EXTENSION, REPLICATIONS, loosened
from opsctl.experiments.certify.trials_families import family_trials
from opsctl.experiments.certify.trials_looks import look_trials
from opsctl.experiments.certify.trials_means import two_arm_trials
from opsctl.experiments.certify.trials_shapes import CutOff, Quantiles
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
    )
    return {trial.method: trial for trial in trials}


def certify(
    trial: Trial, *, replications: int = REPLICATIONS, seed: int = SEED, tell: Tell = lambda _: None
) -> Certificate:
    """Return what was measured of a method; the same replications, seed and code give the same figures.

    Args:
        trial: of the method.
        replications: experiments without an effect, and as many with one; fewer than 10,000 make a short certificate,
            whose tolerances are wider.
        seed: of all chance.
        tell: hears of progress.
    """
    began = time.perf_counter()
    promises = [loosened(each, replications=replications) for each in trial.promises]
    null, planted = _run(trial, replications, seed=(seed, 0), tell=tell)
    figures = [_measured(promise, null, planted) for promise in promises]
    if replications >= REPLICATIONS and not all(figure.is_kept for figure in figures):
        more_null, more_planted = _run(trial, EXTENSION * replications, seed=(seed, 1), tell=tell)
        null, planted = _joined_null(null, more_null), _joined_planted(planted, more_planted)
        figures = [_measured(promise, null, planted) for promise in promises]
    return Certificate(
        method=trial.method,
        figures=tuple(figures),
        seed=seed,
        code=code_digest(),
        versions={"numpy": np.__version__, "python": platform.python_version()},
        seconds=time.perf_counter() - began,
    )


def code_digest() -> str:
    """Return the SHA-256 of the statistics' code, whatever its comments' wording: a certificate is of exactly this code."""
    digest = hashlib.sha256()
    for folder in statistics_package.__path__:
        for path in sorted(Path(folder).glob("*.py")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


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
    lifts = None
    if one.lift_covered is not None and other.lift_covered is not None:
        lifts = np.concatenate([one.lift_covered, other.lift_covered])
    return Planted(
        found=np.concatenate([one.found, other.found]),
        covered=np.concatenate([one.covered, other.covered]),
        lift_covered=lifts,
        promised_power=other.promised_power,
    )


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
    match figure:
        case Figure.FALSE_FINDINGS:
            return float(null.found.mean()), len(null.found)
        case Figure.UNIFORMITY if null.p_values is not None:
            return float(stats.kstest(null.p_values, "uniform").pvalue), len(null.p_values)
        case Figure.COVERAGE if planted is not None:
            return float(planted.covered.mean()), len(planted.covered)
        case Figure.LIFT_COVERAGE if planted is not None and planted.lift_covered is not None:
            return float(planted.lift_covered.mean()), len(planted.lift_covered)
        case Figure.POWER if planted is not None and planted.promised_power is not None:
            return float(planted.found.mean()) - planted.promised_power, len(planted.found)
    raise ValueError(f"{figure} is promised, and not measured")
