"""What may end a fault before its time: the stop condition of the book, a lost lease, and what the runbook does."""

from dataclasses import replace

from opsctl.chaos.book import Drill
from opsctl.chaos.ports import World
from opsctl.chaos.report import Mitigated
from opsctl.chaos.watching import Watching
from opsctl.core.errors import OpsError
from opsctl.core.units import format_duration, parse_duration


class Guard:
    """Looks, while a fault is on, whether it must end, and runs the runbook's command when its moment has come."""

    def __init__(self, drill: Drill, *, world: World, watching: Watching) -> None:
        self._drill = drill
        self._world = world
        self._watching = watching
        self._goodput = 0.0
        self.stopped = ""
        self.mitigated: Mitigated | None = None

    def begin(self, *, goodput: float) -> None:
        """Remember the good answers a second that are usual."""
        self._goodput = goodput

    def is_over(self) -> bool:
        """Tell whether the fault must end."""
        if self._watching.faults.lost:
            return True
        self._mitigate()
        self.stopped = self.stopped or self._reason_to_stop()
        return bool(self.stopped)

    def _reason_to_stop(self) -> str:
        limit, seconds = self._drill.stop_when, parse_duration(self._drill.stop_when.lasts)
        now, fault_at = self._watching.now(), self._watching.fault_at
        if fault_at is None or now - fault_at < seconds:
            return ""
        number, good = self._watching.tally.recent(now=now, seconds=seconds)
        if not number or good / number >= limit.availability_below:
            return ""
        return f"availability {good / number:.1%} for {format_duration(seconds)}, below {limit.availability_below:.1%}"

    def _mitigate(self) -> None:
        cure, fault_at, done = self._drill.mitigation, self._watching.fault_at, self.mitigated
        if cure is None or fault_at is None:
            return
        if done is None:
            if self._watching.now() - fault_at >= parse_duration(cure.after) and self._all_detected():
                self._watching.faults.keep_longer(parse_duration(cure.ends_within))
                self.mitigated = self._run(cure.command)
        elif done.ended_seconds is None and self._watching.is_back(done.began_at, goodput=self._goodput):
            self.mitigated = replace(done, ended_seconds=self._watching.back_after(done.began_at))

    def _run(self, command: str) -> Mitigated:
        began_at = self._watching.now()
        try:
            worked, why = self._world.mitigate(command), ""
        except OpsError as error:
            worked, why = False, f"{error.code} {error.message}"
        return Mitigated(command=command, began_at=began_at, worked=worked, why=why)

    def _all_detected(self) -> bool:
        seen = ((alert.told, self._watching.alerts.of(alert.name)) for alert in self._drill.expect.alerts)
        return all((each.told_at if told else each.firing_at) is not None for told, each in seen)
