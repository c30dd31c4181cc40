"""How do the times of single requests become tallies, in constant memory and at well under a microsecond each?"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from opsctl.bench.load.histogram import Histogram, values_and_slots
from opsctl.bench.load.tally import Block, Outcome, StageTime, Tally, Tier, Timings

if TYPE_CHECKING:
    import numpy as np

OUTCOMES = tuple(Outcome)
OUTCOME_CODES = {outcome: code for code, outcome in enumerate(OUTCOMES)}
TIERS = tuple(Tier)
TIER_CODES = {tier.value.lower().encode(): code for code, tier in enumerate(TIERS) if tier is not Tier.NONE}
NO_TIER = TIERS.index(Tier.NONE)

_COLUMNS = 8
_FOLD_AT = 1024

_CENSORED = [OUTCOME_CODES[each] for each in (Outcome.TIMED_OUT, Outcome.UNFINISHED)]
_TIMED = [OUTCOME_CODES[Outcome.OK], *_CENSORED]
"""Outcomes whose time says how long an answer took, or at least took."""

_OUTCOME_NAMES = [outcome.value for outcome in OUTCOMES]
_TIER_NAMES = [tier.value for tier in TIERS]

Row = tuple[float, float, float, float, int, int, int, int]
"""When a request was planned, dispatched, sent (0: never) and ended, in seconds of one clock; then the numbers of its
endpoint, tier and outcome, and its status (0: none)."""


class Recorder:
    """Takes rows as they come and folds them into a tally, a thousand at a time.

    Args:
        endpoints: their names, in the order of their numbers.
        started: when the run began, on the clock of the rows.
    """

    def __init__(self, *, endpoints: Sequence[str], started: float) -> None:
        self._endpoints = tuple(endpoints)
        self._started = started
        self._rows = array("d")
        # The one call for each request, hence the array's own method: 0.3 us.
        self.add: Callable[[Row], None] = self._rows.extend
        self.tally = Tally()

    @property
    def wants_fold(self) -> bool:
        """Tell whether enough has come together to be worth folding."""
        return len(self._rows) >= _FOLD_AT * _COLUMNS

    def add_reason(self, reason: str) -> None:
        """Count why an answer was an error."""
        self.tally.add_reason(reason)

    def add_stage(self, *, tier: int, stage: str, seconds: float) -> None:
        """Take a time that the service itself named."""
        time = self.tally.stages.setdefault(TIERS[tier].value, {}).setdefault(stage, StageTime())
        time.seconds += seconds
        time.answers += 1

    def take(self) -> Tally:
        """Return what is new since the last call."""
        self.fold()
        taken, self.tally = self.tally, Tally()
        return taken

    def fold(self) -> None:
        """Put the waiting rows into the tally."""
        import numpy as np

        if not self._rows:
            return
        batch = _Batch(np.array(self._rows).reshape(-1, _COLUMNS))
        del self._rows[:]
        tally = self.tally
        batch.fold_times(tally.timings)
        tally.outcomes.update(_counted(batch.outcomes, _OUTCOME_NAMES))
        statuses, counts = np.unique(batch.statuses[batch.statuses > 0], return_counts=True)
        tally.statuses.update(dict(zip(statuses.tolist(), counts.tolist(), strict=True)))
        for number, chosen in _groups(batch.endpoints):
            batch.fold_block(tally.endpoints.setdefault(self._endpoints[number], Block()), chosen)
        for second, chosen in _groups(np.maximum(np.floor(batch.planned - self._started), 0)):
            batch.fold_block(tally.blocks.setdefault(second, Block()), chosen)
        for number, chosen in _groups(batch.tiers):
            values = batch.values[chosen & batch.is_ok], batch.slots[chosen & batch.is_ok]
            tally.tiers.setdefault(TIERS[number].value, Histogram()).record_slots(*values)


class _Batch:
    """Rows taken apart into columns; what several histograms need is worked out once."""

    def __init__(self, rows: "np.ndarray") -> None:
        import numpy as np

        self.planned, self.dispatched, self.sent, self.ended = rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3]
        codes = rows[:, 4:].astype(np.int64)
        self.endpoints, self.tiers, self.outcomes, self.statuses = codes.T
        self.values, self.slots = values_and_slots((self.ended - self.planned) * 1e6)
        self.is_ok = self.outcomes == OUTCOME_CODES[Outcome.OK]
        self.is_timed = np.isin(self.outcomes, _TIMED)
        self.is_kept = self.outcomes != OUTCOME_CODES[Outcome.DROPPED]

    def fold_times(self, timings: Timings) -> None:
        """Add lag, wait, service and response."""
        import numpy as np

        timings.response.record_slots(self.values[self.is_timed], self.slots[self.is_timed])
        failed = self.is_kept & ~self.is_timed
        if failed.any():
            timings.failed.record_slots(self.values[failed], self.slots[failed])
        was_sent = self.sent > 0
        chosen = was_sent & self.is_timed
        timings.service.record_many((self.ended[chosen] - self.sent[chosen]) * 1e6)
        censored = np.isin(self.outcomes, _CENSORED)
        if censored.any():
            timings.censored.record_slots(self.values[censored], self.slots[censored])
            out = censored & was_sent
            timings.censored_service.record_many((self.ended[out] - self.sent[out]) * 1e6)
        kept = self.is_kept
        timings.generator_lag.record_many((self.dispatched[kept] - self.planned[kept]) * 1e6)
        left = np.where(was_sent, self.sent, self.ended)  # what was never sent waited until its end
        timings.queue_wait.record_many((left[kept] - self.dispatched[kept]) * 1e6)

    def fold_block(self, block: Block, chosen: "np.ndarray") -> None:
        """Add the chosen rows to a block."""
        block.planned += int(chosen.sum())
        block.errors += int((chosen & ~self.is_ok).sum())
        block.tiers.update(_counted(self.tiers[chosen & self.is_ok], _TIER_NAMES))
        timed = chosen & self.is_timed
        block.response.record_slots(self.values[timed], self.slots[timed])


def _counted(codes: "np.ndarray", names: Sequence[str]) -> dict[str, int]:
    import numpy as np

    counts = np.bincount(codes, minlength=len(names)).tolist()
    return {name: count for name, count in zip(names, counts, strict=True) if count}


def _groups(codes: "np.ndarray") -> "Iterator[tuple[int, np.ndarray]]":
    """Yield each different code with the places where it stands."""
    import numpy as np

    for code in np.unique(codes).tolist():
        yield int(code), codes == code
