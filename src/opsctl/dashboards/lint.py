"""Are the dashboards right: the rules of Grafana's dashboard-linter and ours, on what Grafana will read.

Four layers: the book's model refuses wrong shapes; the SDK reads the JSON back; every expression is checked against the
metric contract; and these checks look at meaning. There are no exclusions.
"""

import inspect
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsctl.config.printable import escaped, unprintable_values
from opsctl.core.findings import Finding, Location, Severity
from opsctl.dashboards.grafana import known_units, read_back, threshold_steps
from opsctl.dashboards.ids import UID_PREFIX
from opsctl.dashboards.load import LoadedDashboard
from opsctl.dashboards.model import GENERATED, AlertLine, Board
from opsctl.metrics.contract import Contract, SeriesKind
from opsctl.metrics.expression_checks import check_expression
from opsctl.metrics.promql import PromqlError, Use, read_promql, substitute_macros, variables_of

_LONGEST_UID = 40  # Grafana refuses more
_RATES = re.compile(r"\b(?P<function>rate|irate|increase)\s*\((?P<inside>[^()]*?)\[(?P<range>[^\]]+)\]\s*\)")
_RATE_INTERVAL = "$__rate_interval"
_SUMMING = frozenset({"sum", "histogram_quantile"})


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


Complaint = tuple[str, Location, str | None]
"""Title, place, and how to mend it."""
CHECKS: dict[str, tuple[Callable[[LintContext], Iterator[Complaint]], Severity]] = {}


def lint_dashboards(context: LintContext) -> tuple[Finding, ...]:
    """Return what every check finds, by file and line."""
    found = [
        Finding(code=code, severity=severity, title=title, location=place, fix=fix)
        for code, (check, severity) in CHECKS.items()
        for title, place, fix in check(context)
    ]
    return tuple(sorted(found, key=lambda each: (str(each.location), each.code)))


def linted(board: Board, text: str, loaded: LoadedDashboard | None) -> LintedBoard:
    """Return a dashboard with its rendered text, for the checks."""
    return LintedBoard(board=board, json=json.loads(text), loaded=loaded)


def explanations() -> dict[str, str]:
    """Return the page of each code."""
    return {code: inspect.cleandoc(check.__doc__ or "") for code, (check, _) in CHECKS.items()}


def _check(code: str, severity: Severity = Severity.ERROR) -> Callable[[Any], Any]:
    def add(function: Any) -> Any:
        CHECKS[code] = (function, severity)
        return function

    return add


@_check("DSH001")
def template_datasource(context: LintContext) -> Iterator[Complaint]:
    """A dashboard has no variable `datasource` of type prometheus, so it works with one data source only."""
    for each in context.boards:
        found = each.variables.get("datasource")
        if found is None or found.get("type") != "datasource" or found.get("query") != "prometheus":
            yield f"{each.board.name} has no variable for its data source", each.whole, None


@_check("DSH002")
def template_job(context: LintContext) -> Iterator[Complaint]:
    """A dashboard has no variable `job` from which several may be chosen."""
    yield from _template(context, "job")


@_check("DSH003")
def template_instance(context: LintContext) -> Iterator[Complaint]:
    """A dashboard has no variable `instance` from which several may be chosen."""
    yield from _template(context, "instance")


@_check("DSH004")
def template_label_promql(context: LintContext) -> Iterator[Complaint]:
    """A variable asks Prometheus something that does not parse."""
    for each in context.boards:
        for name, variable in each.variables.items():
            query = str(variable.get("query", ""))
            if variable.get("type") != "query" or not query.startswith("label_values("):
                continue
            selector = query.removeprefix("label_values(").rpartition(",")[0]
            try:
                read_promql(substitute_macros(selector))
            except PromqlError as error:
                yield f"{each.board.name}: variable `{name}`: {error}", each.whole, None


@_check("DSH005")
def template_reload(context: LintContext) -> Iterator[Complaint]:
    """A variable keeps the values of another time: it must be read anew when the time range changes."""
    for each in context.boards:
        for name, variable in each.variables.items():
            if variable.get("type") == "query" and variable.get("refresh") != 2:
                yield (
                    f"{each.board.name}: variable `{name}` is not read anew with the time range",
                    each.whole,
                    None,
                )


@_check("DSH006")
def panel_datasource(context: LintContext) -> Iterator[Complaint]:
    """A panel or a question names a data source of its own, so the variable at the top does not move it."""
    for each in context.boards:
        for key, panel in each.panels:
            sources = [
                panel.get("datasource"),
                *(target.get("datasource") for target in panel.get("targets", ())),
            ]
            if any((source or {}).get("uid") != "$datasource" for source in sources):
                yield f"{key} does not use `$datasource`", each.at(key), None


@_check("DSH007")
def panel_title_description(context: LintContext) -> Iterator[Complaint]:
    """A panel has no title or no description: whoever sees it for the first time at night learns nothing from it."""
    for each in context.boards:
        for key, panel in each.panels:
            if not panel.get("title") or not panel.get("description"):
                yield f"{key} has no title or no description", each.at(key), None


@_check("DSH008")
def panel_units(context: LintContext) -> Iterator[Complaint]:
    """A panel has no unit, or one that Grafana does not know: it would show bare numbers."""
    known = known_units()
    for each in context.boards:
        for key, panel in each.panels:
            unit = panel["fieldConfig"]["defaults"].get("unit")
            if unit not in known:
                import difflib

                close = difflib.get_close_matches(str(unit), sorted(known), n=1)
                fix = (
                    f"did you mean `{close[0]}`?" if close else "such as s, percentunit, reqps, bytes, short"
                )
                yield f"{key}: Grafana knows no unit `{unit}`", each.at(key, "unit"), fix


@_check("DSH009")
def panel_no_targets(context: LintContext) -> Iterator[Complaint]:
    """A panel asks nothing."""
    for each in context.boards:
        for key, panel in each.panels:
            if not panel.get("targets"):
                yield f"{key} asks nothing", each.at(key), None


@_check("DSH010")
def target_of_other_kind(context: LintContext) -> Iterator[Complaint]:
    """A question is for another kind of data source than Prometheus (target-logql, target-logql-auto of Grafana's linter).

    These dashboards read Prometheus only; logs stand in files, and the service's counter of lines is drawn.
    """
    for each in context.boards:
        for key, index, target in each.targets:
            if (target.get("datasource") or {}).get("type") != "prometheus":
                yield f"{key} asks something else than Prometheus", each.at(key, "queries", index), None


@_check("DSH011")
def target_promql(context: LintContext) -> Iterator[Complaint]:
    """An expression does not parse, or names a series, label or value that nobody exposes; the panel would stay empty.

    Every expression is checked against the contract of metrics (`opsctl metrics list`), with Grafana's macros filled in.
    """
    for each in context.boards:
        for key, index, target in each.targets:
            for found in check_expression(substitute_macros(target["expr"]), context.contract):
                if found.is_error:
                    place = each.at(key, "queries", index, "expr", fragment=found.fragment)
                    yield f"{key}: {found.title}", place, found.fix


@_check("DSH012")
def target_rate_interval(context: LintContext) -> Iterator[Complaint]:
    """A rate is taken over a fixed time: zoomed out it misses what lies between the points, zoomed in it finds nothing.

    `$__rate_interval` grows with the step and never holds fewer than four scrapes. On the dashboard that is made of the
    alerts the window is the alert's own, because that is what fires.
    """
    for each in context.boards:
        if each.board.name == GENERATED:
            continue
        for key, index, target in each.targets:
            for found in _RATES.finditer(target["expr"]):
                if found["range"] != _RATE_INTERVAL:
                    place = each.at(key, "queries", index, "expr", fragment=found["range"])
                    yield (
                        f"{key}: `{found['function']}` over `{found['range']}`",
                        place,
                        f"`[{_RATE_INTERVAL}]`",
                    )


@_check("DSH013")
def target_job(context: LintContext) -> Iterator[Complaint]:
    """A selector of a scraped series does not follow the variable `job`; recordings and ALERTS have no such label."""
    yield from _scope(context, "job")


@_check("DSH014")
def target_instance(context: LintContext) -> Iterator[Complaint]:
    """A selector of a scraped series does not follow the variable `instance`."""
    yield from _scope(context, "instance")


@_check("DSH015")
def target_counter_aggregation(context: LintContext) -> Iterator[Complaint]:
    """A counter is combined otherwise than by a sum of its rates, which gives a number that means nothing."""
    for each in context.boards:
        for key, index, target in each.targets:
            for use in _uses(target["expr"]):
                series = context.contract.series(use.metric)
                combining = [
                    name for name in use.functions if name in ("avg", "min", "max", "stddev", "median")
                ]
                if (
                    series is not None
                    and series.kind is SeriesKind.COUNTER
                    and combining
                    and not set(use.functions) & _SUMMING
                ):
                    place = each.at(key, "queries", index, "expr", fragment=use.metric)
                    yield f"{key}: `{combining[0]}` of the counter `{use.metric}`", place, "sum its rates"


@_check("DSH016")
def uneditable(context: LintContext) -> Iterator[Complaint]:
    """A dashboard may be edited in Grafana: the next render would overwrite what somebody changed there."""
    for each in context.boards:
        if each.json.get("editable") is not False:
            yield f"{each.board.name} may be edited", each.whole, None


@_check("DSH017")
def read_back_equal(context: LintContext) -> Iterator[Complaint]:
    """Grafana's SDK does not read back what was written: a key is lost that Grafana would not know either."""
    for each in context.boards:
        lost = read_back(each.json)
        if lost:
            yield (
                f"{each.board.name}: Grafana's SDK does not know {', '.join(sorted(lost)[:5])}",
                each.whole,
                None,
            )


@_check("DSH020")
def overlap(context: LintContext) -> Iterator[Complaint]:
    """Two panels lie over each other, or one hangs over the 24 columns."""
    for each in context.boards:
        taken: dict[tuple[int, int], str] = {}
        for key, panel in each.panels:
            place = panel["gridPos"]
            cells = [
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            ]
            other = next((taken[cell] for cell in cells if cell in taken), None)
            if other is not None or place["x"] + place["w"] > 24:
                yield f"{key} lies over {other or 'the edge'}", each.at(key), None
            taken |= dict.fromkeys(cells, key)


@_check("DSH021")
def unique_ids(context: LintContext) -> Iterator[Complaint]:
    """Two panels of a dashboard have one number, or one below 1: Grafana could not open them alone."""
    for each in context.boards:
        counts = Counter(panel["id"] for panel in each.json["panels"])
        for number, count in counts.items():
            if count > 1 or number < 1:
                yield (
                    f"{each.board.name}: {count} panels have the number {number}",
                    each.whole,
                    "rename one panel's key",
                )


@_check("DSH022")
def uids(context: LintContext) -> Iterator[Complaint]:
    """A dashboard's address is none that Grafana keeps: at most 40 letters, digits, - and _, each once."""
    counts = Counter(each.json.get("uid") for each in context.boards)
    for each in context.boards:
        uid = str(each.json.get("uid"))
        if (
            not re.fullmatch(r"[a-zA-Z0-9_-]+", uid)
            or len(uid) > _LONGEST_UID
            or counts[uid] > 1
            or not uid.startswith(UID_PREFIX)
        ):
            yield (
                f"{each.board.name}: `{uid}` is no address of a dashboard",
                each.whole,
                "a shorter file name",
            )


@_check("DSH023")
def undeclared_variable(context: LintContext) -> Iterator[Complaint]:
    """An expression uses a variable that the dashboard does not have."""
    for each in context.boards:
        for key, index, target in each.targets:
            for name in sorted(variables_of(target["expr"]) - set(each.variables)):
                place = each.at(key, "queries", index, "expr", fragment=name)
                yield f"{key}: there is no variable `${name}`", place, f"one of {', '.join(each.variables)}"


@_check("DSH025", Severity.WARNING)
def panel_of_nothing(context: LintContext) -> Iterator[Complaint]:
    """An alert names a panel that does not show its threshold: the line in the picture is not where it fires."""
    for each in context.boards:
        for placed, (key, panel) in zip(each.board.panels, each.panels, strict=True):
            wanted = threshold_steps(placed.alerts)
            drawn = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
            shown = [(step.get("value"), step["color"]) for step in drawn]
            if wanted and shown != wanted:
                yield f"{key} draws other thresholds than its alerts", each.at(key), None


@_check("DSH026")
def dead_link(context: LintContext) -> Iterator[Complaint]:
    """A panel links to a runbook that is not there."""
    if context.runbooks is None:
        return
    for each in context.boards:
        for placed in each.board.panels:
            for alert in placed.alerts:
                file = alert.runbook_url.rpartition("/")[2]
                if file not in context.runbooks:
                    yield (
                        f"{placed.key}: there is no runbook `{file}`",
                        each.at(placed.key),
                        "`opsctl alerts render` writes a stub",
                    )


@_check("DSH027", Severity.WARNING)
def ignored_file(context: LintContext) -> Iterator[Complaint]:
    """A file beside the books ends in `.yml`, so nobody reads it: books end in `.yaml`."""
    for file in context.ignored:
        yield (
            "this is no book: its name ends in `.yml`",
            Location(file=file),
            f"mv {file} {file.removesuffix('.yml')}.yaml",
        )


@_check("DSH028")
def unprintable(context: LintContext) -> Iterator[Complaint]:
    """A text holds a character that terminals obey, or that turns the direction of writing: it may show what it is not."""
    for each in context.boards:
        for path, is_key, character in unprintable_values(each.loaded.marks) if each.loaded else ():
            where = ".".join(str(part) for part in path)
            place = each.loaded.at(*path, of_key=is_key) if each.loaded else each.whole
            yield f"`{where}` holds the character {escaped(character)}", place, "leave it away"


def _template(context: LintContext, name: str) -> Iterator[Complaint]:
    for each in context.boards:
        found = each.variables.get(name, {})
        if found.get("type") != "query" or not found.get("multi") or not found.get("includeAll"):
            yield (
                f"{each.board.name} has no variable `{name}` from which several may be chosen",
                each.whole,
                None,
            )


def _scope(context: LintContext, label: str) -> Iterator[Complaint]:
    for each in context.boards:
        for key, index, target in each.targets:
            for use in _uses(target["expr"]):
                series = context.contract.series(use.metric)
                if (
                    series is None
                    or label not in series.labels
                    or use.metric in ("ALERTS", "ALERTS_FOR_STATE")
                ):
                    continue
                wanted = f'{label}=~"${label}"'
                if wanted not in target["expr"] or label not in {matcher.label for matcher in use.matchers}:
                    place = each.at(key, "queries", index, "expr", fragment=use.metric)
                    yield f"{key}: `{use.metric}` does not follow `${label}`", place, f"add `{wanted}`"


def _uses(expr: str) -> tuple[Use, ...]:
    try:
        return read_promql(substitute_macros(expr)).uses
    except PromqlError:
        return ()
