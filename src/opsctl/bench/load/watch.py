"""How does a running load stand, and should it end early: frames in, ticks out, a reason to stop when there is one."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from opsctl.bench.load.gate_checks import check_gate
from opsctl.bench.load.gates import Gate
from opsctl.bench.load.measured import Measured
from opsctl.bench.load.model import GateCheck, LoadTick
from opsctl.bench.load.ports import Arrivals
from opsctl.bench.load.tally import Frame, Outcome, Tally
from opsctl.bench.load.timeline import Timeline
from opsctl.core.events import Listener
from opsctl.evidence.model import Verdict

WINDOW_SECONDS = 10.0
"""What an abort gate looks at."""

_SHOWN_SECONDS = 5.0
_TICK_SECONDS = 0.9
"""Frames come once a second, a little sooner or later."""

_SLOWEST_SECONDS = 2.0
"""A process that says nothing for so long is not waited for any more."""

_SHARES = (0.5, 0.95, 0.99)
_BREAKPOINT = "breakpoint "


@dataclass(slots=True)
class _Latest:
    """What a process said last."""

    seconds: float = 0.0
    in_flight: int = 0
    waiting: int = 0


class Watch:
    """Hears every frame of every process; call it with one and it returns why the run should end, or nothing.

    Args:
        name: of the load.
        arrivals: its plan.
        gates: of the book; a breakpoint ends at the first step that misses one.
        aborts: gates whose clear miss over ten seconds ends the run.
        listener: hears a tick a second.
        stopped: tells why somebody wants the run to end; empty while nobody does.
    """

    def __init__(
        self,
        name: str,
        *,
        arrivals: Arrivals,
        gates: Sequence[Gate],
        aborts: Sequence[Gate],
        listener: Listener,
        stopped: Callable[[], str],
    ) -> None:
        self.timeline = Timeline()
        self.reason = ""
        """Why the run should end early, once there is a reason."""
        self.missed: tuple[GateCheck, ...] = ()
        """The gates that are the reason, as they were measured when it came up."""
        self._name = name
        self._arrivals = arrivals
        self._gates = gates
        self._aborts = aborts
        self._listener = listener
        self._stopped = stopped
        self._frames: deque[Frame] = deque()
        self._latest: dict[int, _Latest] = {}
        self._total_errors = 0
        self._total_answered = 0
        self._told_at = 0.0
        self._step = ""
        self._step_tally = Tally()
        self._held_step = ""

    def __call__(self, frame: Frame) -> str:
        """Take a frame; return why the run should end early, or an empty text."""
        self.timeline.add(frame)
        self._frames.append(frame)
        while self._frames and self._frames[0].seconds < frame.seconds - WINDOW_SECONDS - _SLOWEST_SECONDS:
            self._frames.popleft()
        self._latest[frame.process] = _Latest(
            seconds=frame.seconds, in_flight=frame.in_flight, waiting=frame.waiting
        )
        self._total_errors += _errors(frame.new)
        self._total_answered += sum(frame.new.statuses.values())
        reason = self._stopped() or self._step_reason(frame)
        now = frame.seconds if frame.is_last else self._told_by_all(frame.seconds)
        if now - self._told_at >= _TICK_SECONDS or frame.is_last:
            self._told_at = now
            self._listener(self._tick(now))
            reason = reason or self._abort_reason(now)
        self.reason = self.reason or reason
        return self.reason

    def _told_by_all(self, now: float) -> float:
        """Return up to when all processes have told: the rate of half of them is no rate of the run."""
        return max(min(each.seconds for each in self._latest.values()), now - _SLOWEST_SECONDS)

    def _abort_reason(self, now: float) -> str:
        """Return the first abort gate that the last ten seconds clearly miss; a shorter run is too young to tell.

        When all was sent there is nothing to end, and a rate falls because the plan does.
        """
        if not self._aborts or not WINDOW_SECONDS <= now <= self._arrivals.seconds:
            return ""
        measured = self._measured(now - WINDOW_SECONDS, now)
        for gate in self._aborts:
            check = check_gate(measured, gate, is_abort=True)
            if check.verdict is Verdict.FAIL:
                self.missed = (check,)
                return f"`{gate.text}` was missed over the last ten seconds"
        return ""

    def _step_reason(self, frame: Frame) -> str:
        """Return why a breakpoint ends here: the step that just ended misses a gate."""
        middle = max(0.0, frame.seconds - 0.5)  # a frame tells of the second that has just passed
        step = self._arrivals.phase_at(middle) if middle < self._arrivals.seconds else ""
        reason = ""
        if step != self._step:
            if self._step.startswith(_BREAKPOINT):
                reason = self._missed_step()
            self._step, self._step_tally = step, Tally()
        if step.startswith(_BREAKPOINT):
            self._step_tally.merge(frame.new)
        return reason

    def _missed_step(self) -> str:
        measured = Measured(total=self._step_tally)
        checks = [check_gate(measured, gate) for gate in self._gates if gate.unit in ("s", "share")]
        missed = tuple(check for check in checks if check.verdict is Verdict.FAIL)
        if not missed:
            if all(check.verdict is Verdict.PASS for check in checks):
                self._held_step = self._step
            return ""
        self.missed = missed
        names = ", ".join(f"`{check.gate}`" for check in missed)
        before = f"{self._held_step} held" if self._held_step else "no step before it clearly held"
        return f"{self._step} missed {names}; {before}"

    def _measured(self, begin: float, end: float) -> Measured:
        total = Tally()
        for frame in self._frames:
            if begin < frame.seconds <= end:
                total.merge(frame.new)
        seconds = max(1e-9, end - begin)
        return Measured(
            total=total,
            rate=(self.timeline.sent_at(end) - self.timeline.sent_at(begin)) / seconds,
            goodput=(self.timeline.good_at(end) - self.timeline.good_at(begin)) / seconds,
        )

    def _tick(self, now: float) -> LoadTick:
        begin = max(0.0, now - _SHOWN_SECONDS)
        recent = self._measured(begin, now).total
        response = recent.timings.response
        second = max(0.0, now - 1.0)
        middle = (second + now) / 2
        return LoadTick(
            subject=self._name,
            seconds=now,
            total_seconds=self._arrivals.seconds,
            planned_rate=self._arrivals.rate_at(middle),
            achieved_rate=(self.timeline.sent_at(now) - self.timeline.sent_at(second))
            / max(1e-9, now - second),
            in_flight=sum(each.in_flight for each in self._latest.values()),
            waiting=sum(each.waiting for each in self._latest.values()),
            percentiles_seconds={
                share: response.value_at(share) / 1e6 for share in _SHARES if response.count
            },
            errors=self._total_errors,
            answered=self._total_answered,
            tiers={tier: histogram.count for tier, histogram in recent.tiers.items()},
            phase=self._arrivals.phase_at(middle) if now <= self._arrivals.seconds else "waiting for answers",
        )


def _errors(tally: Tally) -> int:
    return sum(count for name, count in tally.outcomes.items() if name != Outcome.OK)
