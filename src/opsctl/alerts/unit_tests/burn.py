"""Which cases does an alert have that tells how fast an error budget burns?"""

import math
from collections.abc import Iterator

from opsctl.alerts import slo
from opsctl.alerts.book import BurnTier, Objective
from opsctl.alerts.rules import AlertRule
from opsctl.alerts.unit_tests.making import MARGIN_STEPS, case_of, step_of
from opsctl.alerts.unit_tests.model import Case, CaseKind, InputSeries, Moment
from opsctl.alerts.unit_tests.shapes import EVENTS, shape_of_objective
from opsctl.core.units import parse_duration
from opsctl.metrics.contract import Contract


def burn_cases(
    alert: AlertRule, source: Objective, tier: BurnTier, contract: Contract, every: float
) -> Iterator[Case]:
    """Yield the cases of one tier of an objective: steady, rising, in a short burst, falling, silent."""
    long, short = parse_duration(tier.long), parse_duration(tier.short)
    step = step_of(long, every)
    threshold = float(slo.burn_threshold(source, tier))
    shape = shape_of_objective(source, threshold=threshold, contract=contract)
    wait = math.ceil(alert.for_seconds / step) * step
    # The recording's own sample is there one evaluation later at the most.
    settled = wait + 2 * MARGIN_STEPS * step

    def case(kind: CaseKind, series: list[InputSeries], *moments: Moment) -> Case:
        return case_of(alert, kind, series, list(moments), step=step, shape=shape)

    def steady(level: float, events: float = EVENTS) -> list[InputSeries]:
        return shape.series([(math.ceil(settled / step) + MARGIN_STEPS, level)], events)

    yield case(CaseKind.FIRES, steady(shape.beyond), Moment(at_seconds=settled, fires=True))
    yield case(CaseKind.BELOW, steady(shape.within), Moment(at_seconds=settled, fires=False))
    history = math.ceil(long / step) + MARGIN_STEPS
    crossing = math.ceil(threshold * long / step)
    began = history * step
    rising = shape.series(
        [(history, 0.0), (crossing + math.ceil(wait / step) + 3 * MARGIN_STEPS, 1.0)], EVENTS
    )
    fires_at = began + crossing * step + wait + 2 * step
    yield case(
        CaseKind.BEFORE_FOR,
        rising,
        Moment(at_seconds=began + max(0, crossing - 2) * step, fires=False),
        Moment(at_seconds=fires_at, fires=True),
    )
    burst = 2 * MARGIN_STEPS
    level = min(1.0, 0.8 * threshold * long / (burst * step))
    forgiven = shape.series([(history, 0.0), (burst, level), (history, 0.0)], EVENTS)
    yield case(
        CaseKind.SHORT_BURST,
        forgiven,
        *(Moment(at_seconds=began + (burst + n) * step, fires=False) for n in (1, 3, 6)),
    )
    full = math.ceil((short + wait) / step) + 2 * MARGIN_STEPS
    over = full * step + short * (1 - threshold)
    falling = shape.series([(full, 1.0), (math.ceil(short / step) + 4 * MARGIN_STEPS, 0.0)], EVENTS)
    yield case(
        CaseKind.RESOLVES,
        falling,
        Moment(at_seconds=math.floor(over / step - 2) * step, fires=True),
        Moment(at_seconds=math.ceil(over / step + MARGIN_STEPS) * step, fires=False),
    )
    yield case(CaseKind.NO_DATA, [], Moment(at_seconds=settled, fires=False))
    if source.min_events:
        few = source.min_events * 0.5 * step / short
        yield case(CaseKind.QUIET, steady(1.0, few), Moment(at_seconds=settled, fires=False))
