"""Which cases does each alert have: beyond, below, before its time, over, without data, and with too few events."""

import math
from collections.abc import Iterator

from opsctl.alerts import slo
from opsctl.alerts.book import Alert, BurnTier, ErrorsIndicator, Objective
from opsctl.alerts.compile import ABSENT
from opsctl.alerts.load import AlertBooks
from opsctl.alerts.promql_text import selection
from opsctl.alerts.rules import AlertRule, RuleSet
from opsctl.alerts.signals import (
    AbsenceSignal,
    AgeSignal,
    AlwaysSignal,
    LevelSignal,
    MeanSignal,
    QuantileSignal,
    QuerySignal,
    RateSignal,
    RatioSignal,
)
from opsctl.alerts.unit_tests.labels import matching, metric_of
from opsctl.alerts.unit_tests.model import Case, CaseKind, InputSeries, Moment, Phase
from opsctl.alerts.unit_tests.shapes import EVENTS, Shape, shape_of, shape_of_objective
from opsctl.core.units import parse_duration
from opsctl.metrics.contract import Contract

_MOST_STEPS = 240
"""Of a window: more would make promtool slow and show nothing new."""
_MARGIN = 3
"""Steps that are left for the two samples of a rate and for its extrapolation."""
_AUTHORS_STEP = 15.0
_WINDOWED = (RatioSignal, QuantileSignal, MeanSignal, RateSignal)


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
            yield from _burn(alert, source, source.tiers[alert.tier], contract, every)
        return
    if source is None:
        return
    match source.signal:
        case AlwaysSignal():
            yield _case(alert, CaseKind.FIRES, [], [Moment(at_seconds=every, fires=True)], step=every)
        case AbsenceSignal():
            yield from _absence(alert, source.signal.of, every)
        case AgeSignal():
            yield from _age(alert, source.signal, every)
        case QuerySignal():
            yield from _query(alert, source.signal, every)
        case _:
            yield from _Timeline(alert, source, contract, every).cases()


class _Timeline:
    """The cases of an alert whose signal can be brought to any level."""

    def __init__(self, alert: AlertRule, source: Alert, contract: Contract, every: float) -> None:
        signal = source.signal
        window = parse_duration(signal.window) if isinstance(signal, _WINDOWED) else 0.0
        if isinstance(signal, LevelSignal) and signal.over is not None:
            window = parse_duration(signal.over)
        self._alert = alert
        self._source = source
        self._is_counter = isinstance(signal, _WINDOWED)
        self._window = window
        self._step = _step(window + alert.for_seconds, every)
        self._shape = shape_of(source, signal, contract=contract, step_seconds=self._step)  # type: ignore[arg-type]
        self._keep = alert.keep_firing_for_seconds or 0.0
        self._for = math.ceil(alert.for_seconds / self._step) * self._step
        self._min_events = getattr(signal, "min_events", 0.0)

    def cases(self) -> Iterator[Case]:
        """Yield them."""
        shape = self._shape
        # The first samples give no whole window yet, and what fired then goes on for its time.
        settled = self._at(self._window + self._for + self._keep + _MARGIN * self._step)
        whole = self._steps(settled) + _MARGIN
        yield self._constant(CaseKind.FIRES, shape.beyond, whole, at=settled, fires=True)
        yield self._constant(CaseKind.BELOW, shape.within, whole, at=settled, fires=False)
        yield self._before_for()
        yield self._resolves()
        yield _case(
            self._alert, CaseKind.NO_DATA, [], [Moment(at_seconds=settled, fires=False)], step=self._step
        )
        if self._min_events:
            events = self._min_events * 0.5 * self._step / self._window
            series = shape.series([(whole, shape.full)], events)
            yield self._case(CaseKind.QUIET, series, [Moment(at_seconds=settled, fires=False)])

    def _constant(self, kind: CaseKind, level: float, steps: int, *, at: float, fires: bool) -> Case:
        series = self._shape.series([(steps, level)], EVENTS)
        return self._case(kind, series, [Moment(at_seconds=at, fires=fires)])

    def _before_for(self) -> Case:
        """From calm to full: not before the time is over, and then at once."""
        shape = self._shape
        before = self._steps(self._window) + _MARGIN
        began = before * self._step
        crossed = math.ceil(shape.crossing(start=shape.calm, end=shape.full) * self._window / self._step)
        late = (crossed + (1 if self._is_counter else 0)) * self._step
        after = self._steps(late + self._for) + 2 * _MARGIN
        series = shape.series([(before, shape.calm), (after, shape.full)], EVENTS)
        moments = [
            Moment(at_seconds=began + late + self._for + (self._step if self._window else 0), fires=True)
        ]
        if self._for >= 2 * self._step:
            moments.insert(0, Moment(at_seconds=began + self._for - self._step, fires=False))
        return self._case(CaseKind.BEFORE_FOR, series, moments)

    def _resolves(self) -> Case:
        """From full to calm: on until the window has forgotten it and the time to keep firing is over, then off."""
        shape = self._shape
        first = self._steps(self._window + self._for) + 2 * _MARGIN
        ended = first * self._step
        crossed = shape.crossing(start=shape.full, end=shape.calm) * self._window
        over = ended + crossed + self._keep
        after = self._steps(crossed + self._keep) + 3 * _MARGIN
        series = shape.series([(first, shape.full), (after, shape.calm)], EVENTS)
        moments = [Moment(at_seconds=self._at(over + _MARGIN * self._step), fires=False)]
        if crossed + self._keep > 2 * _MARGIN * self._step:
            moments.insert(0, Moment(at_seconds=self._at(over - _MARGIN * self._step), fires=True))
        return self._case(CaseKind.RESOLVES, series, moments)

    def _case(self, kind: CaseKind, series: list[InputSeries], moments: list[Moment]) -> Case:
        return _case(self._alert, kind, series, moments, step=self._step, shape=self._shape)

    def _steps(self, seconds: float) -> int:
        return math.ceil(seconds / self._step)

    def _at(self, seconds: float) -> float:
        return math.ceil(seconds / self._step) * self._step


def _burn(
    alert: AlertRule, source: Objective, tier: BurnTier, contract: Contract, every: float
) -> Iterator[Case]:
    long, short = parse_duration(tier.long), parse_duration(tier.short)
    step = _step(long, every)
    threshold = float(slo.burn_threshold(source, tier))
    shape = shape_of_objective(source, threshold=threshold, contract=contract)
    wait = math.ceil(alert.for_seconds / step) * step
    # The recording's own sample is there one evaluation later at the most.
    settled = wait + 2 * _MARGIN * step

    def case(kind: CaseKind, series: list[InputSeries], *moments: Moment) -> Case:
        return _case(alert, kind, series, list(moments), step=step, shape=shape)

    def steady(level: float, events: float = EVENTS) -> list[InputSeries]:
        return shape.series([(math.ceil(settled / step) + _MARGIN, level)], events)

    yield case(CaseKind.FIRES, steady(shape.beyond), Moment(at_seconds=settled, fires=True))
    yield case(CaseKind.BELOW, steady(shape.within), Moment(at_seconds=settled, fires=False))
    history = math.ceil(long / step) + _MARGIN
    crossing = math.ceil(threshold * long / step)
    began = history * step
    rising = shape.series([(history, 0.0), (crossing + math.ceil(wait / step) + 3 * _MARGIN, 1.0)], EVENTS)
    fires_at = began + crossing * step + wait + 2 * step
    yield case(
        CaseKind.BEFORE_FOR,
        rising,
        Moment(at_seconds=began + max(0, crossing - 2) * step, fires=False),
        Moment(at_seconds=fires_at, fires=True),
    )
    burst = 2 * _MARGIN
    level = min(1.0, 0.8 * threshold * long / (burst * step))
    forgiven = shape.series([(history, 0.0), (burst, level), (history, 0.0)], EVENTS)
    yield case(
        CaseKind.SHORT_BURST,
        forgiven,
        *(Moment(at_seconds=began + (burst + n) * step, fires=False) for n in (1, 3, 6)),
    )
    full = math.ceil((short + wait) / step) + 2 * _MARGIN
    over = full * step + short * (1 - threshold)
    falling = shape.series([(full, 1.0), (math.ceil(short / step) + 4 * _MARGIN, 0.0)], EVENTS)
    yield case(
        CaseKind.RESOLVES,
        falling,
        Moment(at_seconds=math.floor(over / step - 2) * step, fires=True),
        Moment(at_seconds=math.ceil(over / step + _MARGIN) * step, fires=False),
    )
    yield case(CaseKind.NO_DATA, [], Moment(at_seconds=settled, fires=False))
    if source.min_events:
        few = source.min_events * 0.5 * step / short
        yield case(CaseKind.QUIET, steady(1.0, few), Moment(at_seconds=settled, fires=False))


def _absence(alert: AlertRule, selector: str, every: float) -> Iterator[Case]:
    labels = matching(selector)
    wait = alert.for_seconds
    steps = math.ceil(wait / every) + 2 * _MARGIN
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
    step = _step(max(threshold, alert.for_seconds), every)
    wait = math.ceil(alert.for_seconds / step) * step
    labels = matching(signal.of, by=tuple(signal.by))
    moment = 10 * step
    old_at = moment + math.ceil(threshold / step) * step
    steps = math.ceil((old_at + wait) / step) + 3 * _MARGIN

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
    more = math.ceil(keep / step) + 3 * _MARGIN
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
        yield _case(alert, kind, series, [Moment(at_seconds=settled, fires=fires)], step=_AUTHORS_STEP)
    yield _case(alert, CaseKind.NO_DATA, [], [Moment(at_seconds=settled, fires=False)], step=_AUTHORS_STEP)


def _case(
    alert: AlertRule,
    kind: CaseKind,
    series: list[InputSeries],
    moments: list[Moment],
    *,
    step: float,
    shape: Shape | None = None,
) -> Case:
    kept = shape.kept if shape is not None else {}
    return Case(
        alert=alert.name, kind=kind, series=series, moments=moments, kept_labels=kept, step_seconds=step
    )


def _step(seconds: float, every: float) -> float:
    """Return a step, whole evaluations, of which a window holds at most 240."""
    return every * max(1, math.ceil(seconds / (every * _MOST_STEPS)))
