"""How long is a breaker open: twice as long each time, up to a most, and never as long as its neighbour."""

from collections.abc import Callable

from opsctl.service.resilience.breaker_model import BreakerOptions


class OpenTime:
    """The open time of the next opening.

    Args:
        random: chance from 0 up to 1.
    """

    __slots__ = ("_options", "_random", "_seconds")

    def __init__(self, options: BreakerOptions, *, random: Callable[[], float]) -> None:
        self._options = options
        self._random = random
        self._seconds = options.open_seconds

    def next_seconds(self) -> float:
        """Return `min(most, base * 2**(n - 1)) * (1 ± jitter)` for the n-th opening; Envoy's base and maximum."""
        seconds = min(self._options.open_seconds_most, self._seconds)
        # Kept doubled, since the power overflows in the thousandth opening.
        self._seconds = 2 * seconds
        # After the cap: breakers that have all reached it would else try in step.
        return seconds * (1 + self._options.open_jitter * (2 * self._random() - 1))

    def begin_anew(self) -> None:
        """Forget the openings so far."""
        self._seconds = self._options.open_seconds
