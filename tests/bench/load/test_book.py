"""What a book of a load may say about time."""

from typing import Any

import pytest
from pydantic import ValidationError

from opsctl.bench.load.book import LoadBook

MIX = {"feed": {"share": 1, "path": "/"}}
STEADY = {"shape": "constant", "rate": 10, "duration": "1s"}


def book(**changes: Any) -> LoadBook:
    """Return a small load with changes."""
    return LoadBook.model_validate({"mix": MIX, "arrivals": [STEADY]} | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"arrivals": [{**STEADY, "duration": "0s"}]},
        {"arrivals": [{"shape": "ramp", "start": 1, "end": 2, "duration": "0ms"}]},
        {"arrivals": [{"shape": "spike", "base": 1, "peak": 2, "duration": "1s", "peak_duration": "0s"}]},
        {"arrivals": [{"shape": "stairs", "start": 1, "end": 2, "steps": 2, "step_duration": "0s"}]},
        {"limits": {"timeout": "0s"}},
    ],
)
def test_a_load_without_length_is_refused_before_anything_is_sent(changes: dict[str, Any]) -> None:
    """Nothing would be sent, or nothing could be answered in time."""
    with pytest.raises(ValidationError, match="longer than nothing"):
        book(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"limits": {"timeout": "8d"}},
        {"limits": {"drain": "9" * 400 + "s"}},
        {"warm_up": {"duration": "9" * 400 + "s"}},
    ],
)
def test_no_time_is_beyond_all_measure(changes: dict[str, Any]) -> None:
    """What is no number of seconds any more would end the run with a fault."""
    with pytest.raises(ValidationError, match=r"seven days|ten years"):
        book(**changes)


def test_a_warm_up_and_the_wait_at_the_end_may_be_nothing() -> None:
    """They are left out then."""
    assert book(warm_up={"duration": "0s"}, limits={"drain": "0s"}).limits.drain_seconds == 0
