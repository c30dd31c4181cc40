"""Does anybody write the events that a book counts: the service, somebody in `experiment_metrics`, or the simulator alone."""

import difflib
from collections.abc import Collection, Iterator, Mapping

from opsctl.core.findings import Severity
from opsctl.experiments.book import Experiment
from opsctl.experiments.metric_book import Metric
from opsctl.experiments.problems import Problem

UNWRITTEN = "EXP038"
_INTO = "somebody writes them into `experiment_metrics`, for the readers of every arm alike"


def unwritten_events(
    experiment: Experiment, *, written: Collection[str], simulated: Collection[str] = ()
) -> Iterator[Problem]:
    """Yield the metrics of which the service writes no event: for readers they count only what others write.

    Of a book that is simulated first, events that the simulator writes are told once, for information.

    Args:
        experiment: the book.
        written: events that the service writes.
        simulated: those of the simulator.
    """
    first = simulated if experiment.simulation is not None else ()
    for name, strange in unwritten(experiment, written=[*written, *first]).items():
        yield Problem(
            code=UNWRITTEN,
            path=("metrics", name, "events"),
            title=f"`{name}` counts {_words(strange)}, which {'neither the service nor the simulator writes' if first else 'the service does not write'}",
            fix=_fix(strange, [*written, *first]),
            severity=Severity.WARNING,
        )
    missing = unwritten(experiment, written=written)
    only = [event for events in missing.values() for event in events if event in first]
    if only:
        yield Problem(
            code=UNWRITTEN,
            path=("simulation",),
            title=f"only the simulator writes {_words(only)}",
            fix=f"before it is started for readers, see that {_INTO}",
            severity=Severity.INFO,
        )


def unwritten(experiment: Experiment, *, written: Collection[str]) -> Mapping[str, tuple[str, ...]]:
    """Return by metric the events of which it counts any and that nobody of these writes."""
    found = {
        name: tuple(event for event in _events(metric) if event not in written)
        for name, metric in experiment.metrics.items()
    }
    return {name: missing for name, missing in found.items() if missing}


def _events(metric: Metric) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*metric.events, *(metric.per or ())]))


def _fix(events: Collection[str], known: Collection[str]) -> str:
    close = [found[0] for event in events if (found := difflib.get_close_matches(event, known, n=1))]
    if close:
        return f"did you mean {_words(close)}? else see that {_INTO}"
    return f"see that {_INTO}; there are: {_words(known)}"


def _words(names: Collection[str]) -> str:
    return ", ".join(f"`{name}`" for name in dict.fromkeys(names))
