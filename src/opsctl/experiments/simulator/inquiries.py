"""What follows a click: what is saved, who inquires how much later, and which vendors have no time for that any more."""

from dataclasses import dataclass, field

import numpy as np

from opsctl.experiments.learners.model import Flags, Floats, Ids
from opsctl.experiments.simulator.calendar import DAY
from opsctl.experiments.simulator.choices import Occasion
from opsctl.experiments.simulator.market import Market
from opsctl.experiments.simulator.noise import Stream

_IF_NOTHING_ELSE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Clicks:
    """k clicks.

    Args:
        users: shape (k,).
        vendors: shape (k,).
        relevance: shape (k,), probabilities.
        at: shape (k,), microseconds since 1970.
        impressions: shape (k,), a number by which the impression is found again; no two of a run have the same one.
    """

    users: Ids
    vendors: Ids
    relevance: Floats
    at: Ids
    impressions: Ids

    def only(self, chosen: Flags) -> "Clicks":
        """Return some of them."""
        return Clicks(
            users=self.users[chosen],
            vendors=self.vendors[chosen],
            relevance=self.relevance[chosen],
            at=self.at[chosen],
            impressions=self.impressions[chosen],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiries:
    """k inquiries, in the order in which they arrive; `accepted` is shape (k,), whether the vendor had time."""

    users: Ids
    vendors: Ids
    at: Ids
    impressions: Ids
    accepted: Flags


def saves_of(market: Market, clicks: Clicks, *, occasion: Occasion) -> Flags:
    """Return which clicks end in a save, shape (k,)."""
    return _numbers(Stream.SAVE, clicks, occasion) < market.world.save_rate * clicks.relevance


@dataclass(slots=True, kw_only=True)
class Inbox:
    """Inquiries on their way, and the time that vendors have left this week.

    Args:
        market: where.
        left: shape (v,), how many more each takes.
    """

    market: Market
    left: Ids = field(init=False)
    _on_their_way: dict[int, list[Inquiries]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.left = self.market.vendors.capacity.copy()

    def presence(self, *, day: int) -> Floats:
        """Return how present each vendor is today, see `bring_candidates`; each week begins with free calendars."""
        if day % 7 == 0:
            self.left = self.market.vendors.capacity.copy()
        present = (self.market.vendors.arrives <= day).astype(np.float64)
        if self.market.world.capacity:
            present[self.left <= 0] *= _IF_NOTHING_ELSE
        return present

    def send(self, clicks: Clicks, *, occasion: Occasion) -> None:
        """Let some clicks lead to an inquiry, later."""
        world = self.market.world
        inquires = _numbers(Stream.INQUIRY, clicks, occasion) < world.inquiry_rate * clicks.relevance
        numbers = _numbers(Stream.INQUIRY_DELAY, clicks, occasion)[inquires]
        delays = -np.log(numbers) * world.inquiry_delay_days * DAY
        at = clicks.at[inquires] + delays.astype(np.int64)
        sent = occasion.day + (at // DAY - clicks.at[inquires] // DAY)
        for day in np.unique(sent).tolist():
            self._on_their_way.setdefault(day, []).append(
                _part(clicks, np.flatnonzero(inquires)[sent == day], at=at[sent == day])
            )

    def receive(self, *, day: int) -> Inquiries:
        """Return what arrives on a day; who comes first is served first, whichever arm sent the reader."""
        arrived = _sorted(self._on_their_way.pop(day, []))
        if not self.market.world.capacity or not len(arrived.users):
            return arrived
        order = np.argsort(arrived.vendors, kind="stable")
        vendors = arrived.vendors[order]
        before = np.arange(len(vendors)) - np.searchsorted(vendors, vendors)
        accepted = np.empty(len(vendors), np.bool_)
        accepted[order] = before < self.left[vendors]
        np.subtract.at(self.left, arrived.vendors[accepted], 1)
        return Inquiries(
            users=arrived.users,
            vendors=arrived.vendors,
            at=arrived.at,
            impressions=arrived.impressions,
            accepted=accepted,
        )


def _numbers(stream: Stream, clicks: Clicks, occasion: Occasion) -> Floats:
    numbers = occasion.noise.uniforms_at(
        stream, day=occasion.day, users=clicks.users, columns=clicks.vendors[:, None], slot=occasion.slot
    )
    return numbers[:, 0]


def _part(clicks: Clicks, chosen: Ids, *, at: Ids) -> Inquiries:
    return Inquiries(
        users=clicks.users[chosen],
        vendors=clicks.vendors[chosen],
        at=at,
        impressions=clicks.impressions[chosen],
        accepted=np.ones(len(chosen), np.bool_),
    )


def _sorted(parts: list[Inquiries]) -> Inquiries:
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts]) if parts else np.zeros(0, np.int64)
        for name in ("users", "vendors", "at", "impressions")
    }
    order = np.lexsort((columns["users"], columns["at"]))
    return Inquiries(
        accepted=np.ones(len(order), np.bool_), **{name: column[order] for name, column in columns.items()}
    )
