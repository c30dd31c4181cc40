"""What has a benchmark found: one row for each figure, judged here and nowhere else, and told to the run that makes the page."""

import json
import os
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

ROWS_FILE_VARIABLE = "BENCHMARK_ROWS_FILE"
"""Names the file to which rows are appended; no `OPSCTL_`, so that commands that are measured are not told of it."""


class Verdict(StrEnum):
    """Whether a figure is what it was to be."""

    HELD = "held"
    MISSED = "missed"
    CANNOT_TELL = "cannot tell"
    NO_TARGET = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A figure of several turns, with the least and the most of them, or with its interval."""

    value: float
    least: float
    most: float
    is_interval: bool = False

    @classmethod
    def of_turns(cls, values: Sequence[float]) -> Self:
        """Return the median.

        >>> Spread.of_turns([3.0, 1.0, 2.0])
        Spread(value=2.0, least=1.0, most=3.0, is_interval=False)
        """
        return cls(value=statistics.median(values), least=min(values), most=max(values))

    @classmethod
    def of_pairs(cls, ours: Sequence[float], others: Sequence[float]) -> Self:
        """Return the ratio of the medians of turns that were taken side by side; the spread is that of each turn's own ratio."""
        each = [one / other for one, other in zip(ours, others, strict=True)]
        return cls(value=statistics.median(ours) / statistics.median(others), least=min(each), most=max(each))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a figure must not fall below, or not exceed."""

    bound: float
    is_least: bool

    def holds(self, value: float) -> bool:
        """Return whether a figure is good; one that is no number is not."""
        return value >= self.bound if self.is_least else value <= self.bound


def at_least(bound: float) -> Target:
    """Return the target of a figure that should be large."""
    return Target(bound=bound, is_least=True)


def at_most(bound: float) -> Target:
    """Return the target of a figure that should be small."""
    return Target(bound=bound, is_least=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure.

    Args:
        what: tells the figure from the others of its benchmark; `causes.yaml` knows it by that name.
        unit: `x` for a ratio.
        against: what it is compared with, or what it is a ratio to.
    """

    benchmark: str
    what: str
    value: float
    least: float | None = None
    most: float | None = None
    is_interval: bool = False
    unit: str
    against: str = ""
    target: Target | None = None

    @property
    def verdict(self) -> Verdict:
        """Judge the figure, by its whole interval where it has one."""
        if self.target is None:
            return Verdict.NO_TARGET
        seen = (self.least, self.most) if self.is_interval else (self.value,)
        good = [self.target.holds(float("nan") if value is None else value) for value in seen]
        return Verdict.HELD if all(good) else Verdict.CANNOT_TELL if any(good) else Verdict.MISSED


def tell(
    benchmark: str,
    what: str,
    found: float | Spread,
    *,
    unit: str,
    against: str = "",
    target: Target | None = None,
) -> Row:
    """Return the row of a figure, and append it to the file of the run where this is one."""
    spread = asdict(found) if isinstance(found, Spread) else {"value": float(found)}
    row = Row(benchmark=benchmark, what=what, **spread, unit=unit, against=against, target=target)
    if name := os.environ.get(ROWS_FILE_VARIABLE):
        with Path(name).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(row)) + "\n")
    return row


def read_rows(path: Path) -> tuple[Row, ...]:
    """Return the rows of a file, none where there is no file; a last line that was torn is left out."""
    if not path.exists():
        return ()
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return tuple(row_from(json.loads(line)) for line in lines if line.endswith("\n"))


def row_from(values: dict[str, Any]) -> Row:
    """Return a row from what `asdict` made of it."""
    target = values["target"]
    return Row(**{**values, "target": target and Target(**target)})
