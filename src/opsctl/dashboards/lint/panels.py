"""Does each panel say what it shows, in a place of its own?"""

from collections.abc import Iterator

from opsctl.core.findings import Severity
from opsctl.core.lint_checks import Complaint
from opsctl.dashboards.grafana import threshold_steps
from opsctl.dashboards.grafana_reading import known_units
from opsctl.dashboards.lint.registry import CHECKS, LintContext


@CHECKS.check("DSH006")
def panel_datasource(context: LintContext) -> Iterator[Complaint]:
    """A panel or a question names a data source of its own, so the variable at the top does not move it."""
    for each in context.boards:
        for key, panel in each.panels:
            sources = [
                panel.get("datasource"),
                *(target.get("datasource") for target in panel.get("targets", ())),
            ]
            if any((source or {}).get("uid") != "$datasource" for source in sources):
                yield Complaint(title=f"{key} does not use `$datasource`", location=each.at(key))


@CHECKS.check("DSH007")
def panel_title_description(context: LintContext) -> Iterator[Complaint]:
    """A panel has no title or no description: whoever sees it for the first time at night learns nothing from it."""
    for each in context.boards:
        for key, panel in each.panels:
            if not panel.get("title") or not panel.get("description"):
                yield Complaint(title=f"{key} has no title or no description", location=each.at(key))


@CHECKS.check("DSH008")
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
                yield Complaint(
                    title=f"{key}: Grafana knows no unit `{unit}`", location=each.at(key, "unit"), fix=fix
                )


@CHECKS.check("DSH009")
def panel_no_targets(context: LintContext) -> Iterator[Complaint]:
    """A panel asks nothing."""
    for each in context.boards:
        for key, panel in each.panels:
            if not panel.get("targets"):
                yield Complaint(title=f"{key} asks nothing", location=each.at(key))


@CHECKS.check("DSH020")
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
                yield Complaint(title=f"{key} lies over {other or 'the edge'}", location=each.at(key))
            taken |= dict.fromkeys(cells, key)


@CHECKS.check("DSH025", Severity.WARNING)
def panel_of_nothing(context: LintContext) -> Iterator[Complaint]:
    """An alert names a panel that does not show its threshold: the line in the picture is not where it fires."""
    for each in context.boards:
        for placed, (key, panel) in zip(each.board.panels, each.panels, strict=True):
            wanted = threshold_steps(placed.alerts)
            drawn = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
            shown = [(step.get("value"), step["color"]) for step in drawn]
            if wanted and shown != wanted:
                yield Complaint(title=f"{key} draws other thresholds than its alerts", location=each.at(key))


@CHECKS.check("DSH026")
def dead_link(context: LintContext) -> Iterator[Complaint]:
    """A panel links to a runbook that is not there."""
    if context.runbooks is None:
        return
    for each in context.boards:
        for placed in each.board.panels:
            for alert in placed.alerts:
                file = alert.runbook_url.rpartition("/")[2]
                if file not in context.runbooks:
                    yield Complaint(
                        title=f"{placed.key}: there is no runbook `{file}`",
                        location=each.at(placed.key),
                        fix="`opsctl alerts render` writes a stub",
                    )
