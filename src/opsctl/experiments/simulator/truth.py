"""What would have happened if everybody had got one arm: the true effect, with which a test's answer is compared."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from opsctl.core.units import parse_duration
from opsctl.experiments.learners.model import Flags, Floats, Ids
from opsctl.experiments.metric_book import Counting, Metric, MetricKind
from opsctl.experiments.simulator.calendar import SECOND, microseconds_of
from opsctl.experiments.simulator.events import EventName, Events, events_of, exposures_of
from opsctl.experiments.simulator.records import SimulatedDay

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitValues:
    """A metric of each reader, shape (u,) each.

    Args:
        counts: who counts: who came, and whose window was over by the end, or had begun where the metric has none.
        arms: the arm of each reader's first exposure; -1 of those who do not count.
        values: what is above the line: a count, a sum, or 0 and 1 of a proportion.
        per: what is below it: of a ratio the other sum, else 1 for each reader.
        samples: of a quantile the values of all events, and whose they are.
    """

    counts: Flags
    arms: Ids
    values: Floats
    per: Floats
    samples: tuple[Floats, Ids]

    def of_arm(self, arm: int) -> Floats:
        """Return the values of the readers of one arm, for a test of means."""
        values: Floats = self.values[self.arms == arm]
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueEffect:
    """A metric where everybody gets the control, and where everybody gets the other arm.

    Args:
        control: its value there.
        treated: its value there.
        standard_error: of the difference, over readers as pairs; NaN of a quantile. It is what another set of readers,
            or another course of chance, would change.
    """

    control: float
    treated: float
    standard_error: float

    @property
    def difference(self) -> float:
        """Return what the arm changes."""
        return self.treated - self.control

    @property
    def relative(self) -> float:
        """Return what the arm changes, as a share of the control's size, so that more is above 0; NaN where that is 0."""
        return self.difference / abs(self.control) if self.control else float("nan")


def unit_values(
    days: Iterable[SimulatedDay], metrics: Mapping[str, Metric], *, users: int
) -> dict[str, UnitValues]:
    """Return each metric of each reader, counted as a warehouse counts it at the end of the last day.

    Events count from the first exposure on and within the window; readers whose window is not over do not count
    (`warehouse.model.Maturity.MATURE`). Caps (`winsorise`) and covariates are a matter of analysis and not looked at.
    """
    first, arms = np.full(users, _NEVER), np.full(users, -1)
    tallies = {name: _Tally(metric, users=users) for name, metric in metrics.items()}
    end = 0
    for day in days:
        end = microseconds_of(day.day + 1)
        if day.day < 0:
            continue
        exposures = exposures_of(day)
        is_new = first[exposures.users] == _NEVER
        first[exposures.users[is_new]] = exposures.at[is_new]
        arms[exposures.users[is_new]] = exposures.arms[is_new]
        events = events_of(day)
        for tally in tallies.values():
            tally.add(events, first=first)
    return {name: tally.result(first=first, arms=arms, end=end) for name, tally in tallies.items()}


def effect_of(control: UnitValues, treated: UnitValues, *, metric: Metric) -> TrueEffect:
    """Return the effect between two worlds of the same readers."""
    if metric.kind is MetricKind.QUANTILE:
        quantile = metric.quantile or 0.5
        levels = [
            float(np.quantile(each.samples[0], quantile)) if len(each.samples[0]) else float("nan")
            for each in (control, treated)
        ]
        return TrueEffect(control=levels[0], treated=levels[1], standard_error=float("nan"))
    means = [_mean(each) for each in (control, treated)]
    gaps = _linearised(treated) - _linearised(control)
    error = float(gaps.std(ddof=1) / np.sqrt(len(gaps))) if len(gaps) > 1 else float("nan")
    return TrueEffect(control=means[0], treated=means[1], standard_error=error)


class _Tally:
    """One metric, added up over days."""

    def __init__(self, metric: Metric, *, users: int) -> None:
        self._metric = metric
        self._values, self._per = np.zeros(users), np.zeros(users)
        self._samples: list[Floats] = []
        self._owners: list[Ids] = []
        self._after = int(parse_duration(metric.after) * SECOND)
        self._window = int(parse_duration(metric.window) * SECOND) if metric.window else None

    def add(self, events: Events, *, first: Ids) -> None:
        metric = self._metric
        chosen = self._chosen(events, metric.events, first=first)
        if metric.kind is MetricKind.QUANTILE:
            self._samples.append(events.values[chosen])
            self._owners.append(events.users[chosen])
        _add(self._values, events, chosen, counting=metric.counting)
        if metric.per is not None:
            _add(
                self._per,
                events,
                self._chosen(events, metric.per, first=first),
                counting=metric.per_counting,
            )

    def result(self, *, first: Ids, arms: Ids, end: int) -> UnitValues:
        is_share = self._metric.kind is MetricKind.PROPORTION
        counts = first < end - self._after
        if self._window is not None:
            counts = first <= end - self._after - self._window
        owners = np.concatenate([np.zeros(0, np.int64), *self._owners])
        of_those = counts[owners]
        return UnitValues(
            counts=counts,
            arms=np.where(counts, arms, -1),
            values=(self._values > 0).astype(np.float64) if is_share else self._values,
            per=self._per if self._metric.per is not None else np.ones(len(counts)),
            samples=(np.concatenate([np.zeros(0), *self._samples])[of_those], owners[of_those]),
        )

    def _chosen(self, events: Events, names: list[str], *, first: Ids) -> Ids:
        known = [str(name) for name in EventName]
        numbers = [known.index(name) for name in names if name in known]
        of_kind = np.flatnonzero(np.isin(events.names, numbers))
        begins = first[events.users[of_kind]]
        of_kind, begins = of_kind[begins < _NEVER], begins[begins < _NEVER] + self._after
        late = events.at[of_kind] - begins
        return of_kind[(late >= 0) & (late < (self._window or _NEVER))]


def _add(totals: Floats, events: Events, chosen: Ids, *, counting: Counting) -> None:
    values = events.values[chosen] if counting is Counting.SUM else np.ones(len(chosen))
    totals += np.bincount(events.users[chosen], weights=values, minlength=len(totals))


def _mean(units: UnitValues) -> float:
    below = float(units.per[units.counts].sum())
    return float(units.values[units.counts].sum()) / below if below else float("nan")


def _linearised(units: UnitValues) -> Floats:
    """Return what each reader adds to the error of the mean or ratio, shape (u,); nothing of those who do not count (delta method)."""
    below = float(units.per[units.counts].sum()) / len(units.per)
    if not below:
        return np.full(len(units.per), np.nan)
    return np.where(units.counts, units.values - _mean(units) * units.per, 0.0) / below
