"""May a failed call be tried once more, or would trying again only add to what brings the dependency down."""

# gRPC counts in thousandths, since tenths are not exact as floating point numbers.
_TOKEN = 1000
_SUCCESS_TOKENS = 100


class RetryBudget:
    """A bucket of tokens: a failure takes one, a success brings back a tenth, and half of it must be there to retry.

    So the attempts are never more than 1.1 times the calls, and half the bucket. One budget is for one dependency, all
    its callers together, and counts every attempt, the retries too.

    Source: gRPC proposal A6, "Throttling Retry Attempts and Hedged RPCs".

    Args:
        most: tokens of a full bucket.
    """

    __slots__ = ("_most", "_tokens")

    def __init__(self, most: float = 10.0) -> None:
        self._most = round(most * _TOKEN)
        self._tokens = self._most

    @property
    def may_retry(self) -> bool:
        """Tell whether more than half of the bucket is there."""
        return 2 * self._tokens > self._most

    @property
    def tokens(self) -> float:
        """How many tokens are there."""
        return self._tokens / _TOKEN

    def failed(self) -> None:
        """Count an attempt that failed in a way that would be retried."""
        self._tokens = max(0, self._tokens - _TOKEN)

    def succeeded(self) -> None:
        """Count an attempt that succeeded."""
        self._tokens = min(self._most, self._tokens + _SUCCESS_TOKENS)
