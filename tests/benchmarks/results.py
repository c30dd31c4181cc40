"""What is kept of each benchmark's last run, so that one of them can be run anew without all others?"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.benchmarks.rows import Row, Verdict, row_from
from tests.benchmarks.steps import Step

from opsctl.clients.files import write_atomically


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One benchmark's run.

    Args:
        failure: how it ended where it did not end well; its rows are what it told until then.
        begun: in UTC, to the second.
        load_before: how many processes were at work in the minute before the whole run began.
    """

    name: str
    failure: str = ""
    begun: str
    seconds: float
    commit: str
    load_before: float
    machine: dict[str, str]
    rows: tuple[Row, ...]

    def rows_that(self, verdict: Verdict) -> list[Row]:
        """Return the rows with this verdict."""
        return [row for row in self.rows if row.verdict is verdict]


def keep(result: Result, *, folder: Path) -> None:
    """Put a result in the place of the one before."""
    write_atomically(folder / f"{result.name}.json", json.dumps(asdict(result), indent=1) + "\n")


def kept(steps: Iterable[Step], *, folder: Path) -> dict[str, Result]:
    """Return what is kept, in the order of the steps; of other machines or versions than the newest one's, nothing."""
    found = [result for step in steps if (result := _read(folder / f"{step.name}.json"))]
    newest = max(found, key=lambda result: result.begun, default=None)
    return {result.name: result for result in found if newest and result.machine == newest.machine}


def _read(path: Path) -> Result | None:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Result(**{**values, "rows": tuple(row_from(each) for each in values["rows"])})
    except (
        FileNotFoundError,
        ValueError,
        KeyError,
        TypeError,
    ):  # of an earlier version is as if there were none
        return None
