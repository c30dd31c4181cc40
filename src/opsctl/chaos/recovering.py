"""Is all as it was: good answers come back first, and then the agents make the fresh ones again, not a lower tier."""

from collections.abc import Callable
from typing import Final

from opsctl.chaos.book import Drill
from opsctl.chaos.sample import Phase, PhaseFigures
from opsctl.chaos.stages import Stages
from opsctl.chaos.watching import Pace, Watching
from opsctl.core.units import parse_duration

OWN_TIER: Final = "multi_agent"
"""Who makes fresh answers where nothing is wrong."""
BACK_SHARE: Final = 0.95
LEAST_FRESH: Final = 5
"""With fewer fresh answers in the window nobody knows who makes them."""


class Recovery:
    """Watches a service after the undo; both times are from the undo to the beginning of the window that showed it."""

    def __init__(self, drill: Drill, *, watching: Watching, pace: Pace) -> None:
        self._drill = drill
        self._watching = watching
        self._pace = pace
        self._baseline = PhaseFigures()
        self._undone_at = 0.0
        self.answers_seconds: float | None = None
        self.tier_seconds: float | None = None
        self.tier_after: tuple[int, int] | None = None

    def watch(self, stages: Stages, *, undone_at: float, baseline: PhaseFigures) -> None:
        """Watch until all is as it was, at most half as long again as is allowed: what is late is measured, too."""
        self._undone_at, self._baseline = undone_at, baseline
        expect, settle = self._drill.expect, self._pace.settle_seconds
        seconds = 1.5 * parse_duration(expect.recovery) + self._pace.window_seconds
        stages.watch(Phase.RECOVERY, seconds=seconds, done=self._has_answers)
        stages.watch("settle", seconds=settle, done=self._looks_on)
        self._watch_longer(stages, "own tier", 1.5 * parse_duration(expect.tier_recovery), self._has_tier)
        ends = [parse_duration(alert.resolve_within) for alert in expect.alerts]
        self._watch_longer(stages, "alerts end", max(ends, default=0.0), self._alerts_are_over)

    def _watch_longer(self, stages: Stages, stage: str, seconds: float, is_over: Callable[[], bool]) -> None:
        left = self._undone_at + seconds - self._watching.now()
        if left > 0 and not is_over():
            stages.watch(stage, seconds=left, done=is_over)

    def _has_answers(self) -> bool:
        self._look()
        return self.answers_seconds is not None

    def _has_tier(self) -> bool:
        self._look()
        return self.tier_seconds is not None or self.tier_after is None

    def _alerts_are_over(self) -> bool:
        self._look()
        seen = (self._watching.alerts.of(alert.name) for alert in self._drill.expect.alerts)
        return all(
            each.over_at is not None for each in seen if (each.firing_at, each.told_at) != (None, None)
        )

    def _looks_on(self) -> bool:
        self._look()
        return False

    def _look(self) -> None:
        """Note what is seen for the first time."""
        watching, since = self._watching, self._undone_at
        if self.answers_seconds is None and watching.is_back(since, goodput=self._baseline.goodput):
            self.answers_seconds = watching.back_after(since)
        usual = self._baseline.share_of(OWN_TIER)
        if not usual:
            return
        fresh, own = self.tier_after = watching.fresh_answers(OWN_TIER)
        is_whole = watching.now() - since >= self._pace.window_seconds
        if (
            self.tier_seconds is None
            and is_whole
            and fresh >= LEAST_FRESH
            and own / fresh >= BACK_SHARE * usual
        ):
            self.tier_seconds = watching.back_after(since)
