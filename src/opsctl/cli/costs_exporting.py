"""With what does the exporter tell costs: the newest estimate, the budget, and the traffic between two looks at the service."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from opsctl.cli.ledger_health import WatchedLedger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.core.clock import Clock
    from opsctl.costs.book import CostsBook
    from opsctl.exporters.family import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """The service's counters at one moment."""

    seconds: float
    feeds: float
    made: float


class CostsReader:
    """Works the family out; remembers the last look, because a rate needs two."""

    def __init__(self, *, clock: "Clock | None" = None) -> None:
        self._clock = clock
        self._last: _Look | None = None
        self._ledger = WatchedLedger()

    def read(self) -> "Sequence[Value]":
        """Return the samples of now."""
        from opsctl.cli.costs_estimating import costs_book
        from opsctl.exporters.costs import cost_values

        plan = costs_book()
        return cost_values(
            self._ledger.records(kind="costs"),
            budget_usd=float(plan.budgets.month_usd),
            traffic_usd=self._traffic_usd(plan),
        )

    def _traffic_usd(self, plan: "CostsBook") -> float | None:
        """Return what a month of the traffic since the last look would cost; None where a part is not known."""
        last, self._last = self._last, _look(self._clock)
        now = self._last
        if last is None or now is None or now.seconds <= last.seconds or now.feeds <= last.feeds:
            return None  # the first look, nobody asked, or the service began anew
        if now.made < last.made:
            return None  # it began anew and was asked for more since than in all its life before
        missed = min(1.0, (now.made - last.made) / (now.feeds - last.feeds))
        rate = (now.feeds - last.feeds) / (now.seconds - last.seconds)
        return _priced(plan, rate=Decimal(str(rate)), missed=Decimal(str(missed)))


def _look(clock: "Clock | None") -> _Look | None:
    from opsctl.cli import wiring
    from opsctl.clients.exposition import read_samples
    from opsctl.costs.reading import sums_of

    samples = read_samples(f"{wiring.service_address()}/metrics", headers={})
    if not samples:
        return None
    sums = sums_of(samples)
    return _Look(seconds=(clock or wiring.clock()).monotonic(), feeds=sums["feeds"], made=sums["made"])


def _priced(plan: "CostsBook", *, rate: Decimal, missed: Decimal) -> float | None:
    from opsctl.cli import wiring
    from opsctl.cli.costs_estimating import inputs_of, prices_book
    from opsctl.config.load import is_missing
    from opsctl.costs.estimate import parts_of, providers_of
    from opsctl.costs.load import load_of

    settings = wiring.settings()
    if is_missing(settings.root / settings.project.books.prices):
        return None
    load = load_of(rate=rate, missed=missed, inputs=inputs_of(plan))
    parts = parts_of(load, plan, providers=providers_of(plan, prices=prices_book()))
    known = [part.usd for part in parts if part.usd is not None]
    return float(sum(known, Decimal(0))) if len(known) == len(parts) else None
