"""What chance does in the simulated world: a pure function of who, when and what for, and never of who acted before.

Two policies thus meet the same readers in the same mood on the same day (common random numbers), although they make them
come and click differently; what differs between their worlds is what the policies did. A generator that is drawn from in
sequence cannot do that. Numbers come from the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) over counters.
"""

from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from opsctl.experiments.learners.model import Floats, Ids

_MASK = 2**64 - 1
_STEP = 0x9E3779B97F4A7C15  # 2^64 by the golden ratio: counters are spread before they are mixed
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_GRID = 2.0**20
_AT_ONCE = 1 << 18  # numbers that are mixed at once, so that they stay in the processor's cache

Words = NDArray[np.uint64]


class Stream(IntEnum):
    """What a number decides; each has chance of its own."""

    RETURN = 1
    SESSIONS = 2
    TIME = 3
    CANDIDATES = 4
    CHOICE = 5
    SAVE = 6
    INQUIRY = 7
    INQUIRY_DELAY = 8
    SATISFACTION = 9
    SURVEY = 10
    SURVEY_RESPONSE = 11
    SURVEY_SCORE = 12
    LATENCY = 13
    LEAVING = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """All chance of one world; another seed is another chance for the same readers."""

    seed: int

    def uniforms(self, stream: Stream, *, day: int, users: Ids, slot: int = 0) -> Floats:
        """Return one number within (0, 1) for each user, shape (b,)."""
        return _as_floats(_mixed(self._rows(stream, day=day, users=users, slot=slot)))

    def uniforms_at(self, stream: Stream, *, day: int, users: Ids, columns: Ids, slot: int = 0) -> Floats:
        """Return one number within (0, 1) for each user and column, such as a vendor.

        Args:
            stream: what for.
            day: any, also below 0.
            users: shape (b,).
            columns: shape (w,), the same for all users, or (b, w); equal columns get equal numbers.
            slot: which session of the day.
        """
        rows = self._rows(stream, day=day, users=users, slot=slot)
        steps = (columns.astype(np.uint64) + np.uint64(1)) * np.uint64(_STEP)
        made = np.empty((len(rows), columns.shape[-1]))
        size = max(1, _AT_ONCE // max(1, columns.shape[-1]))
        for start in range(0, len(rows), size):
            part = slice(start, start + size)
            made[part] = _as_floats(_mixed(rows[part, None] + (steps if columns.ndim == 1 else steps[part])))
        return made

    def normals(self, stream: Stream, *, day: int, users: Ids, slot: int = 0) -> Floats:
        """Return one standard normal number for each user, shape (b,)."""
        numbers: Floats = special.ndtri(self.uniforms(stream, day=day, users=users, slot=slot))
        return numbers

    def generator(self, *, name: str, day: int, slot: int, batch: int) -> np.random.Generator:
        """Return what a policy draws from; `name` is that of its arm, so that arms draw apart."""
        of_name = int.from_bytes(sha256(name.encode()).digest()[:8], "big")
        entropy = (self.seed, of_name, day & _MASK, slot, batch)
        return np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy)))

    def _rows(self, stream: Stream, *, day: int, users: Ids, slot: int) -> Words:
        base = self.seed
        for part in (int(stream), day, slot):
            base = _mix_one((base + (part + 1) * _STEP) & _MASK)
        return _mixed(users.astype(np.uint64) * np.uint64(_STEP) + np.uint64(base))


def on_exact_grid(numbers: Floats) -> Floats:
    """Return numbers rounded to multiples of 2^-20, whose products add up exactly, in whatever order.

    Products are multiples of 2^-40, and sums below 4,096 then fit into 53 bits: a product of matrices is the same on any
    machine and with any number of threads, and so is all that hangs on it, such as who clicks what.
    """
    return np.asarray(np.rint(numbers * _GRID) / _GRID, np.float64)


def population_generator(seed: int, name: str) -> np.random.Generator:
    """Return what a part of the population, such as its vendors, is drawn from."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, *name.encode()))))


def _mixed(words: Words) -> Words:
    words ^= words >> np.uint64(30)
    words *= np.uint64(_FIRST)
    words ^= words >> np.uint64(27)
    words *= np.uint64(_SECOND)
    words ^= words >> np.uint64(31)
    return words


def _mix_one(word: int) -> int:
    word = ((word ^ (word >> 30)) * _FIRST) & _MASK
    word = ((word ^ (word >> 27)) * _SECOND) & _MASK
    return word ^ (word >> 31)


def _as_floats(words: Words) -> Floats:
    """Return the upper 53 bits as numbers in the middle of their 2^53 cells: never 0, never 1."""
    cells: NDArray[Any] = words >> np.uint64(11)
    return np.minimum((cells.astype(np.float64) + 0.5) * 2.0**-53, 1.0 - 2.0**-53)
