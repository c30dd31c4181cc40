"""What does one arm's log say of readers and vendors: histories, popularity, and the features that ranking reads."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from opsctl.experiments.learners.model import Feedback, Floats, Ids
from opsctl.experiments.simulator.vendors import Observables
from opsctl.ranking.model import Candidates, Feature, Reader
from opsctl.ranking.reader import context_vector, interaction_weights, reader_vector

_HISTORY = 100  # newest clicks of a reader that count, as in the service's book
_HALF_LIFE_DAYS = 30.0
_DAY_SECONDS = 86_400.0
_PRIOR_VIEWS = 20.0  # before that many views a vendor's popularity is mostly that of all, times its quality
_UNKNOWN_QUALITY = 0.5

Matrix = NDArray[np.float32]


class Log:
    """All that an arm has seen happen, in the form in which ranking asks for it."""

    def __init__(self, observables: Observables) -> None:
        self.arrives = observables.arrives
        self.log_price = np.log2(observables.price_usd)
        self.quality = (observables.review_mean - 1.0) / 4.0
        self._views = np.zeros(len(self.quality))
        self._positives = np.zeros(len(self.quality))
        self.shown = np.zeros(len(self.quality))
        self._clicked: dict[int, deque[tuple[int, int]]] = {}
        self._day = 0

    def note_shown(self, slates: Ids) -> None:
        """Remember what was shown, shape (b, m)."""
        np.add.at(self.shown, slates, 1.0)

    def note_feedback(self, feedback: Feedback) -> None:
        """Remember what came of impressions."""
        np.add.at(self._views, feedback.items, 1.0)
        np.add.at(self._positives, feedback.items, feedback.rewards > 0)
        liked = feedback.rewards > 0
        for user, item in zip(feedback.users[liked].tolist(), feedback.items[liked].tolist(), strict=True):
            self._clicked.setdefault(user, deque(maxlen=_HISTORY)).appendleft((item, self._day))

    def popularity(self) -> Floats:
        """Return the share of views that pleased, shape (v,); of what was seldom seen, that of all times its quality."""
        share = (self._positives.sum() + 2.0) / (self._views.sum() + 20.0)
        quality = np.nan_to_num(self.quality, nan=_UNKNOWN_QUALITY)
        popularity: Floats = (self._positives + _PRIOR_VIEWS * share * quality) / (self._views + _PRIOR_VIEWS)
        return popularity

    def clicked_by(self, user: int) -> Sequence[tuple[int, int]]:
        """Return what a reader clicked and on which day, the newest first."""
        return tuple(self._clicked.get(user, ()))

    def view(self, vectors: Matrix, *, day: int) -> "View":
        """Return the log as ranking sees it on a day, with the vectors of all vendors, rows of length 1."""
        self._day = day
        return View(
            log=self,
            vectors=vectors,
            day=day,
            popularity=self.popularity(),
            freshness=np.exp2(-np.maximum(day - self.arrives, 0) / _HALF_LIFE_DAYS),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What ranking reads on one day; see `Log.view`."""

    log: Log
    vectors: Matrix
    day: int
    popularity: Floats
    freshness: Floats

    def reader(self, user: int) -> Reader:
        """Return what is known of a reader."""
        clicked = self.log.clicked_by(user)
        items = [item for item, _ in clicked]
        history = self.vectors[items] if items else np.zeros((0, self.vectors.shape[1]), np.float32)
        kinds = ["click"] * len(items)
        ages = [(self.day - when) * _DAY_SECONDS for _, when in clicked]
        half_life = _HALF_LIFE_DAYS * _DAY_SECONDS
        return Reader(
            vector=reader_vector(history, kinds, ages, half_life_seconds=half_life),
            history=history,
            seen=frozenset(items),
            context=context_vector(history),
            vendors=frozenset(items),
            history_weights=interaction_weights(kinds, ages, half_life_seconds=half_life),
        )

    def candidates(self, user: int, reader: Reader, items: Ids) -> Candidates:
        """Return candidates, shape (c,), with their features for a reader; a vendor is its own only item."""
        vectors = self.vectors[items]
        features = np.full((len(items), len(Feature)), np.nan)
        if reader.vector is not None:
            features[:, Feature.SIMILARITY] = (vectors @ reader.vector + 1.0) / 2.0
        features[:, Feature.QUALITY] = self.log.quality[items]
        features[:, Feature.POPULARITY] = self.popularity[items]
        features[:, Feature.FRESHNESS] = self.freshness[items]
        features[:, Feature.PRICE_FIT] = self._price_fit(user, items)
        shown = self.log.shown[items]
        features[:, Feature.EXPOSURE] = np.searchsorted(np.sort(shown), shown) / max(1, len(shown) - 1)
        return Candidates(ids=items, vendors=items, vectors=vectors, features=features)

    def _price_fit(self, user: int, items: Ids) -> Floats | float:
        clicked = [item for item, _ in self.log.clicked_by(user)]
        if not clicked:
            return np.nan
        doublings = self.log.log_price[items] - self.log.log_price[clicked].mean()
        fit: Floats = np.exp2(-np.abs(doublings))
        return fit
