"""Baselines that no book writes are measured in the control of a run, as a plan takes them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

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

from opsctl.experiments.baselines import baseline_of, measured_baselines, missing_baselines
from opsctl.experiments.metric_book import Metric
from opsctl.experiments.statistics.moments import moments_of
from opsctl.experiments.warehouse.model import Trial
from opsctl.experiments.warehouse.parquet import Bounds, ParquetWarehouse

METRICS: dict[str, Any] = {
    "known": {"kind": "mean", "events": ["order"], "role": "primary", "baseline": {"mean": 9.0}},
    "orders": {"kind": "mean", "events": ["order"]},
    "buyers": {"kind": "proportion", "events": ["order"]},
    "nothing": {"kind": "mean", "events": ["never"]},
    "wait": {"kind": "quantile", "events": ["order"], "quantile": 0.9},
}


def test_what_is_missing_is_measured_in_the_control_alone(tmp_path: Path) -> None:
    """Half of its 200 readers order twice; the treatment's order more, and a quantile is left to the book."""
    exposures = [
        ExposureRow(
            experiment="agents",
            unit_id=f"u{unit}",
            variant=("control", "changed")[unit % 2],
            exposed_at=START,
        )
        for unit in range(400)
    ]
    events = [
        EventRow(event="order", unit_id=f"u{unit}", value=1.0, observed_at=START + timedelta(hours=1 + time))
        for unit in range(400)
        for time in range(5 if unit % 2 else 2 * (unit % 4 == 0))
    ]
    folder = write_parquet(History(exposures=exposures, events=events), tmp_path)
    book = experiment(metrics=METRICS, dimensions=[])
    trial = Trial.from_start("agents", book=book, start=START)

    found = measured_baselines(ParquetWarehouse(folder, bounds=Bounds(threads=1)), trial, at=trial.end)

    assert missing_baselines(book.metrics) == ("orders", "buyers", "nothing")
    assert list(found) == ["orders", "buyers", "nothing"]
    assert (found["orders"].mean, found["orders"].deviation) == pytest.approx((1.0, (200 / 199) ** 0.5))
    assert found["buyers"].mean == pytest.approx(0.5)
    assert (found["nothing"].mean, found["nothing"].deviation) == (0.0, 0.0)


def test_what_units_did_before_is_measured_as_a_correlation() -> None:
    """That is what CUPED is worth."""
    source = np.random.Generator(np.random.PCG64(3))
    past = source.normal(0, 1, 50_000)
    values = np.column_stack([5 + 0.6 * past + 0.8 * source.normal(0, 1, 50_000), past])
    metric = Metric.model_validate({"kind": "mean", "events": ["click"], "pre_period": "7d"})

    found = baseline_of(metric, moments_of(values))

    assert found is not None
    assert found.mean == pytest.approx(5.0, abs=0.02)
    assert found.deviation == pytest.approx(1.0, abs=0.02)
    assert found.correlation == pytest.approx(0.6, abs=0.02)


def test_the_deviation_of_a_ratio_is_that_of_its_linearised_value() -> None:
    """So that the plan's standard error is that of the delta method."""
    source = np.random.Generator(np.random.PCG64(4))
    feeds = 1.0 + source.poisson(4, 40_000)
    clicks = source.binomial(feeds.astype(int), 0.2).astype(float)
    metric = Metric.model_validate({"kind": "ratio", "events": ["click"], "per": ["feed"]})

    found = baseline_of(metric, moments_of(np.column_stack([clicks, feeds])))

    assert found is not None
    linear = (clicks - found.mean * feeds) / feeds.mean()
    assert found.mean == pytest.approx(0.2, abs=0.01)
    assert found.deviation == pytest.approx(float(linear.std()), rel=1e-3)


def test_one_unit_says_nothing() -> None:
    """It is left out, and not guessed."""
    metric = Metric.model_validate({"kind": "mean", "events": ["click"]})

    assert baseline_of(metric, moments_of(np.array([3.0]))) is None
