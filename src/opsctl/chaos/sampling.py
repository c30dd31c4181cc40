"""What did one reader see: a request that is sent, and its answer, or what went wrong with it, as a sample."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from opsctl.chaos.sample import NoFeed, Sample
from opsctl.chaos.steady_clock import SteadyClock

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    import httpx

# What the service says of an answer that was not made for its request.
_CACHED = frozenset({"HIT-L1", "STALE"})


async def sampled(
    send: "Callable[[], Coroutine[Any, Any, httpx.Response]]",
    *,
    kind: str,
    is_retry: bool,
    clock: SteadyClock,
) -> Sample:
    """Send a request and return what its sender saw; only interactions are not looked at for a feed."""
    import httpx

    at = clock.at()
    try:
        answer = await send()
    except httpx.HTTPError:
        return Sample(at=at, seconds=clock.at() - at, status=NoFeed.NO_ANSWER, kind=kind, is_retry=is_retry)
    plain = Sample(at=at, seconds=clock.at() - at, status=answer.status_code, kind=kind, is_retry=is_retry)
    if kind == "interaction" or answer.status_code != httpx.codes.OK:
        return plain
    return _with_feed(plain, answer)


def _with_feed(plain: Sample, answer: "httpx.Response") -> Sample:
    """Return a sample with what its answer holds; one that is no feed is a failure, whatever its status says."""
    cache = answer.headers.get("x-cache", "")
    try:
        feed = answer.json()
        tier, items = str(feed["tier"]), len(feed["items"])
    except (ValueError, KeyError, TypeError):
        return replace(plain, status=NoFeed.BROKEN)
    return replace(plain, tier=tier, items=items, is_stale=cache == "STALE", is_cached=cache in _CACHED)
