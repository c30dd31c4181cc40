"""How long is it waited before the next try, when the last ones failed?"""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Backoff:
    """Waits twice as long after each failure in a row, up to a limit."""

    first_seconds: float = 1.0
    most_seconds: float = 60.0
    _wait_seconds: float = 0.0
    _not_before: float = 0.0

    def may_try(self, now: float) -> bool:
        """Tell whether it is time for a try."""
        return now >= self._not_before

    def failed(self, now: float) -> None:
        """Note that a try failed."""
        self._wait_seconds = min(self.most_seconds, max(self.first_seconds, 2 * self._wait_seconds))
        self._not_before = now + self._wait_seconds

    def succeeded(self) -> None:
        """Note that one did not."""
        self._wait_seconds = 0.0
        self._not_before = 0.0
