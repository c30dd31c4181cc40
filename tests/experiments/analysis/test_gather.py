"""What was known at each moment is comparable with what was known at the others, and means what the book says."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.experiments.warehouse.histories import (
    START,
    EventRow,
    ExposureRow,
    History,
    experiment,
    write_parquet,
)

from opsctl.experiments.analysis.gather import gather, moments_to
from opsctl.experiments.analysis.model import Subject, UnitData
from opsctl.experiments.statistics.moments import merge
from opsctl.experiments.warehouse.parquet import Bounds, ParquetWarehouse

UNITS, DAYS = 300, 14
SPENT = {"kind": "mean", "events": ["order"], "counting": "sum", "role": "primary", "winsorise": 0.99}


def _subject() -> Subject:
    book = experiment(
        metrics={"grows": SPENT, "windowed": SPENT | {"window": "1d"}},
        horizon=f"{DAYS}d",
        stopping={"rule": "group_sequential", "looks": ["2d"]},
        dimensions=[],
    )
    return Subject(name="agents", experiment=book, digest="0" * 64, started_at=START)


def test_a_cap_of_the_first_look_does_not_cut_off_what_grows_after_it(tmp_path: Path) -> None:
    """All readers come on the first day and go on spending; with a window the cap stays where it was."""
    source = np.random.Generator(np.random.PCG64(5))
    exposures = [
        ExposureRow(
            experiment="agents",
            unit_id=f"u{unit}",
            variant=("control", "changed")[unit % 2],
            exposed_at=START,
        )
        for unit in range(UNITS)
    ]
    spent = source.gamma(4.0, 2.5, (UNITS, DAYS))
    events = [
        EventRow(
            event="order",
            unit_id=f"u{unit}",
            value=float(spent[unit, day]),
            observed_at=START + timedelta(days=day, hours=1),
        )
        for unit in range(UNITS)
        for day in range(DAYS)
    ]
    folder = write_parquet(History(exposures=exposures, events=events), tmp_path)
    subject, at = _subject(), START + timedelta(days=DAYS)

    snapshots, _ = gather(
        ParquetWarehouse(folder, bounds=Bounds(threads=1)),
        subject,
        end=at,
        moments=moments_to(at, subject=subject, with_curve=False),
    )

    means = [[_mean(snapshot.metrics[name]) for name in ("grows", "windowed")] for snapshot in snapshots]
    assert means[0][0] == pytest.approx(spent[:, :2].sum(axis=1).mean(), rel=0.02)
    assert means[-1][0] == pytest.approx(spent.sum(axis=1).mean(), rel=0.02)
    assert means[0][1] == pytest.approx(means[-1][1])


def test_a_cap_is_frozen_at_the_first_planned_look_that_has_one(tmp_path: Path) -> None:
    """At the first one no window is over; extreme values are cut off all the same, from the second on at one cap."""
    source = np.random.Generator(np.random.PCG64(6))
    hours = source.uniform(0, 9 * 24, UNITS).tolist()
    exposures = [
        ExposureRow(
            experiment="agents",
            unit_id=f"u{unit}",
            variant=("control", "changed")[unit % 2],
            exposed_at=START + timedelta(hours=hours[unit]),
        )
        for unit in range(UNITS)
    ]
    values = source.lognormal(0, 2, UNITS)
    events = [
        EventRow(
            event="order",
            unit_id=f"u{unit}",
            value=float(values[unit]),
            observed_at=START + timedelta(hours=hours[unit], minutes=5),
        )
        for unit in range(UNITS)
    ]
    book = experiment(
        metrics={"spent": SPENT | {"winsorise": 0.9, "window": "2d"}},
        horizon=f"{DAYS}d",
        stopping={"rule": "group_sequential", "looks": ["2d", "6d"]},
        dimensions=[],
    )
    subject = Subject(name="agents", experiment=book, digest="0" * 64, started_at=START)
    folder, at = (
        write_parquet(History(exposures=exposures, events=events), tmp_path),
        START + timedelta(days=DAYS),
    )

    snapshots, _ = gather(
        ParquetWarehouse(folder, bounds=Bounds(threads=1)),
        subject,
        end=at,
        moments=moments_to(at, subject=subject, with_curve=False),
    )
    first, *later = (snapshot.metrics["spent"] for snapshot in snapshots)

    assert isinstance(first, UnitData)
    assert first.uncut is not None
    assert [each.uncut for each in later if isinstance(each, UnitData)] == [None, None]
    known = values[np.asarray(hours) <= 4 * 24]
    cap = np.quantile(known, 0.9, method="inverted_cdf")
    assert _mean(later[-1]) == pytest.approx(np.minimum(values, cap).mean())


def _mean(data: object) -> float:
    assert isinstance(data, UnitData)
    return merge([moments for strata in data.arms.values() for moments in strata]).means[0]


def test_what_cannot_be_read_reaches_whoever_analyses(tmp_path: Path) -> None:
    """Exposures of nobody, and values that are no numbers, by arm."""
    whole = [
        ExposureRow(experiment="agents", unit_id=unit, variant=arm, exposed_at=START)
        for unit, arm in (("a", "control"), ("b", "changed"))
    ]
    orders = [
        EventRow(event="order", unit_id=unit, value=value, observed_at=START + timedelta(hours=1))
        for unit, value in (("a", 1.0), ("b", float("nan")), ("b", None), ("b", 2.0))
    ]
    history = History(exposures=[*whole, replace(whole[0], unit_id=None)], events=orders)
    subject, at = _subject(), START + timedelta(days=DAYS)

    _, seen = gather(
        ParquetWarehouse(write_parquet(history, tmp_path), bounds=Bounds(threads=1)),
        subject,
        end=at,
        moments=moments_to(at, subject=subject, with_curve=False),
    )

    assert seen.unreadable == 1
    assert {arm: count for arm, count in seen.spoiled.items() if count} == {"changed": 2}
