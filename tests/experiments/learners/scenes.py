"""A small bandit whose truth is known: readers with vectors, items with vectors, and the probability of every reward."""

from dataclasses import dataclass

import numpy as np

from opsctl.experiments.learners.model import Contexts, Feedback, Floats, Ids, Items, Policy

WIDTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Readers like items by a bilinear form that nobody told the learners."""

    items: Items
    readers: Floats
    groups: Ids
    taste: Floats
    quality: Floats
    base: float

    def rates(self, users: Ids, items: Ids) -> Floats:
        """Return the true probability of a reward for each item, shape (b, m)."""
        likes = np.einsum("bd,bmd->bm", self.readers[users] @ self.taste, self.items.vectors[items])
        rates: Floats = 1 / (1 + np.exp(-(self.base + 3.0 * likes + self.quality[items])))
        return rates


def scene(*, seed: int = 1, items: int = 40, readers: int = 200, base: float = -2.0) -> Scene:
    """Return a scene."""
    source = np.random.default_rng(seed)
    vectors, tastes = (
        unit(source.standard_normal((items, WIDTH))),
        unit(source.standard_normal((readers, WIDTH))),
    )
    styles = unit(source.standard_normal((5, WIDTH)))
    return Scene(
        items=Items(vectors=vectors, groups=(vectors @ styles.T).argmax(axis=1)),
        readers=tastes,
        groups=(tastes @ styles.T).argmax(axis=1),
        taste=np.linalg.qr(source.standard_normal((WIDTH, WIDTH)))[0],
        quality=0.7 * source.standard_normal(items),
        base=base,
    )


def unit(rows: Floats) -> Floats:
    """Return rows of length 1."""
    scaled: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def contexts(of: Scene, source: np.random.Generator, *, feeds: int = 8, candidates: int = 12) -> Contexts:
    """Return feeds of readers drawn by chance."""
    users = source.integers(0, len(of.readers), feeds)
    drawn = source.random((feeds, len(of.items.vectors))).argsort(axis=1)[:, :candidates]
    return Contexts(
        users=users,
        user_vectors=of.readers[users],
        user_groups=of.groups[users],
        candidates=np.sort(drawn, axis=1),
        items=of.items,
        day=0,
    )


def feedback(of: Scene, users: Ids, items: Ids, rewards: Floats) -> Feedback:
    """Return what came of items, a row each."""
    return Feedback(
        users=users,
        user_vectors=of.readers[users],
        user_groups=of.groups[users],
        items=items,
        positions=np.zeros(len(items), np.int64),
        rewards=rewards,
        propensities=np.full(len(items), np.nan),
        all_items=of.items,
    )


def random_feedback(of: Scene, source: np.random.Generator, *, rows: int) -> Feedback:
    """Return rewards of readers and items drawn by chance, by the true rates."""
    users = source.integers(0, len(of.readers), rows)
    items = source.integers(0, len(of.items.vectors), rows)
    rewards = (source.random(rows) < of.rates(users, items[:, None])[:, 0]).astype(np.float64)
    return feedback(of, users, items, rewards)


def regret_curve(of: Scene, policy: Policy, *, rounds: int, feeds: int, seed: int) -> Floats:
    """Return the regret of each round, shape (rounds,); contexts and luck are the same for all policies of a seed."""
    curve, own = np.empty(rounds), np.random.default_rng([seed, 99])
    for number in range(rounds):
        source = np.random.default_rng([seed, number])
        asked = contexts(of, source, feeds=feeds)
        shown = policy.choose(asked, size=1, generator=own).items
        rates = of.rates(asked.users, shown)[:, 0]
        curve[number] = (of.rates(asked.users, asked.candidates).max(axis=1) - rates).sum()
        rewards = (source.random(feeds) < rates).astype(np.float64)
        policy.learn(feedback(of, asked.users, shown[:, 0], rewards), generator=own)
    return curve
