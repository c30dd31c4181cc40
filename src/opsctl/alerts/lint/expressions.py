"""Are the expressions right: those that people wrote, each complaint at its place in the book."""

from collections.abc import Iterator

from opsctl.alerts.book import Alert, LatencyIndicator, Objective
from opsctl.alerts.lint.registry import CHECKS, LintContext
from opsctl.alerts.load import LoadedBook
from opsctl.alerts.promql_text import selection
from opsctl.alerts.signals import QuantileSignal, QuerySignal
from opsctl.core.findings import Location, Severity
from opsctl.core.lint_checks import Complaint
from opsctl.core.units import parse_duration
from opsctl.metrics.expression_checks import Complaint as ExpressionComplaint
from opsctl.metrics.expression_checks import check_bound, check_expression


@CHECKS.check("ALR001")
def expression(context: LintContext) -> Iterator[Complaint]:
    """An expression does not mean what it says: it does not parse, or names a series, a label or a value that is not there.

    Each selector is checked against the contract of metrics (`opsctl metrics list`), without any server: the metric
    exists, it has these labels, a label with known values has this one, `rate` is taken of what only grows and of
    nothing else, and `histogram_quantile` gets its buckets. Such mistakes never fail loudly: Prometheus finds nothing,
    and the alert stays silent for ever.
    """
    seconds = parse_duration(context.books.delivery.timing.scrape_every)
    for loaded, name, rule in context.written():
        known: set[tuple[str, str]] = set()
        for alert in context.alerts_of(name):
            exprs = [
                alert.expr,
                *(each.expr for each in context.rules.recordings if each.group == alert.group),
            ]
            for expr in exprs if isinstance(rule, Objective) else exprs[:1]:
                for found in check_expression(expr, context.contract, scrape_seconds=seconds):
                    if (found.title, found.fragment) in known:
                        continue
                    known.add((found.title, found.fragment))
                    yield Complaint(
                        title=f"{name}: {found.title}",
                        location=_place(loaded, name, found),
                        fix=found.fix,
                        severity=None if found.is_error else Severity.WARNING,
                    )


@CHECKS.check("ALR002")
def threshold_is_a_bucket(context: LintContext) -> Iterator[Complaint]:
    """A threshold of a histogram is no bucket's bound, so it can only be guessed whether it was crossed.

    `histogram_quantile` interpolates between bounds as if observations were spread evenly there, and a share of "faster
    than" for a bound that does not exist finds nothing at all. Take a bound, or add one where the metric is declared.
    """
    for loaded, name, rule in context.written():
        path: tuple[str, ...]
        if isinstance(rule, Alert) and isinstance(rule.signal, QuantileSignal):
            bound = rule.above if rule.above is not None else rule.below
            path = ("rules", name, "above" if rule.above is not None else "below")
            metric = rule.signal.of
        elif isinstance(rule, Objective) and isinstance(rule.indicator, LatencyIndicator):
            bound, metric = rule.indicator.within_seconds, rule.indicator.of
            path = ("rules", name, "indicator", "within_seconds")
        else:
            continue
        found = check_bound(_metric(metric), bound or 0.0, context.contract)
        if found is not None:
            yield Complaint(
                title=f"{name}: {found.title}", location=loaded.source.place(*path), fix=found.fix
            )


@CHECKS.check("ALR003", Severity.WARNING)
def query_instead_of_a_signal(context: LintContext) -> Iterator[Complaint]:
    """A rule is written as a query of its own, for which only its author's tests speak.

    Signals of the other kinds bring guards, predictions and unit tests with them. A query is right where none of them can
    say what is meant; then its `firing` and `quiet` series must stand just above and just below the threshold.
    """
    for loaded, name, rule in context.written():
        if isinstance(rule, Alert) and isinstance(rule.signal, QuerySignal):
            yield Complaint(
                title=f"{name} is a query of its own: no prediction, and only the tests that it brings",
                location=loaded.source.place("rules", name, "signal"),
                severity=Severity.INFO,
            )


def _metric(selector: str) -> str:
    try:
        return selection(selector).metric
    except ValueError:
        return selector


def _place(loaded: LoadedBook, name: str, found: ExpressionComplaint) -> Location:
    """Return where the fragment stands in the rule; the rule itself where it is not written there."""
    source = loaded.source
    paths = [("rules", name, *rest) for rest in _EXPRESSION_PATHS]
    for path in paths:
        if path not in source.marks.values:
            continue
        place = source.place(*path)
        offset = (place.source or "").find(found.fragment, (place.column or 1) - 1) if found.fragment else -1
        if offset >= 0:
            return source.place(*path, offset=offset + 1 - (place.column or 1))
    return source.place("rules", name, of_key=True)


_EXPRESSION_PATHS = (
    ("signal", "of"),
    ("signal", "to"),
    ("signal", "expr"),
    ("signal", "by"),
    ("signal", "window"),
    ("indicator", "of"),
    ("indicator", "to"),
)
