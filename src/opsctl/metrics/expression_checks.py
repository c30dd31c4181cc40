"""Does an expression mean what it says: each series exists, has these labels and values, and is used as its type allows."""

import difflib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from opsctl.metrics.contract import Contract, Series, SeriesKind
from opsctl.metrics.promql import Grouping, Matcher, PromqlError, Reading, Use, read_promql

_OVER_COUNTERS = frozenset(
    {"rate", "irate", "increase", "resets", "changes", "present_over_time", "absent_over_time"}
)
_FOR_COUNTERS_ONLY = frozenset({"rate", "irate", "increase", "resets"})
_SAYS_NOTHING_OF_VALUES = frozenset(
    {"absent", "absent_over_time", "count", "group", "present_over_time", "timestamp"}
)
_PLAIN = re.compile(r"[\w.\-/ ]*")
_LEAST_SCRAPES = 4
_MATCHES_EVERYTHING = frozenset({".*", ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One thing that is wrong in an expression.

    Args:
        kind: a short stable name, from which books make their code.
        fragment: the part of the text that is meant, as it stands there; empty for the whole.
        is_error: False for what may be meant so.
    """

    kind: str
    title: str
    fragment: str = ""
    fix: str | None = None
    is_error: bool = True


def check_expression(
    expr: str, contract: Contract, *, scrape_seconds: float | None = None
) -> tuple[Complaint, ...]:
    """Return everything that is wrong with an expression, in the order of its text."""
    try:
        reading = read_promql(expr)
    except PromqlError as error:
        return (_syntax(error),)
    return tuple(_complaints(reading, contract, scrape_seconds))


def check_bound(metric: str, bound: float, contract: Contract) -> Complaint | None:
    """Return a complaint where a bound is none of a histogram's: a query for it finds nothing, or only a guess."""
    series = contract.series(metric)
    if series is None or series.kind is not SeriesKind.HISTOGRAM:
        return None
    if any(math.isclose(bound, each) for each in series.metric.buckets):
        return None
    buckets = ", ".join(f"{each:g}" for each in series.metric.buckets)
    return Complaint(
        kind="bound",
        title=f"{bound:g} is no bucket of `{metric}`",
        fragment=metric,
        fix=f"take one of {buckets}; or add it where the metric is declared",
    )


def _syntax(error: PromqlError) -> Complaint:
    if error.is_perhaps_newer:
        return Complaint(
            kind="newer-syntax",
            title=f"this may be PromQL that only newest Prometheus knows: {error}",
            fix="ask promtool of that version",
            is_error=False,
        )
    return Complaint(kind="syntax", title=f"not valid PromQL: {error}", fix="check brackets and quotes")


def _complaints(reading: Reading, contract: Contract, scrape_seconds: float | None) -> Iterator[Complaint]:
    for use in reading.uses:
        yield from _of_use(use, contract, scrape_seconds)
    for grouping in reading.groupings:
        yield from _of_grouping(grouping, contract)
    if reading.quantiles_without_le:
        yield Complaint(
            kind="quantile",
            title="`histogram_quantile` gets series without the label `le`",
            fragment="histogram_quantile",
            fix="keep it: `sum by (le, ...)`",
        )
    if reading.has_float_equality:
        yield Complaint(
            kind="equality", title="a measured value is compared for equality with a fraction", fragment="=="
        )
    for divisor in reading.unguarded_divisions:
        yield Complaint(
            kind="division",
            title="a division by what may be 0 gives NaN while nothing happens",
            fragment="/",
            fix=f"compare the divisor: `({divisor} > 0)`",
            is_error=False,
        )


def _of_use(use: Use, contract: Contract, scrape_seconds: float | None) -> Iterator[Complaint]:
    if not use.metric:
        yield Complaint(kind="selector", title="a selector without a metric reads every series there is")
        return
    series = contract.series(use.metric)
    if series is None:
        close = difflib.get_close_matches(use.metric, contract.names(), n=1)
        yield Complaint(
            kind="unknown-metric",
            title=f"nobody exposes `{use.metric}`",
            fragment=use.metric,
            fix=f"did you mean `{close[0]}`?" if close else "`opsctl metrics list` shows all",
        )
        return
    yield from _of_type(use, series)
    yield from (each for matcher in use.matchers for each in _of_matcher(matcher, series))
    if (
        scrape_seconds
        and use.range_seconds is not None
        and use.range_seconds < _LEAST_SCRAPES * scrape_seconds
    ):
        yield Complaint(
            kind="range",
            title=f"{use.range_seconds:g} s hold fewer than {_LEAST_SCRAPES} scrapes of {scrape_seconds:g} s",
            fragment=use.metric,
            fix="take a longer window: one lost scrape must not lose the value",
        )


def _of_type(use: Use, series: Series) -> Iterator[Complaint]:
    around = frozenset(use.functions)
    nearest = use.functions[0] if use.functions else ""
    if nearest in _FOR_COUNTERS_ONLY and not series.kind.only_grows:
        yield Complaint(
            kind="type",
            title=f"`{nearest}` of `{use.metric}`, which is a gauge",
            fragment=use.metric,
            fix="`deriv` or `delta` tell how a gauge moves; else take its value",
        )
    if series.kind.only_grows and not around & (_OVER_COUNTERS | _SAYS_NOTHING_OF_VALUES):
        yield Complaint(
            kind="type",
            title=f"the plain value of `{use.metric}` only grows, and starts anew with each process",
            fragment=use.metric,
            fix="take its rate or increase over a window",
        )


def _of_matcher(matcher: Matcher, series: Series) -> Iterator[Complaint]:
    known = series.labels.get(matcher.label)
    if known is None:
        close = difflib.get_close_matches(matcher.label, series.labels, n=1)
        yield Complaint(
            kind="unknown-label",
            title=f"`{series.name}` has no label `{matcher.label}`",
            fragment=matcher.label,
            fix=f"did you mean `{close[0]}`?" if close else f"it has {', '.join(series.labels)}",
        )
        return
    if matcher.label == "le":
        yield from _of_bound(matcher, series)
    elif matcher.label != "job" and known:
        yield from _of_values(matcher, series, known)
    if (
        matcher.operator in ("=~", "!~")
        and _PLAIN.fullmatch(matcher.value)
        and matcher.value not in _MATCHES_EVERYTHING
    ):
        yield Complaint(
            kind="regex",
            title=f"`{matcher.label}{matcher.operator}` with a text that has nothing of a pattern",
            fragment=f'{matcher.label}{matcher.operator}"{matcher.value}"',
            fix=f"write `{matcher.label}{matcher.operator[0]}{'=' if matcher.operator[0] == '!' else ''}`",
            is_error=False,
        )


def _of_values(matcher: Matcher, series: Series, known: tuple[str, ...]) -> Iterator[Complaint]:
    if matcher.operator in ("=", "!="):
        wanted = [matcher.value]
        missing = [value for value in wanted if value and value not in known]
    else:
        try:
            pattern = re.compile(matcher.value)
        except (re.error, OverflowError, RecursionError):
            return  # promtool has the last word: Go's patterns are not Python's
        alternatives = matcher.value.split("|")
        if all(_PLAIN.fullmatch(each) for each in alternatives):
            missing = [value for value in alternatives if value and value not in known]
        else:
            missing = [] if any(pattern.fullmatch(value) for value in known) else [matcher.value]
    for value in missing:
        close = difflib.get_close_matches(value, known, n=1)
        yield Complaint(
            kind="unknown-value",
            title=f"`{matcher.label}` of `{series.name}` is never `{value}`",
            fragment=value,
            fix=f"did you mean `{close[0]}`?" if close else f"it is one of {', '.join(known)}",
        )


def _of_bound(matcher: Matcher, series: Series) -> Iterator[Complaint]:
    try:
        bound = float(matcher.value.replace("+Inf", "inf"))
    except ValueError:
        return
    if math.isinf(bound) or any(math.isclose(bound, each) for each in series.metric.buckets):
        return
    yield Complaint(
        kind="bound",
        title=f"{bound:g} is no bucket of `{series.metric.name}`",
        fragment=matcher.value,
        fix=f"take one of {', '.join(f'{each:g}' for each in series.metric.buckets)}",
    )


def _of_grouping(grouping: Grouping, contract: Contract) -> Iterator[Complaint]:
    """Complain about a label that none of the series below has: the result would silently be one series."""
    known = [series for metric in grouping.metrics if (series := contract.series(metric)) is not None]
    if not known:
        return
    labels = {label for series in known for label in series.labels}
    for label in grouping.labels:
        if label not in labels:
            close = difflib.get_close_matches(label, sorted(labels), n=1)
            yield Complaint(
                kind="unknown-label",
                title=f"`{grouping.operation} {grouping.word}` names the label `{label}`, which no series below has",
                fragment=label,
                fix=f"did you mean `{close[0]}`?" if close else f"they have {', '.join(sorted(labels))}",
            )
