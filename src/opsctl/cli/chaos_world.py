"""What does a drill break and see: a proving ground and its watchers as one world (`chaos.ports.World`)."""

import shlex
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from opsctl.cli.ground_traces import Traces, look_for_traces
from opsctl.core.errors import NotReadyError, OpsError, UsageError

if TYPE_CHECKING:
    from opsctl.chaos.expectations import Load
    from opsctl.chaos.ports import Message
    from opsctl.chaos.probes import Probe, ProbeAnswer
    from opsctl.chaos.sample import Sample
    from opsctl.cli.proving_ground import ProvingGround
    from opsctl.cli.proving_watchers import LiveWatchers

_PAGER = "pagerduty"
_MOST_LAG_SECONDS = 0.5
_OWN = "opsctl"


class GroundWorld:
    """A ground whose faults are held by leases.

    Args:
        always: alerts that fire for ever, such as Watchdog.
    """

    def __init__(self, ground: "ProvingGround", *, watchers: "LiveWatchers", always: frozenset[str]) -> None:
        self._ground = ground
        self._watchers = watchers
        self._always = always
        self._made: dict[str, frozenset[str]] = {}
        """The faults that are there, each with the traces that it left when it was made."""
        self._hits: dict[str, int] = {}
        self._workers: set[tuple[int, float]] = set()
        self._workers_at_first = 0

    def apply(self, fault: str, parameters: Mapping[str, object], *, lease_seconds: float) -> None:
        """Make a fault, held by a lease from before it is there."""
        from opsctl.chaos.registry import fault_named

        self._ground.helpers.require_watchdog()
        before = look_for_traces(self._ground).names
        self._ground.leases.take(fault, seconds=lease_seconds)
        self._made.setdefault(fault, frozenset())
        fault_named(fault).apply(self._ground, **parameters)
        self._made[fault] |= look_for_traces(self._ground).names - before

    def undo(self, fault: str) -> None:
        """Take it back."""
        from opsctl.chaos.registry import fault_named

        with suppress(OpsError):  # a proxy that is gone counts no more; the fault is taken back all the same
            self._note_hits(look_for_traces(self._ground))
        fault_named(fault).undo(self._ground)
        self._ground.leases.end(fault)
        self._made.pop(fault, None)

    def renew(self, fault: str, *, lease_seconds: float) -> None:
        """Keep a fault for so long from now on."""
        self._ground.leases.renew(fault, seconds=lease_seconds)
        self._ground.lines.renew()

    def lost_leases(self) -> tuple[str, ...]:
        """Return the faults that the watchdog has taken back, or is about to, and those that vanished by themselves."""
        traces = look_for_traces(self._ground)
        self._note_hits(traces)
        return tuple(
            sorted(
                fault
                for fault, left in self._made.items()
                if not (self._ground.leases.holds(fault) and left <= traces.names)
            )
        )

    def unfelt(self) -> tuple[str, ...]:
        """Return the faults made since the last change of the load that spoiled a line on which nothing was hit."""
        self._note_hits(look_for_traces(self._ground))
        return tuple(sorted(fault for fault, hits in self._hits.items() if not hits))

    def change_load(self, load: "Load") -> None:
        """Let readers ask like this from now on."""
        self._hits.clear()
        self._ground.usual = {"returning": load.returning_per_second, "new": load.new_per_second}
        self._ground.send_as_usual()
        self._ground.send_interactions(load.interactions_per_second)
        self._ground.usual_retries = load.retries
        self._ground.retry_as_usual()
        if self._ground.traffic is not None:
            self._ground.traffic.take_lag_seconds()  # of the set-up, or of the drill before

    def take_samples(self) -> "Sequence[Sample]":
        """Return the requests that ended since the last call."""
        self._note_workers()
        traffic = self._ground.traffic
        if traffic is None:
            return ()
        lag = traffic.take_lag_seconds()
        if lag > _MOST_LAG_SECONDS:
            raise NotReadyError(
                f"the readers of the drill were late by {lag:.1f} s themselves",
                code="CHA068",
                why="this machine cannot send such a load beside all that answers it, so what was measured says nothing",
                fix="give it more cores, or send less: `load` and the fault's own numbers",
            )
        return traffic.take_samples()

    def calls(self) -> Mapping[str, int]:
        """Return how often each dependency was called, as its line counted."""
        return self._ground.lines.calls()

    def ask(self, probe: "Probe") -> "ProbeAnswer":
        """Ask a probe once."""
        from opsctl.cli.chaos_asking import ask

        return ask(probe)

    def active_alerts(self) -> Mapping[str, str]:
        """Return the state of each alert, without those that always fire."""
        return {name: state for name, state in self._watchers.active().items() if name not in self._always}

    def messages(self) -> "Collection[Message]":
        """Return what receivers got since the last call."""
        from opsctl.chaos.ports import Message

        return [
            Message(
                at=each.at,
                receiver=each.receiver,
                status=each.status,
                alert=each.alertname,
                is_page=each.receiver == _PAGER,
            )
            for each in self._watchers.messages()
            if each.alertname not in self._always
        ]

    def mitigate(self, command: str) -> bool:
        """Run a command of opsctl on the ground."""
        try:
            words = shlex.split(command)
        except ValueError:  # a quote without its end
            words = []
        if not words or words[0] != _OWN:
            raise UsageError(
                f"`{command[:60]}` is no command of opsctl",
                code="CHA063",
                fix="a drill's mitigation is what the runbook does with opsctl, such as `opsctl cache invalidate --all`",
            )
        try:
            self._ground.opsctl(*words[1:])
        except OpsError:
            return False
        return True

    def restarts(self) -> int:
        """Return how many workers have begun since the first look at them, in place of others."""
        self._note_workers()
        return len(self._workers) - self._workers_at_first

    def residue(self) -> tuple[str, ...]:
        """Return what is left of faults."""
        from opsctl.cli.ground_residue import residue

        return residue(self._ground)

    def _note_hits(self, traces: Traces) -> None:
        for fault, left in self._made.items():
            hits = traces.hits_of(left)
            if hits is not None:
                self._hits[fault] = max(hits, self._hits.get(fault, 0))

    def _note_workers(self) -> None:
        self._workers |= set(self._ground.worker_identities())
        self._workers_at_first = self._workers_at_first or len(self._workers)
