"""Whether dashboards live: every question taken, every dashboard with something to show, every target up."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.dashboards.boards import boards

from opsctl.clients.prometheus import Point
from opsctl.core.errors import UsageError
from opsctl.dashboards.probing import boards_digest, probe, probe_evidence, probe_figures
from opsctl.evidence.model import Verdict, canonical_json

BOARDS = boards()


class Answering:
    """A Prometheus with so many series for every question, but for those that hold a word."""

    def __init__(
        self,
        *,
        up: tuple[float, ...] = (1, 1),
        empty: str = "no such word",
        refused: str = "no such word",
        value: float = 1,
    ) -> None:
        self.asked: list[str] = []
        self._up, self._empty, self._refused, self._value = up, empty, refused, value

    def query(self, expr: str) -> tuple[Point, ...]:
        """Return series."""
        self.asked.append(expr)
        if expr == "up":
            return tuple(Point(labels={}, at=0, value=value) for value in self._up)
        if self._refused in expr:
            raise UsageError("refused", code="PRM002", why="bad expression")
        return () if self._empty in expr else (Point(labels={}, at=0, value=self._value),)


def test_all_is_well_where_everything_is_answered():
    """Every query of every panel was asked, with its variables filled in."""
    prometheus = Answering()

    probed = probe(BOARDS, prometheus)

    assert (probed.verdict, probed.dark, probed.empty, probed.refused) == (Verdict.PASS, (), (), ())
    queries = sum(len(placed.panel.queries) for board in BOARDS for placed in board.panels)
    assert len(prometheus.asked) == queries + 1
    assert not [each for each in prometheus.asked if "$" in each]
    canonical_json(probe_figures(probed))


def test_an_empty_panel_is_told_and_is_no_failure():
    """Nothing failed, so there is nothing to show."""
    probed = probe(BOARDS, Answering(empty="ranking_explored_items_total"))

    assert probed.verdict is Verdict.PASS
    assert "ai/explored_share" in probe_figures(probed)["empty"]


@pytest.mark.parametrize(
    "prometheus",
    [
        Answering(refused="ranking_refused_total"),
        Answering(empty=""),
        Answering(value=float("nan")),
        Answering(up=(1, 0)),
        Answering(up=()),
    ],
)
def test_it_is_not_well_otherwise(prometheus: Answering):
    """A refused question, dashboards in the dark, values that are none, a target that is down, or no target at all."""
    assert probe(BOARDS, prometheus).verdict is Verdict.FAIL


def test_without_dashboards_nothing_lives():
    """And that is no pass."""
    assert probe((), Answering()).verdict is Verdict.FAIL


def test_a_probe_is_of_the_questions_as_they_are():
    """A changed expression makes an old probe stale; a title does not."""
    board = BOARDS[0]
    other = replace(board, title="Another")

    assert boards_digest([other]) == boards_digest([board])
    assert boards_digest(BOARDS[1:]) != boards_digest(BOARDS)


@pytest.mark.parametrize(
    ("elsewhere", "subject"),
    [
        (None, "dashboards"),
        ("http://other.example:9090", "dashboards at http://other.example:9090"),
        ("https://me:secret@other.example/prom?key=x", "dashboards at https://other.example/prom"),
    ],
)
def test_what_another_prometheus_answers_is_no_evidence_of_this_project(elsewhere: str | None, subject: str):
    """Nor is how to log in there any matter of the ledger."""
    record = probe_evidence(
        probe(BOARDS, Answering()),
        elsewhere=elsewhere,
        dashboards=boards_digest(BOARDS),
        version="2.42.0",
        started_at=datetime(2026, 11, 29, tzinfo=UTC),
        seconds=1,
    )

    assert record.subject == subject
