"""What schemathesis loads before it begins: moments that lie in the time that the service accepts."""

from datetime import UTC, datetime, timedelta

import schemathesis
from hypothesis import strategies as st

# Whole days from midnight on, so that one seed gives the same moments all day.
_TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _written(days: int, hours: int) -> str:
    return (_TODAY - timedelta(days=days, hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


schemathesis.openapi.format("date-time", st.builds(_written, st.integers(0, 80), st.integers(0, 23)))
