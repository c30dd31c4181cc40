"""Which checks are there, and what do they look at: dashboards as Grafana will read them, beside their books."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsctl.core.findings import Location
from opsctl.core.lint_checks import LintChecks
from opsctl.dashboards.load import LoadedDashboard
from opsctl.dashboards.model import AlertLine, Board
from opsctl.metrics.contract import Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class LintedBoard:
    """A dashboard with the JSON that Grafana will read, and its book; the generated one has none."""

    board: Board
    json: Mapping[str, Any]
    loaded: LoadedDashboard | None

    def at(self, key: str, *rest: str | int, fragment: str = "") -> Location:
        """Return where a panel, or a value in it, stands in the book."""
        if self.loaded is None:
            return Location(file=f"{self.board.name}.json")
        row = next((title for title, panels in self.loaded.book.rows.items() if key in panels), "")
        return self.loaded.at("rows", row, key, *rest, of_key=not rest, fragment=fragment)

    @property
    def whole(self) -> Location:
        """Return the book as a whole."""
        return self.loaded.at("title") if self.loaded else Location(file=f"{self.board.name}.json")

    @property
    def panels(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Return the panels that draw something, with their keys."""
        keys = {placed.id: placed.key for placed in self.board.panels}
        return [(keys.get(each["id"], ""), each) for each in self.json["panels"] if each["type"] != "row"]

    @property
    def targets(self) -> list[tuple[str, int, Mapping[str, Any]]]:
        """Return each question with its panel's key and its place there."""
        return [
            (key, index, target)
            for key, panel in self.panels
            for index, target in enumerate(panel.get("targets", ()))
        ]

    @property
    def variables(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the variables by name."""
        return {each["name"]: each for each in self.json["templating"]["list"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class LintContext:
    """Everything that the checks look at.

    Args:
        boards: all dashboards, with what Grafana will read.
        contract: which series there are.
        alerts: whose lines are drawn.
        runbooks: file names; None where there is no folder of them.
        ignored: files beside the books whose names are almost those of books.
    """

    boards: Sequence[LintedBoard]
    contract: Contract
    alerts: Sequence[AlertLine]
    runbooks: frozenset[str] | None = None
    ignored: Sequence[str] = ()


def linted(board: Board, text: str, loaded: LoadedDashboard | None) -> LintedBoard:
    """Return a dashboard with its rendered text, for the checks."""
    return LintedBoard(board=board, json=json.loads(text), loaded=loaded)


CHECKS = LintChecks[LintContext]()
