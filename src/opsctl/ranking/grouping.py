"""Which logged decisions are compared with each other when the policy learns: those of like readers."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from opsctl.ranking.learning import Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One decision whose reward is known.

    Args:
        context: the reader's context at that time (`Reader.context`).
        logits: by agent, what was sampled (`Slate.logits`).
        reward: what came of the slate, any finite unit.
        importance: see `Group.importance`.
        ratio: see `Group.ratios`.
    """

    context: tuple[float, ...]
    logits: Mapping[str, float]
    reward: float
    importance: float = 1.0
    ratio: float = 1.0


def group_samples(samples: Sequence[Sample], *, agents: Sequence[str], steps: int = 3) -> tuple[Group, ...]:
    """Return the samples in groups of like contexts, in the order in which each group's first sample came.

    Two samples are alike when all numbers of their contexts round to the same multiple of 1 / steps. Samples of other
    agents or of another size of context than the first fitting one are left out: they belong to another policy. See
    `learning` for what such groups cannot tell apart.

    Raises:
        ValueError: `steps` is below 1.
    """
    if steps < 1:
        raise ValueError(f"contexts need at least 1 step, got {steps}")
    fitting = [sample for sample in samples if set(sample.logits) == set(agents)]
    buckets: defaultdict[tuple[int, ...], list[Sample]] = defaultdict(list)
    for sample in fitting:
        if len(sample.context) == len(fitting[0].context):
            buckets[tuple(round(number * steps) for number in sample.context)].append(sample)
    return tuple(_group(bucket, agents) for bucket in buckets.values())


def _group(samples: Sequence[Sample], agents: Sequence[str]) -> Group:
    return Group(
        contexts=np.array([sample.context for sample in samples], np.float64),
        logits=np.array([[sample.logits[name] for name in agents] for sample in samples], np.float64),
        rewards=np.array([sample.reward for sample in samples], np.float64),
        importance=np.array([sample.importance for sample in samples], np.float64),
        ratios=np.array([sample.ratio for sample in samples], np.float64),
    )
