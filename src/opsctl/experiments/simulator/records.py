"""What happened on a simulated day: every session with its truth, and what came of earlier ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from opsctl.experiments.learners.model import Flags, Floats, Ids
from opsctl.experiments.simulator.calendar import SECOND
from opsctl.experiments.simulator.inquiries import Clicks, Inquiries
from opsctl.experiments.simulator.world_book import World

_READING = 10 * SECOND  # how long a reader looks at an item before the next one, or a click
_WIDE = {"candidates": "candidates", "slates": "slate", "propensities": "slate", "clicks": "slate"} | {
    "probabilities": "slate",
    "relevance": "slate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """n sessions, each with one slate, in the order in which they were made.

    Args:
        users: shape (n,).
        arms: shape (n,), number of the arm; -1 for nobody's, such as in the warm-up.
        slots: shape (n,), which session of the reader's day.
        at: shape (n,), microseconds since 1970.
        candidates: shape (n, c), vendors, ascending.
        slates: shape (n, m), vendors, best first.
        propensities: shape (n, m), as the policy says them; NaN where it was not asked or cannot tell.
        clicks: shape (n, m).
        probabilities: shape (n, m), the true probability of each click.
        relevance: shape (n, m), true relevance of each item.
        rewards: shape (n,), expected clicks of the slate.
        best_rewards: shape (n,), those of the oracle's slate for the same reader at the same moment.
        gains: shape (n,), true relevance of the slate's items, discounted by where they stand (`gains.discounted`).
        best_gains: shape (n,), of the most relevant candidates in the best order.
        quality: shape (n,), mean true quality of what was shown.
        diversity: shape (n,), intra-list distance: 1 - mean cosine of two items, by their true styles.
        costs: shape (n,), dollars.
        latencies: shape (n,), milliseconds.
    """

    users: Ids
    arms: Ids
    slots: Ids
    at: Ids
    candidates: Ids
    slates: Ids
    propensities: Floats
    clicks: Flags
    probabilities: Floats
    relevance: Floats
    rewards: Floats
    best_rewards: Floats
    gains: Floats
    best_gains: Floats
    quality: Floats
    diversity: Floats
    costs: Floats
    latencies: Floats

    @property
    def regrets(self) -> Floats:
        """Return what each slate missed, shape (n,); below 0 only where the oracle is greedy (`oracle.is_exact`)."""
        return self.best_rewards - self.rewards


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedDay:
    """One day.

    Args:
        day: from 0, the start; below 0 in the warm-up.
        arms: names of the arms; their numbers are places here.
        assignment: shape (u,), number of each reader's arm, -1 for nobody's.
        sessions: what was shown and clicked.
        known_clicks: shape (u,), how often each reader had clicked before today.
        cities: shape (u,), where each reader lives.
        saved_users: shape (s,), who saved something.
        saved_at: shape (s,), when the click before it was.
        inquiries: what arrived today, from whatever day the click was.
        answered_users: shape (a,), who answered the survey.
        answered_at: shape (a,), when.
        answers: shape (a,), 100, 0 or -100.
        satisfaction: shape (u,), how content each reader is in truth at the end of the day, 0 to 1.
        label: says that it is simulated, and from what; see `Market.label`.
    """

    day: int
    arms: tuple[str, ...]
    assignment: Ids
    sessions: Sessions
    known_clicks: Ids
    cities: Ids
    saved_users: Ids
    saved_at: Ids
    inquiries: Inquiries
    answered_users: Ids
    answered_at: Ids
    answers: Floats
    satisfaction: Floats
    label: Mapping[str, str]


def clicks_of(sessions: Sessions, *, impressions: Ids) -> Clicks:
    """Return the clicks of sessions one by one; the further down an item stands, the later it is clicked.

    Args:
        sessions: n of them.
        impressions: shape (n, m), the number of each impression.
    """
    rows, places = np.nonzero(sessions.clicks)
    return Clicks(
        users=sessions.users[rows],
        vendors=sessions.slates[rows, places],
        relevance=sessions.relevance[rows, places],
        at=sessions.at[rows] + (places + 1) * _READING,
        impressions=impressions[rows, places],
    )


def joined_sessions(parts: Sequence[Sessions], *, world: World) -> Sessions:
    """Return all sessions, in the order of the parts; without parts none, of the world's widths."""
    columns: dict[str, Any] = {
        each.name: np.concatenate([getattr(part, each.name) for part in parts])
        if parts
        else _no_rows(each.name, world)
        for each in fields(Sessions)
    }
    return Sessions(**columns)


def _no_rows(name: str, world: World) -> Ids | Floats:
    width = _WIDE.get(name)
    return np.zeros((0, getattr(world, width)) if width else 0, np.bool_ if name == "clicks" else np.int64)
