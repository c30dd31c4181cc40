"""Of which kinds of record can it be told what their inputs are now, so that evidence of a changed book goes stale?

The digests themselves are worked out where the books are known (`cli.checklist_present`); a test holds both together.
"""

from collections.abc import Mapping

KNOWN_INPUTS: Mapping[str, tuple[str, ...]] = {
    "alerts.prove": ("rule", "rules"),
    "alerts.test": ("rules",),
    "bench.latency": ("filter",),
    "bench.load": ("book",),
    "chaos.drill": ("drill",),
    "costs.estimate": ("cache", "costs", "prices"),
    "costs.measure": ("cache", "service"),
    "dashboards.probe": ("dashboards",),
    "dr.drill": ("book",),
    "experiments.analyze": ("experiment",),
    "experiments.simulate": ("experiment",),
    "readers.measure": ("ranking",),
}


def known_inputs(kind: str) -> tuple[str, ...]:
    """Return the inputs of a kind whose present digest can be told."""
    return KNOWN_INPUTS.get(kind, ())
