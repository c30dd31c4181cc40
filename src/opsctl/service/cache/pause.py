"""Is something that failed a moment ago still to be left alone?"""

_SECONDS = 1.0


class Pause:
    """A second after a failure in which nobody tries again, so that not every request waits for what is down.

    The clock may be set back: that ends the pause instead of drawing it out.
    """

    def __init__(self) -> None:
        self._began = float("-inf")

    def begin(self, now: float) -> None:
        """Note a failure."""
        self._began = now

    def is_on(self, now: float) -> bool:
        """Tell whether to leave it alone."""
        return self._began <= now < self._began + _SECONDS
