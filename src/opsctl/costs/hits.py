"""How often is something still fresh when it is asked for again, at this rate: why a hit ratio holds for one load only."""

from decimal import Decimal


def miss_ratio(*, asked_a_second: Decimal, fresh_seconds: Decimal) -> Decimal:
    """Return the part of the requests for one thing that find it stale, when they come at random (Poisson).

    The first request fills the cache, the next `rate * time` find it, and so on: 1 / (1 + rate * time), by the renewal
    theorem (Jung, Berger and Balakrishnan 2003). Ten thousand readers who ask once a second each hit nearly always;
    the same readers, once a day each, nearly never.

    >>> round(miss_ratio(asked_a_second=Decimal(1), fresh_seconds=Decimal(300)), 4)
    Decimal('0.0033')
    """
    return 1 / (1 + asked_a_second * fresh_seconds)


def feed_miss_ratio(
    *, feeds_a_second: Decimal, users: Decimal, feeds_a_visit: Decimal, fresh_seconds: Decimal
) -> Decimal:
    """Return the part of the feeds that must be made: of each visit the first one at most.

    Taken as if all users came equally often. Where they do not, more is found: asking times the hit ratio is convex in
    the rate, so that by Jensen's inequality equal rates are the worst case.
    """
    visits = feeds_a_second / feeds_a_visit / users
    return miss_ratio(asked_a_second=visits, fresh_seconds=fresh_seconds) / feeds_a_visit
