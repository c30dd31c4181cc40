"""Books of experiments that the tests of power and feasibility share."""

from typing import Any

from opsctl.experiments.book import Experiment
from opsctl.experiments.metric_book import Metric


def metric(**changes: Any) -> Metric:
    """Return a primary metric: the share of readers who save something, 20 %, of which a twentieth is worth finding."""
    return Metric.model_validate(
        {"kind": "proportion", "events": ["save"], "role": "primary", "mde": "5%", "baseline": {"mean": 0.2}}
        | changes
    )


def experiment(metrics: dict[str, Metric] | None = None, **changes: Any) -> Experiment:
    """Return a book of two equal arms and two weeks."""
    return Experiment.model_validate(
        {
            "title": "a better ranking",
            "hypothesis": "readers save more of what is ranked better",
            "owner": "somebody",
            "decision": "ship it where it is better",
            "arms": {"control": {"weight": 0.5}, "treatment": {"weight": 0.5}},
            "horizon": "14d",
            "metrics": {name: each.model_dump() for name, each in (metrics or {"saves": metric()}).items()},
        }
        | changes
    )
