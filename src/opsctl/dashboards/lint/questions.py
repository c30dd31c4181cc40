"""Does each question of a panel ask something that Prometheus can answer, over what was chosen?"""

import re
from collections.abc import Iterator

from opsctl.core.lint_checks import Complaint
from opsctl.dashboards.lint.registry import CHECKS, LintContext
from opsctl.dashboards.model import GENERATED
from opsctl.metrics.contract import SeriesKind
from opsctl.metrics.expression_checks import check_expression
from opsctl.metrics.promql import PromqlError, Use, read_promql, substitute_macros

_RATES = re.compile(r"\b(?P<function>rate|irate|increase)\s*\((?P<inside>[^()]*?)\[(?P<range>[^\]]+)\]\s*\)")
_RATE_INTERVAL = "$__rate_interval"
_SUMMING = frozenset({"sum", "histogram_quantile"})


@CHECKS.check("DSH010")
def target_of_other_kind(context: LintContext) -> Iterator[Complaint]:
    """A question is for another kind of data source than Prometheus (target-logql, target-logql-auto of Grafana's linter).

    These dashboards read Prometheus only; logs stand in files, and the service's counter of lines is drawn.
    """
    for each in context.boards:
        for key, index, target in each.targets:
            if (target.get("datasource") or {}).get("type") != "prometheus":
                yield Complaint(
                    title=f"{key} asks something else than Prometheus",
                    location=each.at(key, "queries", index),
                )


@CHECKS.check("DSH011")
def target_promql(context: LintContext) -> Iterator[Complaint]:
    """An expression does not parse, or names a series, label or value that nobody exposes; the panel would stay empty.

    Every expression is checked against the contract of metrics (`opsctl metrics list`), with Grafana's macros filled in.
    """
    for each in context.boards:
        for key, index, target in each.targets:
            for found in check_expression(substitute_macros(target["expr"]), context.contract):
                if found.is_error:
                    place = each.at(key, "queries", index, "expr", fragment=found.fragment)
                    yield Complaint(title=f"{key}: {found.title}", location=place, fix=found.fix)


@CHECKS.check("DSH012")
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
                    yield Complaint(
                        title=f"{key}: `{found['function']}` over `{found['range']}`",
                        location=place,
                        fix=f"`[{_RATE_INTERVAL}]`",
                    )


@CHECKS.check("DSH013")
def target_job(context: LintContext) -> Iterator[Complaint]:
    """A selector of a scraped series does not follow the variable `job`; recordings and ALERTS have no such label."""
    yield from _scope(context, "job")


@CHECKS.check("DSH014")
def target_instance(context: LintContext) -> Iterator[Complaint]:
    """A selector of a scraped series does not follow the variable `instance`."""
    yield from _scope(context, "instance")


@CHECKS.check("DSH015")
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
                    yield Complaint(
                        title=f"{key}: `{combining[0]}` of the counter `{use.metric}`",
                        location=place,
                        fix="sum its rates",
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
                    yield Complaint(
                        title=f"{key}: `{use.metric}` does not follow `${label}`",
                        location=place,
                        fix=f"add `{wanted}`",
                    )


def _uses(expr: str) -> tuple[Use, ...]:
    try:
        return read_promql(substitute_macros(expr)).uses
    except PromqlError:
        return ()
