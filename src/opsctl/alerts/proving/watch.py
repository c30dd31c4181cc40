"""What is seen of each alert while time passes: first firing, muting, and every message."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from opsctl.alerts.proving.model import Sighting
from opsctl.alerts.proving.ports import Watchers
from opsctl.core.clock import Clock
from opsctl.core.waiting import wait_until

_POLL_SECONDS = 0.5


@dataclass(slots=True, kw_only=True)
class Watch:
    """Looks at the watchers again and again, and remembers what was seen since `begin`."""

    watchers: Watchers
    clock: Clock
    seen: dict[str, Sighting] = field(default_factory=dict)
    active: dict[str, str] = field(default_factory=dict)

    def begin(self) -> None:
        """Forget what was seen; messages that came before are not of this drill."""
        self.watchers.messages()
        self.seen = {}

    def of(self, alert: str) -> Sighting:
        """Return what was seen of an alert."""
        return self.seen.get(alert, Sighting())

    def look(self) -> None:
        """Look once."""
        self.active = dict(self.watchers.active())
        now = self.clock.now().timestamp()
        for name, state in self.active.items():
            if state == "firing" and self.of(name).firing_at is None:
                self.seen[name] = replace(self.of(name), firing_at=now)
        for name, muting in self.watchers.muted().items():
            self.seen[name] = replace(self.of(name), muted_by=self.of(name).muted_by | muting)
        for message in self.watchers.messages():
            before = self.of(message.alertname)
            self.seen[message.alertname] = replace(before, messages=(*before.messages, message))

    def until(self, done: Callable[[], bool], *, seconds: float) -> bool:
        """Look until something is so, at most so long; tell whether it is."""

        def is_seen() -> bool:
            self.look()
            return done()

        return wait_until(is_seen, clock=self.clock, seconds=seconds, poll_seconds=_POLL_SECONDS)

    def fired(self, *, besides: Collection[str] = ()) -> tuple[str, ...]:
        """Return the alerts that were seen firing."""
        return tuple(
            sorted(name for name, each in self.seen.items() if each.firing_at and name not in besides)
        )
