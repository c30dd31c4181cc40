"""What schemathesis loads before it begins: moments that lie in the time that the service accepts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import schemathesis
from hypothesis import strategies as st

# From midnight on, so that one seed gives the same moments all day.
_TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _written(days: int, hours: int) -> str:
    return (_TODAY - timedelta(days=days, hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


schemathesis.openapi.format("date-time", st.builds(_written, st.integers(0, 80), st.integers(0, 23)))


@schemathesis.hook
def before_load_schema(context: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    """Let the written examples happen today: as printed they grow too old to be accepted."""
    schemas = raw_schema["components"]["schemas"]
    for example in schemas["InteractionBody"]["examples"]:
        example["occurred_at"] = _written(0, 0)
    for example in schemas["InteractionBatch"]["examples"]:
        for interaction in example["interactions"]:
            interaction["occurred_at"] = _written(0, 0)
