"""The answer of a warehouse by brute force: loops over rows in plain Python, by the rules as they are told."""

import json
import math
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from tests.experiments.warehouse.histories import EventRow, History

from opsctl.core.units import parse_duration
from opsctl.experiments.metric_book import Counting, Metric, MetricKind
from opsctl.experiments.statistics.moments import Moments, moments_of
from opsctl.experiments.statistics.quantile import quantile_statistics
from opsctl.experiments.warehouse.model import Maturity, Trial

Key = tuple[str, bool, int | None]


class Oracle:
    """What was to be seen of an experiment at a moment."""

    def __init__(self, history: History, trial: Trial, *, at: datetime) -> None:
        self.trial = trial
        self.at = at
        self.closing = min(at, trial.end)
        self.history = history
        self.exposures: dict[str, list[Any]] = defaultdict(list)
        for row in history.exposures:
            if row.experiment != trial.name or not row.unit_id or not row.variant or row.exposed_at is None:
                continue
            if trial.start <= row.exposed_at < self.closing:
                self.exposures[row.unit_id].append(row)
        self.events: dict[str, list[EventRow]] = defaultdict(list)
        for event in history.events:
            self.events[event.unit_id].append(event)

    @property
    def members(self) -> dict[str, tuple[str, datetime]]:
        """Each unit of one known arm: that arm, and its first exposure."""
        known = {
            unit: (next(iter(arms)), min(row.exposed_at for row in rows))
            for unit, rows in self.exposures.items()
            if len(arms := self._arms(rows)) == 1
        }
        return {unit: each for unit, each in known.items() if each[0] in self.trial.book.arms}

    def units(self) -> dict[str, int]:
        """Units by arm."""
        counts = Counter(arm for arm, _ in self.members.values())
        return {arm: counts[arm] for arm in self.trial.book.arms}

    def in_several_arms(self) -> int:
        """Units of more than one arm; all that the book does not know are one."""
        return sum(len(self._arms(rows)) > 1 for rows in self.exposures.values())

    def strangers(self) -> int:
        """Units of arms that the book does not know."""
        return sum(self._arms(rows) == {"?"} for rows in self.exposures.values())

    def by_day(self) -> dict[int, dict[str, int]]:
        """Units by the day of the first exposure."""
        days: dict[int, dict[str, int]] = {}
        for arm, exposed in self.members.values():
            day = days.setdefault((exposed - self.trial.start).days, dict.fromkeys(self.trial.book.arms, 0))
            day[arm] += 1
        return dict(sorted(days.items()))

    def dimension(self, name: str) -> dict[str, dict[str, int]]:
        """Units by an attribute's value at the first exposure; the one with the least text of several at that moment."""
        values: dict[str, dict[str, int]] = {}
        for unit, (arm, _) in self.members.items():
            first = min(
                self.exposures[unit],
                key=lambda row: (row.exposed_at, json.dumps(row.attributes, ensure_ascii=False)),
            )
            found = values.setdefault(
                first.attributes.get(name) or "", dict.fromkeys(self.trial.book.arms, 0)
            )
            found[arm] += 1
        return dict(sorted(values.items()))

    def table(
        self, metric: Metric, *, by_day: bool = False, maturity: Maturity = Maturity.MATURE
    ) -> dict[Key, np.ndarray[Any, Any]]:
        """The variables of each unit that counts, by arm, stratum and day."""
        found: dict[Key, list[list[float]]] = defaultdict(list)
        for unit, (arm, exposed) in self.members.items():
            if not self._is_mature(metric, exposed, maturity):
                continue
            day = (exposed - self.trial.start).days if by_day else None
            found[arm, self._has_pre_period(metric, unit, exposed), day].append(
                self._variables(metric, unit, exposed)
            )
        return {key: np.array(rows) for key, rows in found.items()}

    def caps(self, metric: Metric) -> dict[int, float]:
        """The cap by place of the variable, where there is one: it leaves something, and somebody lies above it."""
        tables = self.table(metric).values()
        if metric.winsorise is None or not tables:
            return {}
        rows = np.concatenate([*tables])
        covariate = 2 if metric.kind is MetricKind.RATIO else 1
        places = [0] if metric.pre_period is None else [0, covariate]
        rank = math.ceil(len(rows) * metric.winsorise) - 1
        caps = {place: float(np.sort(rows[:, place])[rank]) for place in places}
        enough = len(rows) * (1 - metric.winsorise) >= 1
        return {place: cap for place, cap in caps.items() if enough and cap > 0}

    def moments(
        self, metric: Metric, *, by_day: bool = False, maturity: Maturity = Maturity.MATURE
    ) -> dict[Key, Moments]:
        """The moments, of capped values where the metric says so."""
        tables = self.table(metric, by_day=by_day, maturity=maturity)
        for rows in tables.values():
            for place, cap in self.caps(metric).items():
                rows[:, place] = np.minimum(rows[:, place], cap)
        return {key: moments_of(rows) for key, rows in tables.items()}

    def quantile(self, metric: Metric, arm: str) -> Any:
        """What is kept of a quantile."""
        values, owners = [], []
        for number, (unit, (of, exposed)) in enumerate(self.members.items()):
            if of == arm and self._is_mature(metric, exposed, Maturity.MATURE):
                own = [row.value for row in self._in_window(metric, metric.events, unit, exposed)]
                values += own
                owners += [number] * len(own)
        assert metric.quantile is not None
        return quantile_statistics(
            np.array(values, dtype=float), np.array(owners, dtype=np.int64), level=metric.quantile
        )

    def spoiled(self) -> dict[str, int]:
        """Events without a finite value of the metrics that are averaged."""
        metrics = [each for each in self.trial.book.metrics.values() if each.kind is not MetricKind.QUANTILE]
        names = {name for each in metrics for name in (*each.events, *(each.per or ()))}
        reach = max(parse_duration(each.pre_period) for each in metrics if each.pre_period)
        since = self.trial.start - timedelta(seconds=reach)
        counts: Counter[str] = Counter()
        for unit, (arm, _) in self.members.items():
            counts[arm] += sum(
                row.event in names and not _is_finite(row) and since <= row.observed_at < self.closing
                for row in self.events[unit]
            )
        return {arm: counts[arm] for arm in self.trial.book.arms}

    def _arms(self, rows: list[Any]) -> set[str]:
        return {row.variant if row.variant in self.trial.book.arms else "?" for row in rows}

    def _is_mature(self, metric: Metric, exposed: datetime, maturity: Maturity) -> bool:
        begins = exposed + timedelta(seconds=parse_duration(metric.after))
        if maturity is Maturity.ALL:
            return True
        if metric.window is None:
            return begins < self.closing
        return begins + timedelta(seconds=parse_duration(metric.window)) <= self.closing

    def _has_pre_period(self, metric: Metric, unit: str, exposed: datetime) -> bool:
        if metric.pre_period is None:
            return False
        since = exposed - timedelta(seconds=parse_duration(metric.pre_period))
        metrics = [each for each in self.trial.book.metrics.values() if each.kind is not MetricKind.QUANTILE]
        names = {name for each in metrics for name in (*each.events, *(each.per or ()))}
        return any(
            row.event in names and since <= row.observed_at < exposed and _is_finite(row)
            for row in self.events[unit]
        )

    def _variables(self, metric: Metric, unit: str, exposed: datetime) -> list[float]:
        pairs = [(metric.events, metric.counting)]
        if metric.per is not None:
            pairs.append((metric.per, metric.per_counting))
        after = [_summed(self._in_window(metric, names, unit, exposed), how) for names, how in pairs]
        before = []
        if metric.pre_period is not None:
            since = exposed - timedelta(seconds=parse_duration(metric.pre_period))
            before = [
                _summed(
                    [
                        row
                        for row in self.events[unit]
                        if row.event in names and since <= row.observed_at < exposed and _is_finite(row)
                    ],
                    how,
                )
                for names, how in pairs
            ]
        values = [*after, *before]
        return [float(value > 0) for value in values] if metric.kind is MetricKind.PROPORTION else values

    def _in_window(self, metric: Metric, names: list[str], unit: str, exposed: datetime) -> list[EventRow]:
        begins = exposed + timedelta(seconds=parse_duration(metric.after))
        ends = self.closing
        if metric.window is not None:
            ends = min(ends, begins + timedelta(seconds=parse_duration(metric.window)))
        return [
            row
            for row in self.events[unit]
            if row.event in names and begins <= row.observed_at < ends and _is_finite(row)
        ]


def _summed(rows: list[EventRow], counting: Counting) -> float:
    return float(len(rows)) if counting is Counting.COUNT else math.fsum(row.value or 0.0 for row in rows)


def _is_finite(row: EventRow) -> bool:
    return row.value is not None and math.isfinite(row.value)
