"""Books of experiments for tests: a small right one, and what is changed in it."""

from typing import Any

from opsctl.experiments.book import Experiment

SMALL: dict[str, Any] = {
    "title": "four or six agents",
    "hypothesis": "six agents find more than four; as many clicks would refute it",
    "owner": "ranking",
    "decision": "ship six agents if they are better",
    "arms": {
        "control": {"weight": 0.5, "settings": {"diversity": 0.3}},
        "changed": {"weight": 0.5, "settings": {"diversity": 0.6}},
    },
    "horizon": "14d",
    "units": 20_000,
    "metrics": {
        "engaged": {
            "kind": "proportion",
            "events": ["click", "save"],
            "role": "primary",
            "mde": "10%",
            "baseline": {"mean": 0.2},
        },
        "returned": {
            "kind": "proportion",
            "events": ["view"],
            "role": "guardrail",
            "margin": "2pp",
            "after": "6d",
            "window": "1d",
        },
    },
}


def document(**changes: Any) -> dict[str, Any]:
    """Return the document of the small book, top-level keys replaced; None takes one away."""
    return {key: value for key, value in (SMALL | changes).items() if value is not None}


def book(**changes: Any) -> Experiment:
    """Return the small book, top-level keys replaced."""
    return Experiment.model_validate(document(**changes))


def weighted(*weights: float) -> dict[str, Any]:
    """Return arms of these weights: `control`, `b`, `c` ..."""
    names = ("control", *"bcdefghijklmnopqrst")
    return {name: {"weight": weight} for name, weight in zip(names, weights, strict=False)}
