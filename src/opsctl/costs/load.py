"""What does a month look like: its stretches, how many feeds each asks for, and how many of them must be made?"""

from dataclasses import dataclass
from decimal import Decimal

from opsctl.costs.book import Point
from opsctl.costs.hits import feed_miss_ratio
from opsctl.costs.inputs import Inputs, Quantity, UnknownInputsError
from opsctl.costs.units import MONTH_DAYS, MONTH_SECONDS

_ONE, _NOTHING = Decimal(1), Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """Which savings are made."""

    caches: bool = True
    batches: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of the month at one rate.

    Args:
        rate: feeds asked for, a second.
        seconds: of the month.
        busiest: the rate for which instances are bought.
        missed_ratio: part of the feeds that must be made; None where nobody has measured it.
    """

    rate: Decimal
    seconds: Decimal
    busiest: Decimal
    missed_ratio: Decimal | None

    @property
    def missed(self) -> Decimal:
        """Return the part of the feeds that must be made.

        Raises:
            UnknownInputsError: nobody has measured it.
        """
        if self.missed_ratio is None:
            raise UnknownInputsError([Quantity.MISS_AT_PEAK])
        return self.missed_ratio

    @property
    def asked(self) -> Decimal:
        """Return the feeds asked for."""
        return self.rate * self.seconds

    @property
    def made(self) -> Decimal:
        """Return the feeds made."""
        return self.asked * self.missed


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A month: its stretches, what goes into it and how it is run."""

    stretches: tuple[Stretch, ...]
    inputs: Inputs
    practice: Practice

    @property
    def asked(self) -> Decimal:
        """Return the feeds asked for in the month."""
        return sum((each.asked for each in self.stretches), _NOTHING)

    @property
    def made(self) -> Decimal:
        """Return the feeds made in the month.

        Raises:
            UnknownInputsError: nobody has measured how many are not cached.
        """
        return sum((each.made for each in self.stretches), _NOTHING)

    @property
    def missed_ratio(self) -> Decimal | None:
        """Return the part of the feeds that must be made; None where nobody has measured it."""
        is_known = all(each.missed_ratio is not None for each in self.stretches)
        return self.made / self.asked if is_known else None


def load_at(point: Point, *, inputs: Inputs, practice: Practice) -> Load:
    """Return the month of a point.

    At the average the hit ratio follows from how often a reader comes back and how long a feed is fresh; that of a load
    test holds for its own rate only. At the peak it is what the load test saw.
    """
    hours = inputs.one(Quantity.PEAK_HOURS)
    seconds = {
        Point.AVERAGE: Decimal(0),
        Point.PEAK_HOUR: hours * 3600 * MONTH_DAYS,
        Point.SUSTAINED: MONTH_SECONDS,
    }[point]
    stretches = (
        _peak(inputs.one(Quantity.PEAK_RATE), seconds, inputs=inputs, practice=practice),
        _average(MONTH_SECONDS - seconds, inputs=inputs, practice=practice),
    )
    return Load(stretches=tuple(each for each in stretches if each.seconds), inputs=inputs, practice=practice)


def load_of(*, rate: Decimal, missed: Decimal, inputs: Inputs) -> Load:
    """Return a month of a rate that was seen, with the part of the feeds that had to be made."""
    stretch = Stretch(rate=rate, seconds=MONTH_SECONDS, busiest=rate, missed_ratio=missed)
    return Load(stretches=(stretch,), inputs=inputs, practice=Practice())


def _average(seconds: Decimal, *, inputs: Inputs, practice: Practice) -> Stretch:
    users, feeds, visit, busiest, fresh = inputs.need(
        Quantity.USERS,
        Quantity.FEEDS_A_USER,
        Quantity.FEEDS_A_VISIT,
        Quantity.BUSIEST,
        Quantity.FEED_FRESH,
    )
    rate = users * feeds / MONTH_SECONDS
    missed = feed_miss_ratio(feeds_a_second=rate, users=users, feeds_a_visit=visit, fresh_seconds=fresh)
    return Stretch(
        rate=rate, seconds=seconds, busiest=rate * busiest, missed_ratio=missed if practice.caches else _ONE
    )


def _peak(rate: Decimal, seconds: Decimal, *, inputs: Inputs, practice: Practice) -> Stretch:
    missed = inputs.value(Quantity.MISS_AT_PEAK) if practice.caches else _ONE
    return Stretch(rate=rate, seconds=seconds, busiest=rate, missed_ratio=missed)
