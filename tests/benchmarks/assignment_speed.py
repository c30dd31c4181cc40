"""How many units a second get their arms, beside what hashlib alone takes for as many digests?

    python -m tests.benchmarks.assignment_speed [--units 200000] [--rounds 5]

Two experiments: one that asks everything (holdout, a layer, a ramp, arms), and the usual one, which asks for the arm alone.
On the other side is a loop that does nothing but the same digests of the same bytes; they take turns, and the median of
the rounds counts.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from tests.benchmarks.rows import Spread, at_most, tell
from tests.experiments.books import book

from opsctl.experiments.assignment import Assigner
from opsctl.experiments.points import prefix_of

MOST_MICROSECONDS = 2.0
"""A call of the usual experiment, which has neither holdout nor layers, and is ramped up."""
EVERYTHING: dict[str, Any] = {
    "holdout": 0.05,
    "layers": {"ranking": {"start": 0.0, "end": 0.9}},
    "ramp": 0.9,
}


def main() -> None:
    """Measure and print."""
    arguments = _parse()
    units = [str(number) for number in range(arguments.units)]
    took = {
        name: _measure(Assigner(book(**parts), name="speed"), units, rounds=arguments.rounds)
        for name, parts in (("arm alone", {}), ("everything", EVERYTHING))
    }
    print(f"{arguments.units:,} units, median of {arguments.rounds} rounds")
    for name, (turns, raw_turns, digests) in took.items():
        ours, raw = statistics.median(turns), statistics.median(raw_turns)
        print(
            f"  {name:11} {1e6 / ours:>9,.0f} calls/s   {ours:.2f} us a call of {digests:.2f} digests"
            f"   hashlib alone {raw:.2f} us   {ours / raw:.2f} times as long"
        )
        tell(
            "assignment_speed",
            f"an assignment ({name}), as long as its digests",
            Spread.of_pairs(turns, raw_turns),
            unit="x",
            against="hashlib alone",
        )
    row = tell(
        "assignment_speed",
        "an assignment (arm alone)",
        Spread.of_turns(took["arm alone"][0]),
        unit="us",
        target=at_most(MOST_MICROSECONDS),
    )
    print(f"  a call below {MOST_MICROSECONDS:.0f} us: {row.verdict}")
    tell("assignment_speed", "an assignment (everything)", Spread.of_turns(took["everything"][0]), unit="us")


def _measure(
    assigner: Assigner, units: Sequence[str], *, rounds: int
) -> tuple[list[float], list[float], float]:
    """Return the microseconds of a call in each round, those of its digests alone, and how many they are."""
    messages = _messages(assigner, units)
    ours, raw = list[float](), list[float]()
    for _ in range(rounds):
        began = time.perf_counter()
        for unit in units:
            assigner.assign(unit)
        between = time.perf_counter()
        for message in messages:
            sha256(message).digest()
        ours.append(between - began)
        raw.append(time.perf_counter() - between)
    scale = 1e6 / len(units)
    return [each * scale for each in ours], [each * scale for each in raw], len(messages) / len(units)


def _messages(assigner: Assigner, units: Sequence[str]) -> list[bytes]:
    """Return the bytes that a call hashes for each unit: up to the salt that refuses it, and no gate that lets all in."""
    experiment = assigner.experiment
    is_open = (experiment.holdout == 0, *(False for _ in experiment.layers), experiment.ramp == 1, False)
    prefixes = [prefix_of(salt) for salt, skip in zip(assigner.salts, is_open, strict=True) if not skip]
    found = []
    for unit in units:
        placed = assigner.place(unit)
        asked = len(prefixes)
        if placed.reason is not None:
            asked = ["held_out", "outside_layer", "not_ramped"].index(placed.reason) + 1
        found += [prefix + unit.encode() for prefix in prefixes[:asked]]
    return found


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--units", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
