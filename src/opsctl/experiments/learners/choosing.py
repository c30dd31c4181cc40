"""How do scores become slates, and how probable was each item at its place."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from opsctl.core.errors import UsageError
from opsctl.experiments.learners.model import Contexts, Feedback, Floats, Ids, Slates

PROPENSITY_DRAWS = 200
"""Slates drawn for each reader where propensities are asked for. One of them, picked evenly, is shown: given the draws, the
frequency of an item at its place is then its exact probability. As an estimate of the probability over all draws that
could have been, its standard error is at most 0.035."""
_FLOATS_AT_ONCE = 1 << 18  # 2 MB: what a core keeps near itself


class DrawsPlaces(Protocol):
    """Whoever draws slates for some rows of the contexts, some times over."""

    def __call__(self, rows: slice, *, draws: int, generator: np.random.Generator) -> Ids:
        """Return places among the candidates, shape (rows, draws, m), best first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Slates that are drawn anew for each feed.

    Args:
        contexts: b feeds.
        size: m.
        draw: draws the slates.
        floats: numbers that are needed for one candidate, however often its slate is drawn; bounds memory.
        floats_a_draw: further ones for each draw.
    """

    contexts: Contexts
    size: int
    draw: DrawsPlaces
    floats: int
    floats_a_draw: int

    def parts(self, draws: int) -> Iterator[slice]:
        """Yield rows that can be worked on together.

        Raises:
            UsageError: EXP101 or EXP102, no slate can be made.
        """
        check_contexts(self.contexts, size=self.size)
        count, candidates = self.contexts.candidates.shape
        yield from rows_at_once(count, floats_a_row=candidates * (self.floats + draws * self.floats_a_draw))


class DrawsSlates(ABC):
    """What policies have in common that draw a slate anew for each feed: Thompson sampling, of whatever belief.

    Propensities and chances are frequencies among `propensity_draws` slates.
    """

    propensity_draws: int

    @abstractmethod
    def _drawing(self, contexts: Contexts, size: int) -> Drawing:
        """Return how slates of `size` items are drawn for the contexts, by what was learned so far."""

    def choose(
        self,
        contexts: Contexts,
        *,
        size: int,
        generator: np.random.Generator,
        with_propensities: bool = False,
    ) -> Slates:
        """Return a slate for each context; propensities come from `propensity_draws` slates a feed."""
        draws = self.propensity_draws if with_propensities else None
        return choose_by_draws(self._drawing(contexts, size), draws=draws, generator=generator)

    def chances(
        self, contexts: Contexts, *, size: int, places: Ids, generator: np.random.Generator
    ) -> Floats:
        """Return how often each candidate stands at the given place among `propensity_draws` slates, shape (b, c)."""
        drawing = self._drawing(contexts, size)
        return chances_by_draws(drawing, places=places, draws=self.propensity_draws, generator=generator)


def choose_by_draws(drawing: Drawing, *, draws: int | None, generator: np.random.Generator) -> Slates:
    """Return a slate for each feed.

    Args:
        drawing: how they are drawn.
        draws: how many are drawn a feed to know the propensities; None draws one, whose propensities are NaN.
        generator: source of all chance.
    """
    candidates = drawing.contexts.candidates
    shown = np.empty((len(candidates), drawing.size), np.int64)
    propensities = np.full(shown.shape, np.nan)
    for rows in drawing.parts(draws or 1):
        drawn = drawing.draw(rows, draws=draws or 1, generator=generator)
        if draws is None:
            shown[rows] = drawn[:, 0]
            continue
        picked = generator.integers(0, draws, len(drawn))
        shown[rows] = drawn[np.arange(len(drawn)), picked]
        propensities[rows] = (drawn == shown[rows][:, None]).mean(axis=1)
    return Slates(items=np.take_along_axis(candidates, shown, axis=1), propensities=propensities)


def chances_by_draws(drawing: Drawing, *, places: Ids, draws: int, generator: np.random.Generator) -> Floats:
    """Return how often each candidate stands at the given place of each feed's slate, shape (b, c), among so many draws.

    The frequency is an unbiased estimate of the probability, and so is an off-policy estimate that is linear in it.
    """
    chances: Floats = np.empty(drawing.contexts.candidates.shape)
    for rows in drawing.parts(draws):
        drawn = drawing.draw(rows, draws=draws, generator=generator)
        at_place = np.take_along_axis(drawn, places[rows, None, None], axis=2)[..., 0]
        cells = at_place + np.arange(len(drawn))[:, None] * chances.shape[1]
        counted = np.bincount(cells.ravel(), minlength=len(drawn) * chances.shape[1])
        chances[rows] = counted.reshape(-1, chances.shape[1]) / draws
    return chances


def best(scores: Floats, size: int) -> Ids:
    """Return the places of the greatest scores along the last axis, the greatest first; NaN counts as least.

    Equal scores come in an order that is fixed, but no fair one; who has equal scores breaks ties by chance before.
    """
    ranked = -np.where(np.isnan(scores), -np.inf, scores)
    if size == 1:
        places: Ids = ranked.argmin(axis=-1)[..., None]
        return places
    kept = (
        np.broadcast_to(np.arange(ranked.shape[-1]), ranked.shape)
        if size == ranked.shape[-1]
        else np.argpartition(ranked, size - 1, axis=-1)[..., :size]
    )
    order = np.take_along_axis(ranked, kept, axis=-1).argsort(axis=-1, kind="stable")
    return np.take_along_axis(kept, order, axis=-1).astype(np.int64)


def rows_at_once(count: int, *, floats_a_row: int) -> Iterator[slice]:
    """Yield the rows in parts whose work fits into a core's own memory."""
    step = max(1, _FLOATS_AT_ONCE // max(1, floats_a_row))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def check_contexts(contexts: Contexts, *, size: int) -> None:
    """Refuse contexts from which no slate of this size can be made.

    Raises:
        UsageError: EXP101 candidates and readers do not fit, EXP102 a reader's vector is not finite.
    """
    count = len(contexts.users)
    candidates = contexts.candidates
    is_whole = candidates.ndim == 2 and len(candidates) == count == len(contexts.user_vectors)
    if not is_whole or len(contexts.user_groups) != count:
        raise UsageError(
            f"{count} readers have candidates of shape {candidates.shape} and vectors of shape {contexts.user_vectors.shape}",
            code="EXP101",
            fix="give a row of each for every reader",
        )
    if not 1 <= size <= candidates.shape[1]:
        raise UsageError(
            f"a slate of {size} cannot be made of {candidates.shape[1]} candidates",
            code="EXP101",
            fix="bring more candidates, or ask for a shorter slate",
        )
    if not np.isfinite(contexts.user_vectors).all():
        raise UsageError(
            "a reader's vector is NaN or infinite", code="EXP102", fix="leave zeros where nothing is known"
        )


def check_feedback(feedback: Feedback) -> None:
    """Refuse feedback that would spoil what was learned.

    Raises:
        UsageError: EXP102.
    """
    count = len(feedback.rewards)
    parts = (feedback.users, feedback.user_vectors, feedback.user_groups, feedback.items, feedback.positions)
    if any(len(part) != count for part in parts):
        raise UsageError(
            f"{count} rewards came with {', '.join(str(len(part)) for part in parts)} rows of the rest",
            code="EXP102",
            fix="give one row for each impression",
        )
    rewards = feedback.rewards
    if not np.isfinite(feedback.user_vectors).all() or not ((rewards >= 0) & (rewards <= 1)).all():
        raise UsageError(
            "feedback holds a reader's vector that is not finite, or a reward that is not from 0 to 1",
            code="EXP102",
            fix="find out where it comes from; nothing was learned from this batch",
        )
