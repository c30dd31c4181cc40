"""Do the variables of a dashboard choose what it shows, and are all of them there?"""

from collections.abc import Iterator

from opsctl.core.lint_checks import Complaint
from opsctl.dashboards.lint.registry import CHECKS, LintContext
from opsctl.metrics.promql import PromqlError, read_promql, substitute_macros, variables_of


@CHECKS.check("DSH001")
def template_datasource(context: LintContext) -> Iterator[Complaint]:
    """A dashboard has no variable `datasource` of type prometheus, so it works with one data source only."""
    for each in context.boards:
        found = each.variables.get("datasource")
        if found is None or found.get("type") != "datasource" or found.get("query") != "prometheus":
            yield Complaint(
                title=f"{each.board.name} has no variable for its data source", location=each.whole
            )


@CHECKS.check("DSH002")
def template_job(context: LintContext) -> Iterator[Complaint]:
    """A dashboard has no variable `job` from which several may be chosen."""
    yield from _template(context, "job")


@CHECKS.check("DSH003")
def template_instance(context: LintContext) -> Iterator[Complaint]:
    """A dashboard has no variable `instance` from which several may be chosen."""
    yield from _template(context, "instance")


@CHECKS.check("DSH004")
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
                yield Complaint(title=f"{each.board.name}: variable `{name}`: {error}", location=each.whole)


@CHECKS.check("DSH005")
def template_reload(context: LintContext) -> Iterator[Complaint]:
    """A variable keeps the values of another time: it must be read anew when the time range changes."""
    for each in context.boards:
        for name, variable in each.variables.items():
            if variable.get("type") == "query" and variable.get("refresh") != 2:
                yield Complaint(
                    title=f"{each.board.name}: variable `{name}` is not read anew with the time range",
                    location=each.whole,
                )


@CHECKS.check("DSH023")
def undeclared_variable(context: LintContext) -> Iterator[Complaint]:
    """An expression uses a variable that the dashboard does not have."""
    for each in context.boards:
        for key, index, target in each.targets:
            for name in sorted(variables_of(target["expr"]) - set(each.variables)):
                place = each.at(key, "queries", index, "expr", fragment=name)
                yield Complaint(
                    title=f"{key}: there is no variable `${name}`",
                    location=place,
                    fix=f"one of {', '.join(each.variables)}",
                )


def _template(context: LintContext, name: str) -> Iterator[Complaint]:
    for each in context.boards:
        found = each.variables.get(name, {})
        if found.get("type") != "query" or not found.get("multi") or not found.get("includeAll"):
            yield Complaint(
                title=f"{each.board.name} has no variable `{name}` from which several may be chosen",
                location=each.whole,
            )
