"""How are alerts proven: quiet first, then fault after fault, each undone whatever happens, then quiet again."""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from opsctl.alerts.proving.judge import inconclusive, judge, judge_made_up
from opsctl.alerts.proving.model import Drill, Proof, ProofLevel, ProofPlan
from opsctl.alerts.proving.plan import without_muting
from opsctl.alerts.proving.ports import Faults, Watchers
from opsctl.alerts.proving.watch import Watch
from opsctl.alerts.rules import AlertRule
from opsctl.core.clock import Clock
from opsctl.core.errors import OpsError
from opsctl.core.events import Listener
from opsctl.core.phases import Phase, told_phase

_MADE_UP_SECONDS = 30.0
_MADE_UP_OVER_SECONDS = 120.0

Predict = Callable[[AlertRule], float | None]
"""What the arithmetic says for this ground, whose history is shorter than that of a service that runs for months."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """How drills are held.

    Args:
        always: alerts that fire for ever, such as Watchdog.
        predict: how long each alert should take on this ground.
        quiet_seconds: so long nothing may fire before the first fault; that is the drill without a fault.
        calm_seconds: at most so long until the alerts of the fault before are over.
        resolve_seconds: at most so long for the message that an alert is over.
        looks_back_seconds: so long a fault stays in what each alert looks at; where that is longer than
            `resolve_seconds`, the alert's end is not waited for, and the proof says so.
    """

    always: frozenset[str]
    predict: Predict
    quiet_seconds: float = 30.0
    calm_seconds: float = 300.0
    resolve_seconds: float = 600.0
    looks_back_seconds: Callable[[AlertRule], float] = lambda _alert: 0.0

    def awaits_end(self, alert: AlertRule) -> bool:
        """Tell whether an alert can be over within the time that anybody waits for it."""
        return self.looks_back_seconds(alert) < self.resolve_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietDrill:
    """What fired while nothing was broken: nothing, if all is well."""

    seconds: float
    fired: tuple[str, ...]


class Prover:
    """Proves the alerts of a plan, one drill after the other; made when the watchers have just been started."""

    def __init__(
        self,
        *,
        watchers: Watchers,
        faults: Faults,
        clock: Clock,
        listener: Listener,
        conduct: Conduct,
    ) -> None:
        self._watchers = watchers
        self._faults = faults
        self._clock = clock
        self._listener = listener
        self._conduct = conduct
        self._always = conduct.always
        self._watch = Watch(watchers=watchers, clock=clock)
        self._started_at = clock.now().timestamp()

    def stay_quiet(self) -> QuietDrill:
        """Break nothing for a while and return what fired all the same."""
        with self._phase("null drill", "wait"):
            seconds = self._conduct.quiet_seconds
            self._watch.until(lambda: False, seconds=seconds)
        return QuietDrill(seconds=seconds, fired=self._watch.fired(besides=self._always))

    def prove(self, plan: ProofPlan) -> Iterator[Proof]:
        """Yield the proof of each alert of a plan.

        Made-up alerts come first, those of alerts that a drill may find muted among them: the faults of drills leave
        budgets burning for hours, and these would mute what is made up afterwards.
        """
        mutable = (alert for drill in plan.drills for alert in drill.alerts if alert.inhibited_by)
        ways = {proof.alert: proof for proof in self._made_up((*plan.made_up, *mutable))}
        yield from (ways[alert.name] for alert in plan.made_up)
        for drill in sorted(plan.drills, key=self._place):
            for alert, proof in self._drill(drill):
                if proof.level is ProofLevel.MUTED and not proof.problems:
                    way = ways[alert.name]
                    yield replace(proof, verdict=way.verdict, problems=way.problems)
                else:
                    yield proof

    def _place(self, drill: Drill) -> tuple[bool, bool]:
        """Sort first what fires for ever, which is told again after minutes only, then budgets while none burns yet."""
        return not self._lasting(drill), not any(alert.tier for alert in drill.alerts)

    def _drill(self, drill: Drill) -> Iterator[tuple[AlertRule, Proof]]:
        for alert in self._lasting(drill):
            yield alert, self._sign_of_life(alert)
        raised = tuple(alert for alert in drill.alerts if alert.name not in self._always)
        if not raised:
            return
        if not self._is_calm(raised):
            why = f"{', '.join(sorted(self._noise(raised)))} did not end before the fault was to be made"
            yield from ((alert, inconclusive(alert, why)) for alert in raised)
            return
        self._watch.begin()
        before = frozenset(self._watch.active)
        fault_at = self._clock.now().timestamp()
        try:
            with self._phase(drill.fault, "fault"):
                self._faults.apply(drill.fault)
                self._watch.until(lambda: self._all_seen(raised), seconds=drill.limit_seconds)
        except OpsError as error:
            yield from ((alert, inconclusive(alert, f"{error.code} {error.message}")) for alert in raised)
            return
        finally:
            also_fired = self._watch.fired(besides=self._always | before)
            undone_at = self._clock.now().timestamp()
            self._faults.undo(drill.fault)
        with self._phase(drill.fault, "recovery"):
            awaited = [alert for alert in raised if self._conduct.awaits_end(alert)]
            self._watch.until(lambda: self._all_over(awaited), seconds=self._conduct.resolve_seconds)
        for alert in raised:
            yield (
                alert,
                judge(
                    alert,
                    self._watch.of(alert.name),
                    fault_at=fault_at,
                    undone_at=undone_at,
                    also_fired=also_fired,
                    predicted_seconds=self._conduct.predict(alert),
                    is_end_awaited=self._conduct.awaits_end(alert),
                ),
            )

    def _lasting(self, drill: Drill) -> tuple[AlertRule, ...]:
        return tuple(alert for alert in drill.alerts if alert.name in self._always)

    def _sign_of_life(self, alert: AlertRule) -> Proof:
        """Judge what fires for ever: its message must have come within the time allowed after the start."""
        waited = self._clock.now().timestamp() - self._started_at
        self._watch.until(
            lambda: self._is_seen(alert), seconds=max(0.0, alert.detect_within_seconds - waited)
        )
        sighting = self._watch.of(alert.name)
        first = min((message.at for message in sighting.messages), default=self._started_at)
        proof = judge(
            alert,
            sighting,
            fault_at=min(self._started_at, first),
            undone_at=self._started_at,
            also_fired=(),
            predicted_seconds=self._conduct.predict(alert),
        )
        problems = tuple(each for each in proof.problems if "was over" not in each)
        return replace(proof, problems=problems, verdict=proof.verdict if problems else proof.verdict.PASS)

    def _made_up(self, alerts: Collection[AlertRule]) -> Iterator[Proof]:
        for batch in without_muting(tuple(alerts)):
            self._is_calm(batch)
            self._watch.begin()
            sent_at = self._clock.now().timestamp()
            with self._phase(f"{len(batch)} made-up alerts", "send"):
                self._watchers.send_made_up(batch, firing=True)
                told = tuple(alert for alert in batch if alert.receivers)
                self._watch.until(lambda told=told: self._all_arrived(told), seconds=_MADE_UP_SECONDS)  # type: ignore[misc]
                self._watchers.send_made_up(batch, firing=False)
                # A group that still is in Alertmanager would hold up the next message of the same alert.
                self._watch.until(
                    lambda told=told: self._all_told_over(told),  # type: ignore[misc]
                    seconds=_MADE_UP_OVER_SECONDS,
                )
            for alert in batch:
                yield judge_made_up(alert, self._watch.of(alert.name).messages, sent_at=sent_at)

    def _is_calm(self, raised: Collection[AlertRule]) -> bool:
        """Wait until nothing is left of what was before that a drill could be taken in by."""
        return self._watch.until(lambda: not self._noise(raised), seconds=self._conduct.calm_seconds)

    def _noise(self, raised: Collection[AlertRule]) -> frozenset[str]:
        """Return what is pending or firing already of those that the fault is to raise, or that would mute them.

        Others may go on: a burn alert ends minutes after its fault, and one that waits for a day is always pending.
        """
        names = {alert.name for alert in raised} | {name for alert in raised for name in alert.inhibited_by}
        return frozenset(names & set(self._watch.active)) - self._always

    def _all_seen(self, alerts: Collection[AlertRule]) -> bool:
        return all(self._is_seen(alert) for alert in alerts)

    def _is_seen(self, alert: AlertRule) -> bool:
        sighting = self._watch.of(alert.name)
        if not alert.receivers:
            return sighting.firing_at is not None
        if sighting.muted_by & set(alert.inhibited_by):
            return True
        return all(sighting.arrived_at(receiver) is not None for receiver in alert.receivers)

    def _all_arrived(self, alerts: Collection[AlertRule]) -> bool:
        return all(
            self._watch.of(alert.name).arrived_at(receiver) is not None
            for alert in alerts
            for receiver in alert.receivers
        )

    def _all_told_over(self, alerts: Collection[AlertRule]) -> bool:
        return all(
            self._watch.of(alert.name).over_at(receiver) is not None
            for alert in alerts
            for receiver in alert.receivers
            if self._watch.of(alert.name).arrived_at(receiver) is not None
        )

    def _all_over(self, alerts: Collection[AlertRule]) -> bool:
        """Tell whether each alert has ended, and each receiver that heard of it has heard that too."""
        return all(
            alert.name not in self._watch.active
            and all(
                self._watch.of(alert.name).over_at(receiver) is not None
                for receiver in alert.receivers
                if self._watch.of(alert.name).arrived_at(receiver) is not None
            )
            for alert in alerts
        )

    def _phase(self, subject: str, phase: str) -> AbstractContextManager[Phase]:
        return told_phase(subject, phase, listener=self._listener, clock=self._clock)
