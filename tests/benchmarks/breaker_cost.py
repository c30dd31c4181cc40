"""What does a closed breaker cost each call that it guards?

    python -m tests.benchmarks.breaker_cost [--runs 15] [--calls 100000]

Pairs of `acquire` and `release` on the real clock, beside calls of an empty function in the same loop; they take turns,
and the median of the runs counts.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable

from tests.benchmarks.rows import Spread, at_most, tell

from opsctl.service.resilience.breaker import CircuitBreaker
from opsctl.service.resilience.breaker_model import BreakerOptions, Outcome

MOST_MICROSECONDS = 5.0
"""`acquire` and `release` of a closed breaker together."""


def main() -> None:
    """Measure and print."""
    arguments = _parse()
    breaker = CircuitBreaker(
        "bench", BreakerOptions(slow_seconds=0.5), now=time.monotonic, random=random.random
    )
    loops = {
        "empty function": _empty_loop,
        "success": lambda calls: _guarded_loop(breaker, calls, outcome=Outcome.SUCCESS),
        "ignored": lambda calls: _guarded_loop(breaker, calls, outcome=Outcome.IGNORED),
    }
    runs: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(arguments.runs):
        for name, loop in loops.items():
            runs[name].append(_microseconds(loop, calls=arguments.calls))
    print(f"one closed breaker, median of {arguments.runs} runs of {arguments.calls:,} calls")
    for name, each in runs.items():
        print(f"  {name:15} {statistics.median(each):.3f} us a call   (least {min(each):.3f})")
    row = tell(
        "breaker_cost",
        "acquire and release of a closed breaker",
        Spread.of_turns(runs["success"]),
        unit="us a call",
        target=at_most(MOST_MICROSECONDS),
    )
    print(f"  acquire and release below {MOST_MICROSECONDS:.0f} us: {row.verdict}")
    tell(
        "breaker_cost",
        "acquire and release, as long as an empty function",
        Spread.of_pairs(runs["success"], runs["empty function"]),
        unit="x",
        against="a call of an empty function",
    )


def _microseconds(loop: Callable[[int], None], *, calls: int) -> float:
    began = time.perf_counter()
    loop(calls)
    return (time.perf_counter() - began) / calls * 1e6


def _empty_loop(calls: int) -> None:
    for _ in range(calls):
        _nothing()


def _nothing() -> None:
    pass


def _guarded_loop(breaker: CircuitBreaker, calls: int, *, outcome: Outcome) -> None:
    for _ in range(calls):
        permit = breaker.acquire()
        if permit is None:
            raise SystemExit("a breaker that only saw successes refused a call")
        breaker.release(permit, outcome)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=15, help="runs of each")
    parser.add_argument("--calls", type=int, default=100_000, help="calls of one run")
    return parser.parse_args()


if __name__ == "__main__":
    main()
