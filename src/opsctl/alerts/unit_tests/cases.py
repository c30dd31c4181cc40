"""Which cases does each alert have: beyond, below, before its time, over, without data, and with too few events."""

import math
from collections.abc import Iterator

from opsctl.alerts.book import ErrorsIndicator, Objective
from opsctl.alerts.load import AlertBooks
from opsctl.alerts.muting import ABSENT
from opsctl.alerts.promql_text import selection
from opsctl.alerts.rules import AlertRule, RuleSet
from opsctl.alerts.signals import (
    AbsenceSignal,
    AgeSignal,
    AlwaysSignal,
    QuerySignal,
)
from opsctl.alerts.unit_tests.burn import burn_cases
from opsctl.alerts.unit_tests.labels import matching, metric_of
from opsctl.alerts.unit_tests.making import MARGIN_STEPS, case_of, step_of
from opsctl.alerts.unit_tests.model import Case, CaseKind, InputSeries, Moment, Phase
from opsctl.alerts.unit_tests.timeline import Timeline
from opsctl.core.units import parse_duration
from opsctl.metrics.contract import Contract

_AUTHORS_STEP = 15.0


def cases_of(books: AlertBooks, rules: RuleSet, *, contract: Contract) -> tuple[Case, ...]:
    """Return every case of every alert, in the order of the alerts."""
    every = parse_duration(books.delivery.timing.evaluate_every)
    return tuple(case for alert in rules.alerts for case in _of_alert(alert, books, contract, every))


def _of_alert(alert: AlertRule, books: AlertBooks, contract: Contract, every: float) -> Iterator[Case]:
    source = books.rule(alert.rule)
    if isinstance(source, Objective):
        if alert.tier == ABSENT:
            indicator = source.indicator
            if isinstance(indicator, ErrorsIndicator):
                selected = selection(indicator.to)
            else:
                selected = selection(indicator.of).suffixed("_count")
            yield from _absence(alert, str(selected), every)
        elif alert.tier is not None:
            yield from burn_cases(alert, source, source.tiers[alert.tier], contract, every)
        return
    if source is None:
        return
    match source.signal:
        case AlwaysSignal():
            yield case_of(alert, CaseKind.FIRES, [], [Moment(at_seconds=every, fires=True)], step=every)
        case AbsenceSignal():
            yield from _absence(alert, source.signal.of, every)
        case AgeSignal():
            yield from _age(alert, source.signal, every)
        case QuerySignal():
            yield from _query(alert, source.signal, every)
        case _:
            yield from Timeline(alert, source, contract, every).cases()


def _absence(alert: AlertRule, selector: str, every: float) -> Iterator[Case]:
    labels = matching(selector)
    wait = alert.for_seconds
    steps = math.ceil(wait / every) + 2 * MARGIN_STEPS
    there = InputSeries(
        name=metric_of(selector), labels=labels, phases=[Phase(steps=steps, number=1)], is_counter=False
    )
    # What is absent is told with the labels that were asked for.
    kept = {
        label: value for label, value in labels.items() if f'{label}="{value}"' in selector.replace(" ", "")
    }
    settled = math.ceil(wait / every) * every + every

    def case(kind: CaseKind, series: list[InputSeries], *moments: Moment) -> Case:
        return Case(
            alert=alert.name, kind=kind, series=series, moments=moments, kept_labels=kept, step_seconds=every
        )

    yield case(CaseKind.NO_DATA, [], Moment(at_seconds=settled, fires=True))
    yield case(
        CaseKind.BEFORE_FOR,
        [],
        Moment(at_seconds=math.ceil(wait / every) * every - every, fires=False),
        Moment(at_seconds=settled, fires=True),
    )
    yield case(CaseKind.BELOW, [there], Moment(at_seconds=settled, fires=False))


def _age(alert: AlertRule, signal: AgeSignal, every: float) -> Iterator[Case]:
    threshold = alert.threshold or 0.0
    step = step_of(max(threshold, alert.for_seconds), every)
    wait = math.ceil(alert.for_seconds / step) * step
    labels = matching(signal.of, by=tuple(signal.by))
    moment = 10 * step
    old_at = moment + math.ceil(threshold / step) * step
    steps = math.ceil((old_at + wait) / step) + 3 * MARGIN_STEPS

    def series(*phases: Phase) -> list[InputSeries]:
        return [InputSeries(name=metric_of(signal.of), labels=labels, phases=phases, is_counter=False)]

    def case(kind: CaseKind, made: list[InputSeries], *moments: Moment) -> Case:
        kept = {label: labels[label] for label in signal.by}
        return Case(
            alert=alert.name, kind=kind, series=made, moments=moments, kept_labels=kept, step_seconds=step
        )

    still = Phase(steps=steps, number=moment)
    first = old_at + step
    keep = alert.keep_firing_for_seconds or 0.0
    yield case(CaseKind.FIRES, series(still), Moment(at_seconds=first + wait + step, fires=True))
    yield case(CaseKind.BELOW, series(still), Moment(at_seconds=old_at, fires=False))
    yield case(
        CaseKind.BEFORE_FOR,
        series(still),
        *([Moment(at_seconds=first + wait - step, fires=False)] if wait else []),
        Moment(at_seconds=first + wait, fires=True),
    )
    renewed_at = first + wait + 2 * step
    more = math.ceil(keep / step) + 3 * MARGIN_STEPS
    yield case(
        CaseKind.RESOLVES,
        series(
            Phase(steps=round(renewed_at / step), number=moment),
            Phase(steps=more, number=renewed_at + threshold + more * step),
        ),
        Moment(at_seconds=renewed_at - step, fires=True),
        Moment(at_seconds=renewed_at + math.ceil(keep / step) * step + 2 * step, fires=False),
    )
    yield case(CaseKind.NO_DATA, [], Moment(at_seconds=first + wait, fires=False))


def _query(alert: AlertRule, signal: QuerySignal, every: float) -> Iterator[Case]:
    """Yield what the author wrote, in promtool's own notation, for samples each 15 seconds."""
    wait = math.ceil(alert.for_seconds / every) * every
    settled = math.ceil((wait + 10 * _AUTHORS_STEP) / _AUTHORS_STEP) * _AUTHORS_STEP
    for kind, written, fires in (
        (CaseKind.FIRES, signal.firing, True),
        (CaseKind.BELOW, signal.quiet, False),
    ):
        series = [
            InputSeries(name="", labels={}, phases=(), written=(each.series, each.values)) for each in written
        ]
        yield case_of(alert, kind, series, [Moment(at_seconds=settled, fires=fires)], step=_AUTHORS_STEP)
    yield case_of(alert, CaseKind.NO_DATA, [], [Moment(at_seconds=settled, fires=False)], step=_AUTHORS_STEP)
