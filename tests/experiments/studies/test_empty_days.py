"""A day on which nobody comes is a day: it teaches nothing, and the days after it keep their places."""

import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from opsctl.experiments.book import Experiment
from opsctl.experiments.studies.document import read_study, to_text
from opsctl.experiments.studies.model import Study
from opsctl.experiments.studies.run import Job, run_world
from opsctl.experiments.studies.summary import figures_of, learnings


def test_worlds_of_few_readers_are_told_together(tmp_path: Path) -> None:
    """Twenty readers, who stay away on different days in each world; written down and read back."""
    experiment = Experiment.model_validate(
        {
            "title": "few readers",
            "hypothesis": "nothing is to be found here",
            "owner": "ranking",
            "decision": "whatever comes of it",
            "arms": {"control": {"weight": 0.5}, "other": {"weight": 0.5, "settings": {"diversity": 0.5}}},
            "horizon": "7d",
            "metrics": {"clicks": {"kind": "mean", "events": ["click"], "role": "primary"}},
            "simulation": {
                "users": 20,
                "days": 7,
                "warm_up_days": 2,
                "world": {"vendors": 40, "candidates": 12, "satisfaction_base": -20, "return_base": 0.02},
            },
        }
    )
    worlds = tuple(run_world(Job(name="few", experiment=experiment, seed=seed)) for seed in range(4))
    study = Study(
        name="few",
        digest="0" * 64,
        world="1" * 64,
        started_at=datetime(2026, 1, 5, tzinfo=UTC),
        worlds=worlds,
        variants=(),
        stands=(),
    )
    (tmp_path / "study.json").write_bytes(to_text(study))

    read = read_study(tmp_path, name="few")
    told = learnings(read)

    assert {len(curve) for world in worlds for curve in world.regret.values()} == {7}
    assert any(math.isnan(value) for world in worlds for curve in world.regret.values() for value in curve)
    assert np.array_equal(
        [world.best for world in read.worlds], [world.best for world in worlds], equal_nan=True
    )
    assert all(math.isfinite(each.area) and len(each.curve) == 7 for each in told)
    assert "NaN" not in str(figures_of(read))
