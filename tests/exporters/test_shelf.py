"""What the exporter tells: fresh figures, none that are stale, and none of a family because another fails."""

import pytest
from tests.fakes.clock import FakeClock

from opsctl.core.errors import NotReadyError
from opsctl.exporters.family import Family, Value
from opsctl.exporters.shelf import Shelf, exposition
from opsctl.metrics import exporters as metrics


class Source:
    """A source that can be made to fail."""

    def __init__(self, number: float) -> None:
        self.number = number
        self.error: Exception | None = None

    def read(self) -> tuple[Value, ...]:
        """Return the number, or fail."""
        if self.error is not None:
            raise self.error
        return (Value(metrics.NEWEST_CONTENT, (), self.number),)


def family(source: Source, *, name: str = "business") -> Family:
    """Return a family that is worked out once a minute."""
    return Family(name=name, every_seconds=60, read=source.read)


def told(shelf: Shelf, name: str) -> list[float]:
    """Return the numbers of a metric."""
    return [value.number for value in shelf.values() if value.metric.name == name]


@pytest.mark.parametrize("error", [NotReadyError("gone", code="DB001"), RuntimeError("a bug")])
def test_a_family_that_fails_keeps_its_values_for_five_rounds_and_then_has_none(error: Exception):
    """Old figures of a dead source would look like good news."""
    clock = FakeClock()
    source = Source(7.0)
    business = family(source)
    shelf = Shelf([business], clock=clock)
    assert shelf.renew(business)
    renewed_at = clock.now().timestamp()

    source.error = error
    clock.sleep(299)
    assert not shelf.renew(business)
    assert told(shelf, metrics.NEWEST_CONTENT.name) == [7.0]
    clock.sleep(2)

    assert told(shelf, metrics.NEWEST_CONTENT.name) == []
    assert told(shelf, metrics.LAST_SUCCESS.name) == [renewed_at]


def test_nothing_is_told_before_the_first_success():
    """Not even a time."""
    clock = FakeClock()
    source = Source(7.0)
    source.error = NotReadyError("gone", code="DB001")
    shelf = Shelf([family(source)], clock=clock)

    shelf.renew(family(source))

    assert shelf.values() == ()


def test_what_is_told_is_text_that_prometheus_reads():
    """By its own client's parser."""
    from prometheus_client.parser import text_string_to_metric_families

    values = [
        Value(metrics.SAVE_RATIO, ("all",), 0.25),
        Value(metrics.SAVE_RATIO, ('a "quoted"\nname',), 0.5),
        Value(metrics.NEWEST_CONTENT, (), 1.0),
    ]

    read = list(text_string_to_metric_families(exposition(lambda: values).decode()))

    samples = {sample.labels.get("segment"): sample.value for each in read for sample in each.samples}
    assert samples == {"all": 0.25, 'a "quoted"\nname': 0.5, None: 1.0}
