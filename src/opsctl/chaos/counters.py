"""What do the service's own counters say of a drill: by how much each that the book names grew while the fault was on."""

from collections.abc import Mapping, Sequence

from opsctl.chaos.expectations import ExpectedCounter
from opsctl.chaos.ports import World
from opsctl.chaos.report import CounterSeen
from opsctl.clients.exposition import Sample


class Counting:
    """Reads what the service counts when a fault begins and before it is undone; nothing where no counter is expected."""

    def __init__(self, expected: Sequence[ExpectedCounter], *, world: World) -> None:
        self._expected = expected
        self._world = world
        self._before: Sequence[Sample] = ()
        self.seen: tuple[CounterSeen, ...] = ()

    def begin(self) -> None:
        """Remember what has been counted so far."""
        if self._expected:
            self._before = self._world.counters()

    def end(self) -> None:
        """Compare; nothing is seen where the service could not be asked, before or now."""
        after = self._world.counters() if self._before else ()
        self.seen = tuple(_growth(each, self._before, after) for each in self._expected if after)


def counter_text(metric: str, labels: Mapping[str, str]) -> str:
    """Return a counter as Prometheus writes it.

    >>> counter_text("ranking_model_calls_total", {"outcome": "invalid"})
    'ranking_model_calls_total{outcome="invalid"}'
    """
    inside = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{metric}{{{inside}}}" if inside else metric


def _growth(counter: ExpectedCounter, before: Sequence[Sample], after: Sequence[Sample]) -> CounterSeen:
    was, now = _total(counter, before), _total(counter, after)
    growth = now - was if now >= was else now  # it began anew, with the service
    return CounterSeen(metric=counter.metric, labels=dict(counter.labels), growth=growth)


def _total(counter: ExpectedCounter, samples: Sequence[Sample]) -> float:
    """Return the sum of all series; a label value that was never counted has none, which is zero."""
    wanted = counter.labels.items()
    return sum(
        each.value for each in samples if each.name == counter.metric and wanted <= each.labels.items()
    )
