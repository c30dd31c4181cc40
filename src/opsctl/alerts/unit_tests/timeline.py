"""Which cases does an alert have whose signal can be brought to any level?"""

import math
from collections.abc import Iterator

from opsctl.alerts.book import Alert
from opsctl.alerts.rules import AlertRule
from opsctl.alerts.signals import (
    LevelSignal,
    MeanSignal,
    QuantileSignal,
    RateSignal,
    RatioSignal,
)
from opsctl.alerts.unit_tests.making import MARGIN_STEPS, case_of, step_of
from opsctl.alerts.unit_tests.model import Case, CaseKind, InputSeries, Moment
from opsctl.alerts.unit_tests.shapes import EVENTS, shape_of
from opsctl.core.units import parse_duration
from opsctl.metrics.contract import Contract

_COUNTED = (RatioSignal, QuantileSignal, MeanSignal)
_WINDOWED = (*_COUNTED, RateSignal)


class Timeline:
    """The cases of an alert whose signal can be brought to any level."""

    def __init__(self, alert: AlertRule, source: Alert, contract: Contract, every: float) -> None:
        signal = source.signal
        window = parse_duration(signal.window) if isinstance(signal, _WINDOWED) else 0.0
        if isinstance(signal, LevelSignal) and signal.over is not None:
            window = parse_duration(signal.over)
        self._alert = alert
        self._is_counter = isinstance(signal, _WINDOWED)
        self._window = window
        self._step = step_of(window + alert.for_seconds, every)
        self._is_share_too_low = isinstance(signal, RatioSignal) and source.below is not None
        self._shape = shape_of(source, signal, contract=contract, step_seconds=self._step)  # type: ignore[arg-type]
        self._keep = alert.keep_firing_for_seconds or 0.0
        self._for = math.ceil(alert.for_seconds / self._step) * self._step
        self._min_events = signal.min_events if isinstance(signal, _COUNTED) else 0.0

    def cases(self) -> Iterator[Case]:
        """Yield them."""
        shape = self._shape
        # The first samples give no whole window yet, and what fired then goes on for its time.
        settled = self._at(self._window + self._for + self._keep + MARGIN_STEPS * self._step)
        whole = self._steps(settled) + MARGIN_STEPS
        yield self._constant(CaseKind.FIRES, shape.beyond, whole, at=settled, fires=True)
        yield self._constant(CaseKind.BELOW, shape.within, whole, at=settled, fires=False)
        yield self._before_for()
        yield self._resolves()
        yield case_of(
            self._alert, CaseKind.NO_DATA, [], [Moment(at_seconds=settled, fires=False)], step=self._step
        )
        if self._is_share_too_low:
            _part, *others = shape.series([(whole, 0.0)], EVENTS)
            yield self._case(CaseKind.NEVER_COUNTED, others, [Moment(at_seconds=settled, fires=True)])
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
        before = self._steps(self._window) + MARGIN_STEPS
        began = before * self._step
        crossed = math.ceil(shape.crossing(start=shape.calm, end=shape.full) * self._window / self._step)
        late = (crossed + (1 if self._is_counter else 0)) * self._step
        after = self._steps(late + self._for) + 2 * MARGIN_STEPS
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
        first = self._steps(self._window + self._for) + 2 * MARGIN_STEPS
        ended = first * self._step
        crossed = shape.crossing(start=shape.full, end=shape.calm) * self._window
        over = ended + crossed + self._keep
        after = self._steps(crossed + self._keep) + 3 * MARGIN_STEPS
        series = shape.series([(first, shape.full), (after, shape.calm)], EVENTS)
        moments = [Moment(at_seconds=self._at(over + MARGIN_STEPS * self._step), fires=False)]
        if crossed + self._keep > 2 * MARGIN_STEPS * self._step:
            moments.insert(0, Moment(at_seconds=self._at(over - MARGIN_STEPS * self._step), fires=True))
        return self._case(CaseKind.RESOLVES, series, moments)

    def _case(self, kind: CaseKind, series: list[InputSeries], moments: list[Moment]) -> Case:
        return case_of(self._alert, kind, series, moments, step=self._step, shape=self._shape)

    def _steps(self, seconds: float) -> int:
        return math.ceil(seconds / self._step)

    def _at(self, seconds: float) -> float:
        return math.ceil(seconds / self._step) * self._step
