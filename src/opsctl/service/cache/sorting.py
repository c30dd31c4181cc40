"""What is to be done with the keys of one lookup: served, served and fetched anew, or fetched?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from opsctl.service.cache.shelf import Found, Held

Value = TypeVar("Value")


@dataclass(slots=True)
class Sorted(Generic[Value]):
    """The keys of one lookup, by what is to be done with them."""

    good: dict[str, Value]
    refresh: list[str]
    missing: list[str]
    spare: dict[str, Value]
    outcomes: dict[str, int]

    def count(self, outcome: str, number: int = 1) -> None:
        """Note how lookups went."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + number


def sort_found(keys: Sequence[str], found: Found[Value], *, now: float) -> Sorted[Value]:
    """Return the keys sorted by what was found."""
    split: Sorted[Value] = Sorted({}, [], [], {}, {})
    for key in keys:
        entry = found.held.get(key)
        if entry is not None and now < entry.stale_until:
            _serve(split, key, entry, now=now)
            continue
        split.missing.append(key)
        if entry is not None and entry.value is not None:
            split.spare[key] = entry.value
        split.count("poisoned" if key in found.poisoned else "error" if found.failed else "miss")
    return split


def _serve(split: Sorted[Value], key: str, entry: Held[Value], *, now: float) -> None:
    if entry.value is None:
        split.count("negative")
        return
    split.good[key] = entry.value
    if now < entry.fresh_until:
        split.count("hit")
        return
    split.refresh.append(key)
    split.count("stale")
