"""When does a simulated day begin: simulated time has nothing to do with that of the run."""

from datetime import UTC, datetime

STARTED_AT = datetime(2026, 1, 5, tzinfo=UTC)
"""Day 0, a Monday; fixed, so that the same seed gives the same files whenever it runs."""
SECOND = 1_000_000
"""In microseconds, in which moments are counted."""
DAY = 86_400 * SECOND


def microseconds_of(day: int) -> int:
    """Return when a day begins, in microseconds since 1970; days below 0 lie before the start."""
    return int(STARTED_AT.timestamp()) * SECOND + day * DAY
