"""Do the dashboards live: does Prometheus take every question of every panel, and which panels have something to show?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

from opsctl.clients.prometheus import Point
from opsctl.core.errors import UsageError
from opsctl.dashboards.model import Board, PlacedPanel
from opsctl.dashboards.preview import Asked, substituted
from opsctl.evidence.model import Evidence, Verdict, digest_of

PROBE_KIND, SUBJECT = "dashboards.probe", "dashboards"
_RANGE_SECONDS, _STEP_SECONDS = 900.0, 15.0
_VALID_FOR = timedelta(days=7)
_UP = "up"


class Asks(Protocol):
    """A Prometheus."""

    def query(self, expr: str) -> tuple[Point, ...]:
        """Return the value of each series of an expression now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedPanel:
    """A panel and what came of its questions: how many series, and why Prometheus refused one, if it did."""

    board: str
    key: str
    series: int
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """All panels, and how many targets there are and are up."""

    panels: tuple[ProbedPanel, ...]
    targets: int
    targets_up: int

    @property
    def refused(self) -> tuple[ProbedPanel, ...]:
        """Return panels of which Prometheus refused a question."""
        return tuple(each for each in self.panels if each.refused)

    @property
    def empty(self) -> tuple[ProbedPanel, ...]:
        """Return panels without a single series; some are empty because all is well, such as that of failures."""
        return tuple(each for each in self.panels if not each.series and not each.refused)

    @property
    def dark(self) -> tuple[str, ...]:
        """Return dashboards on which no panel shows anything."""
        lit = {each.board for each in self.panels if each.series}
        return tuple(dict.fromkeys(each.board for each in self.panels if each.board not in lit))

    @property
    def verdict(self) -> Verdict:
        """Return pass where every question is taken, every dashboard shows something, and every target is up."""
        is_good = not self.refused and not self.dark and self.targets_up == self.targets > 0
        return Verdict.PASS if is_good and self.panels else Verdict.FAIL


def probe(boards: Sequence[Board], prometheus: Asks) -> Probed:
    """Ask everything that the dashboards would ask, for the moment.

    Raises:
        NotReadyError: PRM001 Prometheus does not answer.
    """
    targets = prometheus.query(_UP)
    return Probed(
        panels=tuple(_probed(board.name, panel, prometheus) for board in boards for panel in board.panels),
        targets=len(targets),
        targets_up=sum(target.value == 1 for target in targets),
    )


def _probed(board: str, placed: PlacedPanel, prometheus: Asks) -> ProbedPanel:
    series = 0
    for query in placed.panel.queries:
        expr = substituted(query.expr, Asked(range_seconds=_RANGE_SECONDS), step=_STEP_SECONDS)
        try:
            # A value that is none, such as a ratio of nothing by nothing, draws no line.
            series += sum(point.value == point.value for point in prometheus.query(expr))
        except UsageError as error:
            return ProbedPanel(board=board, key=placed.key, series=series, refused=error.why or error.message)
    return ProbedPanel(board=board, key=placed.key, series=series)


def boards_digest(boards: Sequence[Board]) -> str:
    """Return what changes when any panel asks for something else."""
    return digest_of(
        {
            board.name: {
                placed.key: [query.expr for query in placed.panel.queries] for placed in board.panels
            }
            for board in boards
        }
    )


def probe_figures(probed: Probed) -> dict[str, Any]:
    """Return the figures of a probe."""
    return {
        "panels": len(probed.panels),
        "panels_with_data": sum(each.series > 0 for each in probed.panels),
        "panels_with_data_share": round(
            sum(each.series > 0 for each in probed.panels) / len(probed.panels), 4
        )
        if probed.panels
        else None,
        "refused": [f"{each.board}/{each.key}: {each.refused}" for each in probed.refused],
        "empty": [f"{each.board}/{each.key}" for each in probed.empty],
        "dark_dashboards": list(probed.dark),
        "targets": probed.targets,
        "targets_up": probed.targets_up,
    }


def probe_evidence(
    probed: Probed,
    *,
    elsewhere: str | None,
    dashboards: str,
    version: str,
    started_at: datetime,
    seconds: float,
) -> Evidence:
    """Return the proof of a probe.

    Args:
        probed: what was seen.
        elsewhere: the Prometheus that was asked, where it is another than the project's: that proves nothing of the project.
        dashboards: digest of what they ask.
        version: of that Prometheus.
        started_at: when it began.
        seconds: how long it took.
    """
    return Evidence(
        kind=PROBE_KIND,
        subject=SUBJECT if elsewhere is None else f"{SUBJECT} at {_without_login(elsewhere)}",
        verdict=probed.verdict,
        figures=probe_figures(probed),
        inputs={"dashboards": dashboards},
        tools={"prometheus": version},
        started_at=started_at,
        duration_seconds=round(seconds, 3),
        valid_for=_VALID_FOR,
    )


def _without_login(url: str) -> str:
    """Return an address without a name and a password, which are no matter of the ledger."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))
