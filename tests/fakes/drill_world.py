"""A world that a test scripts: how feeds are under which fault, which alerts that raises, and what goes wrong."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.fakes.clock import FakeClock

from opsctl.chaos.expectations import Load
from opsctl.chaos.ports import Message, Parameters
from opsctl.chaos.probes import Probe, ProbeAnswer
from opsctl.chaos.sample import Sample
from opsctl.clients.exposition import Sample as Counted
from opsctl.clients.exposition import parse_samples

USUAL = Sample(at=0, seconds=0.05, status=200, tier="multi_agent", items=20)
SIMPLE = replace(USUAL, tier="simple")
FAILED = Sample(at=0, seconds=0.2, status=503)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertReaction:
    """How an alert answers to any fault: seconds until it fires, is told, and is over after the undo."""

    name: str
    fires_after: float = 10.0
    told_after: float | None = 5.0
    over_after: float = 20.0
    is_page: bool = False


@dataclass(slots=True)
class DrillWorld:
    """`chaos.ports.World` on a clock of the test's own.

    Args:
        during: how requests end while a fault is on, in turns; the usual ones where it is not named.
        heals_after: so long after the undo requests still end as during the fault.
        trips: raise this at the n-th call of a method, such as `{("apply", 1): KeyboardInterrupt()}`.
        searches: calls to the vectors for a feed while a fault is on; 1 without.
        cures: the command of a runbook that ends the trouble.
        meets_nothing: faults that touch nothing.
        counted: what the service counts of a fault, for each time that it was made, by the text of the counter; it counts
            feeds besides.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    usual: tuple[Sample, ...] = (USUAL,)
    during: Mapping[str, tuple[Sample, ...]] = field(default_factory=dict)
    heals_after: float = 0.0
    alerts: tuple[AlertReaction, ...] = ()
    noise: dict[str, str] = field(default_factory=dict)
    answers: Mapping[str, ProbeAnswer] = field(default_factory=dict)
    trips: Mapping[tuple[str, int], BaseException] = field(default_factory=dict)
    searches: int = 1
    cures: str = ""
    meets_nothing: tuple[str, ...] = ()
    counted: Mapping[str, float] = field(default_factory=dict)
    left: tuple[str, ...] = ()
    left_before: tuple[str, ...] = ()
    restarted: int = 0
    loses_lease_after: float | None = None
    load_stops_after: float | None = None
    on: dict[str, float] = field(default_factory=dict)
    happened: list[str] = field(default_factory=list)
    renewed: list[tuple[str, float]] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    load: Load | None = None
    _began: dict[str, float] = field(default_factory=dict)
    _ended: dict[str, float] = field(default_factory=dict)
    _cured: bool = False
    _sent_until: float | None = None
    _sent: int = 0
    _searches: int = 0
    _told: set[tuple[str, str, float]] = field(default_factory=set)

    @property
    def now(self) -> float:
        """Return the time, in seconds since 1970."""
        return self.clock.moment.timestamp() + self.clock.seconds

    def apply(self, fault: str, parameters: Parameters, *, lease_seconds: float) -> None:
        """Make a fault; a trip leaves half of it."""
        self.happened.append(f"apply {fault}")
        self.on[fault] = self.now
        self._call("apply")
        self._began.setdefault(fault, self.now)
        self._ended.pop(fault, None)

    def undo(self, fault: str) -> None:
        """Take it back."""
        self._call("undo")
        self.happened.append(f"undo {fault}")
        if self.on.pop(fault, None) is not None:
            self._ended[fault] = self.now

    def renew(self, fault: str, *, lease_seconds: float) -> None:
        """Remember that the lease was renewed."""
        self._call("renew")
        self.renewed.append((fault, lease_seconds))

    def lost_leases(self) -> tuple[str, ...]:
        """Return the faults whose lease is lost."""
        self._call("lost_leases")
        after = self.loses_lease_after
        return tuple(
            fault for fault, began in self.on.items() if after is not None and self.now >= began + after
        )

    def unfelt(self) -> tuple[str, ...]:
        """Return the scripted faults, as far as they were made."""
        self._call("unfelt")
        return tuple(fault for fault in self.meets_nothing if fault in self._began)

    def change_load(self, load: Load) -> None:
        """Send from now on."""
        self._call("change_load")
        self.load, self._sent_until = load, self.now

    def take_samples(self) -> Sequence[Sample]:
        """Return what was sent since the last call, evenly."""
        self._call("take_samples")
        if self.load is None or self._sent_until is None:
            return ()
        samples, step = [], 1 / self.load.per_second
        while self._sent_until + step <= self.now:
            self._sent_until += step
            if not self._is_silent(self._sent_until):
                samples.append(self._sample(self._sent_until))
        return samples

    def calls(self) -> Mapping[str, int]:
        """Return a call for each feed, and as many more as a fault adds."""
        self._call("calls")
        return {"vectors": self._searches}

    def counters(self) -> Sequence[Counted]:
        """Return the feeds that were made, and what the service counted of faults."""
        self._call("counters")
        text = "".join(f"{name} {by * len(self._began)}\n" for name, by in self.counted.items())
        return parse_samples(f"ranking_feeds_total {self._sent}\n{text}")

    def ask(self, probe: Probe) -> ProbeAnswer:
        """Answer as scripted for the fault that is on, else well."""
        self._call("ask")
        return next(
            (self.answers[fault] for fault in self.on if fault in self.answers), ProbeAnswer(status=200)
        )

    def active_alerts(self) -> Mapping[str, str]:
        """Return what fires now."""
        self._call("active_alerts")
        firing = {each.name: "firing" for each in self.alerts if self._fires(each)}
        return firing | self.noise

    def messages(self) -> Collection[Message]:
        """Return what is new."""
        self._call("messages")
        new = [each for each in self._all_messages() if each.at <= self.now and _key(each) not in self._told]
        self._told |= {_key(each) for each in new}
        return new

    def mitigate(self, command: str) -> bool:
        """Cure, or not."""
        self._call("mitigate")
        self.happened.append(f"mitigate {command}")
        self._cured = command == self.cures
        return self._cured

    def restarts(self) -> int:
        """Return the scripted restarts once anything was broken."""
        self._call("restarts")
        return self.restarted if self._began else 0

    def residue(self) -> tuple[str, ...]:
        """Return what is still on, and what the script leaves behind."""
        self._call("residue")
        left = self.left if self._began else ()
        return (*self.left_before, *left, *(f"fault {fault}" for fault in self.on))

    def _call(self, method: str) -> None:
        self.asked[method] += 1
        if (method, self.asked[method]) in self.trips:
            raise self.trips[method, self.asked[method]]

    def _sample(self, at: float) -> Sample:
        self._sent += 1
        self._searches += self.searches if self.on else 1
        rows = self.usual
        for fault, began in self._began.items():
            ended = self._ended.get(fault)
            is_felt = at >= began and (ended is None or at < ended + self.heals_after)
            if is_felt and not self._cured:
                rows = self.during.get(fault, rows)
        return replace(rows[self._sent % len(rows)], at=at)

    def _is_silent(self, at: float) -> bool:
        after = self.load_stops_after
        return after is not None and any(at >= began + after for began in self._began.values())

    def _fires(self, alert: AlertReaction) -> bool:
        return any(
            self.now >= began + alert.fires_after
            and (fault in self.on or self.now < self._ended.get(fault, began) + alert.over_after)
            for fault, began in self._began.items()
        )

    def _all_messages(self) -> list[Message]:
        found = []
        for fault, began in self._began.items():
            for each in self.alerts:
                ended = self._ended.get(fault)
                fired_at = began + each.fires_after
                if each.told_after is None or (ended is not None and fired_at > ended):
                    continue
                found.append(_message(each, "firing", at=fired_at + each.told_after))
                if ended is not None:
                    found.append(_message(each, "resolved", at=ended + each.over_after))
        return found


def _message(alert: AlertReaction, status: str, *, at: float) -> Message:
    return Message(at=at, receiver="slack", status=status, alert=alert.name, is_page=alert.is_page)


def _key(message: Message) -> tuple[str, str, float]:
    return message.alert, message.status, message.at
