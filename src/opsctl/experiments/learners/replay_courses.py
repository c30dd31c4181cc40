"""How does one policy go through a log: which rows happen to it, what it learns from them, and what they say of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from opsctl.experiments.learners.model import Floats
from opsctl.experiments.learners.off_policy import Estimate, Estimator, Log, effective_samples, estimate
from opsctl.experiments.learners.policies import PolicyWithChances
from opsctl.experiments.learners.replay_feeds import Block
from opsctl.experiments.learners.replay_model import CurvePoint, PolicyReplay, ReplayOptions, is_enough

_POINTS = 40
_NONE = (float("nan"), float("nan"))
_PRIOR_IMPRESSIONS = 50.0  # of the reward model: so much weight has the mean of all items


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What a policy earned so far, block by block."""

    rows: list[float] = field(default_factory=list)
    used: list[float] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    seconds: float = 0.0
    choices: int = 0

    def add(self, *, rows: int, used: float, rewards: float) -> None:
        for known, new in ((self.rows, rows), (self.used, used), (self.rewards, rewards)):
            known.append((known[-1] if known else 0) + new)

    def curve(self) -> tuple[CurvePoint, ...]:
        """Return some of the points; what the best policy would have earned more is not yet known."""
        places = np.unique(
            np.linspace(0, len(self.rows) - 1, min(_POINTS, len(self.rows))).round().astype(int)
        )
        return tuple(
            CurvePoint(
                rows=int(self.rows[place]),
                used=self.used[place],
                reward=self.rewards[place] / self.used[place] if self.used[place] else float("nan"),
                regret=float("nan"),
            )
            for place in places.tolist()
        )


class RejectionCourse:
    """A policy to which only those rows happen in which it chooses what was logged."""

    def __init__(
        self, policy: PolicyWithChances, *, slate: int, items: int, seed: int, timer: Callable[[], float]
    ) -> None:
        del items
        self._policy, self._slate, self._timer = policy, slate, timer
        self._generator = np.random.default_rng([seed, 3])
        self._tally = _Tally()
        self._squares = 0.0

    def replay(self, block: Block) -> None:
        """Let these rows happen."""
        began = self._timer()
        shown = self._policy.choose(block.contexts, size=self._slate, generator=self._generator).items
        self._tally.seconds += self._timer() - began
        self._tally.choices += len(shown)
        accepted = shown[np.arange(len(shown)), block.positions] == block.items
        rewards = block.rewards[accepted]
        self._tally.add(rows=len(shown), used=float(accepted.sum()), rewards=float(rewards.sum()))
        self._squares += float(np.square(rewards).sum())
        learned = block.feedback(accepted, all_items=block.contexts.items)
        self._policy.learn(learned, generator=self._generator)

    def result(self, _options: ReplayOptions) -> PolicyReplay:
        """Return how it did."""
        used, total = self._tally.used[-1], self._tally.rewards[-1]
        value = total / used if used else float("nan")
        rewarded = total**2 / self._squares if self._squares else 0.0
        low, high = _interval(value, used, self._squares) if is_enough(used, rewarded) else _NONE
        return PolicyReplay(
            policy=self._policy.name,
            used=int(used),
            effective=used,
            rewarded=rewarded,
            value=value,
            low=low,
            high=high,
            estimates={},
            curve=self._tally.curve(),
            milliseconds_a_row=1000 * self._tally.seconds / max(1, self._tally.choices),
            state_bytes=self._policy.state_bytes,
        )


class WeightsCourse:
    """A policy to which every row happens, as far as it would have chosen it."""

    def __init__(
        self, policy: PolicyWithChances, *, slate: int, items: int, seed: int, timer: Callable[[], float]
    ) -> None:
        self._policy, self._slate, self._timer = policy, slate, timer
        self._generator = np.random.default_rng([seed, 3])
        self._tally = _Tally()
        self._model = _RewardModel(slate=slate, items=items)
        self._logs: list[Log] = []

    def replay(self, block: Block) -> None:
        """Let these rows happen."""
        began = self._timer()
        chances = self._policy.chances(
            block.contexts, size=self._slate, places=block.positions, generator=self._generator
        )
        self._tally.seconds += self._timer() - began
        self._tally.choices += len(chances)
        modelled = self._model.rates()[block.positions]
        rows = np.arange(len(chances))
        log = Log(
            rewards=block.rewards,
            propensities=block.propensities,
            target=chances[rows, block.columns],
            modelled=modelled[rows, block.columns],
            modelled_target=(chances * modelled).sum(axis=1),
        )
        self._logs.append(log)
        weights = log.target / log.propensities
        self._tally.add(
            rows=len(rows), used=float(weights.sum()), rewards=float((weights * log.rewards).sum())
        )
        self._model.learn(block)
        everything = block.feedback(np.ones(len(rows), np.bool_), all_items=block.contexts.items)
        self._policy.learn(everything, generator=self._generator)

    def result(self, options: ReplayOptions) -> PolicyReplay:
        """Return how it did."""
        whole = _joined(self._logs)
        estimates: dict[str, Estimate] = {
            str(estimator): estimate(whole, estimator) for estimator in Estimator
        }
        estimates |= {
            f"{estimator}_clipped": estimate(whole, estimator, clip=options.clip)
            for estimator in (Estimator.IPS, Estimator.DR)
        }
        best = estimates[Estimator.SNIPS]
        rewarded = effective_samples(whole.rewards * whole.target / whole.propensities)
        low, high = max(0.0, best.low), min(1.0, best.high)
        return PolicyReplay(
            policy=self._policy.name,
            used=best.rows,
            effective=best.effective_samples,
            rewarded=rewarded,
            value=best.value,
            low=low if is_enough(best.effective_samples, rewarded) else float("nan"),
            high=high if is_enough(best.effective_samples, rewarded) else float("nan"),
            estimates=estimates,
            curve=self._tally.curve(),
            milliseconds_a_row=1000 * self._tally.seconds / max(1, self._tally.choices),
            state_bytes=self._policy.state_bytes,
        )


class _RewardModel:
    """The mean reward of each item at each position so far, drawn towards that of all; it never saw the rows it speaks of."""

    def __init__(self, *, slate: int, items: int) -> None:
        self._rewards = np.zeros((slate, items))
        self._counts = np.zeros((slate, items))

    def rates(self) -> Floats:
        """Return the model, shape (slate, items)."""
        mean = self._rewards.sum() / max(1.0, self._counts.sum())
        rates: Floats = (self._rewards + _PRIOR_IMPRESSIONS * mean) / (self._counts + _PRIOR_IMPRESSIONS)
        return rates

    def learn(self, block: Block) -> None:
        np.add.at(self._rewards, (block.positions, block.items), block.rewards)
        np.add.at(self._counts, (block.positions, block.items), 1.0)


def _joined(logs: Sequence[Log]) -> Log:
    def column(name: str) -> Floats:
        return np.concatenate([getattr(log, name) for log in logs])

    return Log(
        rewards=column("rewards"),
        propensities=column("propensities"),
        target=column("target"),
        modelled=column("modelled"),
        modelled_target=column("modelled_target"),
    )


def _interval(mean: float, count: float, squares: float) -> tuple[float, float]:
    """Return the 95 % interval of a mean of rewards from 0 to 1: Wilson's (1927), with the variance that was seen if it is smaller."""
    z2 = 1.959963984540054**2
    centre = (mean + z2 / (2 * count)) / (1 + z2 / count)
    variance = min(mean * (1 - mean), max(0.0, squares / count - mean**2))
    half = np.sqrt(z2 * (variance / count + z2 / (4 * count**2))) / (1 + z2 / count)
    return float(centre - half), float(centre + half)
