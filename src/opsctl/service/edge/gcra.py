"""May one more request pass: the generic cell rate algorithm, on whole nanoseconds and without a clock.

A cell holds one number, the theoretical arrival time: the moment at which the whole allowance will be back.
Source: ITU-T I.371, annex A; the virtual scheduling algorithm.
"""

from dataclasses import dataclass
from typing import NamedTuple

from opsctl.service.edge.asgi import Header

_SECOND = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How much a plan allows each user: `requests` at once, refilled evenly within the window.

    Args:
        interval_ns: after so long one request is allowed anew; rounded up, so that never more pass than promised.
        tolerance_ns: how far ahead of now a cell may be.
        headers: the two headers that are the same in every answer.
    """

    requests: int
    interval_ns: int
    tolerance_ns: int
    headers: tuple[Header, Header]


class Verdict(NamedTuple):
    """What became of one request; a tuple, because one is made for every request."""

    is_allowed: bool
    remaining: int
    reset_seconds: int
    retry_after_seconds: int


def allowance(requests: int, *, window_seconds: float) -> Allowance:
    """Return the allowance of `requests` within a window."""
    interval = max(1, -(-round(window_seconds * _SECOND) // requests))
    whole_seconds = max(1, round(window_seconds))
    return Allowance(
        requests=requests,
        interval_ns=interval,
        tolerance_ns=interval * requests,
        headers=(
            (b"ratelimit-limit", b"%d" % requests),
            (b"ratelimit-policy", b"%d;w=%d" % (requests, whole_seconds)),
        ),
    )


def decide(stored_ns: int, *, now_ns: int, allowance: Allowance) -> tuple[int, Verdict]:
    """Return what the cell holds afterwards, and the verdict.

    A cell in the past is as good as none. So is one further ahead than this plan can reach: it was written under
    another plan, before the clock went back, or by damage, and would lock its user out.
    """
    tolerance = allowance.tolerance_ns
    arrival = stored_ns if now_ns < stored_ns <= now_ns + tolerance else now_ns
    following = arrival + allowance.interval_ns
    room = now_ns + tolerance - following
    if room < 0:
        return stored_ns, Verdict(
            is_allowed=False,
            remaining=0,
            reset_seconds=_seconds(arrival - now_ns),
            retry_after_seconds=_seconds(-room),
        )
    # By position: a tuple made with names costs more, and one is made for every request.
    return following, Verdict(True, room // allowance.interval_ns, _seconds(following - now_ns), 0)  # noqa: FBT003


def _seconds(nanoseconds: int) -> int:
    return -(-nanoseconds // _SECOND)
