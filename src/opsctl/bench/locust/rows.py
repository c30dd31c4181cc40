"""How do requests whose names are not known beforehand get into the recorder, which knows endpoints by number."""

from opsctl.bench.load.recorder import NO_TIER, OUTCOME_CODES, TIER_CODES, Recorder
from opsctl.bench.load.server_timing import stages_of
from opsctl.bench.load.tally import Outcome, Tally

_X_CACHE = b"\r\nx-cache:"

_MOST_NAMES = 200
"""Some locustfiles put ids into names; what comes beyond is counted together."""

_OK = OUTCOME_CODES[Outcome.OK]
_OTHER_NAMES = "other names"

_TIMING_EVERY = 97
"""Of so many answers one has its `Server-Timing` read; a prime, so that it does not beat with a mix."""

Moments = tuple[float, float, float, float]
"""Of `perf_counter`: when a request was planned, taken up, sent (0: never) and ended. What lies between the first two is
the sender's own lag, between the next two the wait for a connection."""


class Rows:
    """The requests of this process since they were last taken."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._started = 0.0
        self._earlier = Tally()
        self._sent = 0
        self._until_timing = _TIMING_EVERY
        self._recorder = self._new_recorder()

    def begin(self, moment: float) -> None:
        """Forget what was before, and count seconds from this moment."""
        self._started = moment
        self._earlier = Tally()
        self._sent = 0
        self._recorder = self._new_recorder()

    def add(
        self, name: str, moments: Moments, *, outcome: Outcome, status: int = 0, tier: int = NO_TIER
    ) -> None:
        """Take one request."""
        number = self._numbers.get(name)
        if number is None:
            number = self._number_of_new(name)
        self._sent += moments[2] > 0
        # Looking up an enum's member calls Python code for its hash: not for what is nearly always so.
        code = _OK if outcome is Outcome.OK else OUTCOME_CODES[outcome]
        self._recorder.add((*moments, number, tier, code, status))

    def add_reason(self, reason: str) -> None:
        """Count why a request was an error."""
        self._recorder.add_reason(reason)

    def add_received(self, size: int) -> None:
        """Count bytes that came."""
        self._recorder.tally.received_bytes += size

    def add_stages(self, lower: bytes, *, tier: int) -> None:
        """Read the service's own times in a sample of the heads."""
        self._until_timing -= 1
        if self._until_timing:
            return
        self._until_timing = _TIMING_EVERY
        for stage, seconds in stages_of(lower):
            self._recorder.add_stage(tier=tier, stage=stage, seconds=seconds)

    def fold_if_many(self) -> None:
        """Put rows into histograms if enough have come together; for moments in which nothing else is due."""
        if self._recorder.wants_fold:
            self._recorder.fold()

    def take(self) -> Tally:
        """Return what is new since the last call."""
        taken, self._earlier = self._earlier, Tally()
        taken.merge(self._recorder.take())
        # Every request has a row, whatever became of it.
        taken.planned, taken.sent, self._sent = taken.outcomes.total(), self._sent, 0
        return taken

    def _number_of_new(self, name: str) -> int:
        if len(self._numbers) >= _MOST_NAMES and name != _OTHER_NAMES:
            return self._numbers.get(_OTHER_NAMES) or self._number_of_new(_OTHER_NAMES)
        self._earlier.merge(self._recorder.take())
        self._numbers[name] = len(self._numbers)
        self._recorder = self._new_recorder()
        return self._numbers[name]

    def _new_recorder(self) -> Recorder:
        return Recorder(endpoints=tuple(self._numbers), started=self._started)


def tier_of(lower: bytes) -> int:
    """Return the number of the tier that `X-Cache` names in a head in lower case."""
    begin = lower.find(_X_CACHE)
    if begin < 0:
        return NO_TIER
    return TIER_CODES.get(lower[begin + len(_X_CACHE) : lower.find(b"\r\n", begin + 2)].strip(), NO_TIER)
