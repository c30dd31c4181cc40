"""Experiments to be shown: one that is shipped, one whose arms have the wrong sizes, one that was simulated, one of hostile texts."""

from datetime import UTC, datetime, timedelta

import numpy as np

from opsctl.experiments.analysis.checks import Seen
from opsctl.experiments.analysis.model import Snapshot, Subject, UnitData
from opsctl.experiments.analysis.run import analyse
from opsctl.experiments.book import Experiment
from opsctl.experiments.peeks import Peek
from opsctl.experiments.statistics.moments import moments_of
from opsctl.experiments.studies.model import SIMULATED, Answer, Preference, Study, Variant, WorldResult
from opsctl.ui.experiment_page import Reported

START = datetime(2026, 11, 1, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script>"
ARMS = ("control", "six")


def book(title: str = "Four agents or six") -> Experiment:
    """Return a book of three metrics."""
    return Experiment.model_validate(
        {
            "title": title,
            "hypothesis": f"six agents find more than four {title}",
            "owner": "ranking",
            "decision": f"ship six if they are better {title}",
            "arms": {"control": {"weight": 0.5}, "six": {"weight": 0.5}},
            "horizon": "14d",
            "units": 4000,
            "dimensions": ["segment"],
            "metrics": {
                "clicks": {"kind": "mean", "events": ["click"], "role": "primary", "mde": "5%"},
                "return": {"kind": "proportion", "events": ["session"], "role": "guardrail", "margin": "5pp"},
                "saves": {"kind": "mean", "events": ["save"]},
            },
        }
    )


def snapshot(day: int, *, lift: float) -> Snapshot:
    """Return what is known on a day."""
    generator = np.random.Generator(np.random.PCG64(day))
    units = 140 * day
    means = {"clicks": 5.0, "saves": 2.0}
    metrics = {
        name: UnitData(
            arms={
                arm: [moments_of(generator.poisson(mean * (1 + lift * (arm == "six")), units).astype(float))]
                for arm in ARMS
            }
        )
        for name, mean in means.items()
    }
    metrics["return"] = UnitData(
        arms={arm: [moments_of((generator.random(units) < 0.75).astype(float))] for arm in ARMS}
    )
    return Snapshot(at=START + timedelta(days=day), units=dict.fromkeys(ARMS, units), metrics=metrics)


def reported(
    *,
    lift: float = 0.08,
    title: str = "Four agents or six",
    seen: Seen | None = None,
    study: Study | None = None,
) -> Reported:
    """Return an experiment at its horizon."""
    snapshots = [snapshot(day, lift=lift) for day in range(1, 15)]
    subject = Subject(name="agents", experiment=book(title), digest="ab" * 32, started_at=START)
    analysis = analyse(
        subject,
        snapshots,
        seen=seen or Seen(units=snapshots[-1].units, leaks=()),
        simulated=SIMULATED if study else (),
        certificates={"mean": "146a47d420c8"},
        peeks=1,
    )
    peek = Peek(
        at=START + timedelta(days=7),
        units={"control": 980, "six": 980},
        p={"clicks/six": 0.2},
        outcome="keep_running",
    )
    return Reported(
        analysis=analysis, peeks=[peek], units=[(each.at, each.units) for each in snapshots], study=study
    )


def mismatched() -> Reported:
    """Return one whose arms have the wrong sizes."""
    return reported(seen=Seen(units={"control": 1960, "six": 2300}))


def hostile() -> Reported:
    """Return one whose texts would do harm."""
    return reported(title=HOSTILE)


def simulated() -> Reported:
    """Return one that was simulated in three worlds, of which one kind turns an effect round."""
    return reported(study=_study())


def _study() -> Study:
    worlds = tuple(
        WorldResult(
            seed=seed,
            answers=tuple(
                Answer(
                    metric=metric,
                    arm="six",
                    control=5.0,
                    difference=0.4 + 0.05 * seed,
                    low=0.1,
                    high=0.7,
                    true_control=5.0,
                    true_difference=0.42,
                )
                for metric in ("clicks", "return", "saves")
            ),
            regret={
                "control": tuple(0.4 - 0.01 * day + 0.01 * seed for day in range(14)),
                "six": (0.3,) * 14,
            },
            reward={"control": (0.5,) * 14, "six": (0.6,) * 14},
            best=(0.9,) * 14,
            preference=Preference(value=0.12, low=0.05, high=0.19, p_value=0.001, sessions=812)
            if seed == 1
            else None,
        )
        for seed in (1, 2, 3)
    )
    return Study(
        name="agents",
        digest="ab" * 32,
        world="cd" * 32,
        started_at=START,
        worlds=worlds,
        variants=(Variant(name="cascade, no drift", differences={"clicks/six": 0.1, "saves/six": -0.02}),),
        stands=("hashed texts in place of all-MiniLM-L6-v2",),
    )
