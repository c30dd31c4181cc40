"""What is in an expression: its selectors, and what is done with each, read off the tree of a real parser."""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_MACROS = (
    (re.compile(r"\$__rate_interval|\$\{__rate_interval\}|\$__interval|\$\{__interval\}"), "5m"),
    (re.compile(r"\$__range|\$\{__range\}"), "1h"),
)
_VARIABLE = re.compile(r"\$\{?(?P<name>[a-zA-Z_]\w*)(?::\w+)?\}?")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`")
_OPERATOR = re.compile(r"[-+*/%^<>=!]=?|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
# Far above any real expression. The parser goes down as deep as an expression does: a chain of some thousands of terms
# takes its whole stack, and the process with it.
_MOST_CHARACTERS = 10_000
_MOST_OPERATORS = 200
_DEEPEST = 100
_NEWER_SYNTAX = re.compile(r"\b(anchored|smoothed|fill|fill_left|fill_right|info)\b")


class PromqlError(ValueError):
    """The text is no PromQL; `is_perhaps_newer` where it may be one that only newest Prometheus knows."""

    def __init__(self, message: str, *, is_perhaps_newer: bool) -> None:
        super().__init__(message)
        self.is_perhaps_newer = is_perhaps_newer


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One condition of a selector; `operator` is one of = != =~ !~."""

    label: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A selector in an expression.

    Args:
        metric: its name; empty where the selector names none.
        range_seconds: of a range selector, else None.
        functions: the calls and aggregations around it, the nearest first.
    """

    metric: str
    matchers: tuple[Matcher, ...]
    range_seconds: float | None
    functions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """An aggregation's or a matching's list of labels, and the metrics below it; `word` is by, without, on or ignoring."""

    word: str
    labels: tuple[str, ...]
    metrics: tuple[str, ...]
    operation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everything of an expression that can be checked."""

    uses: tuple[Use, ...]
    groupings: tuple[Grouping, ...]
    quantiles_without_le: int
    has_float_equality: bool
    unguarded_divisions: tuple[str, ...]


def substitute_macros(expr: str) -> str:
    """Return an expression with Grafana's macros and variables replaced by something that parses.

    >>> substitute_macros('rate(up{job=~"$job"}[$__rate_interval])')
    'rate(up{job=~".*"}[5m])'
    """
    for macro, value in _MACROS:
        expr = macro.sub(value, expr)
    return _VARIABLE.sub(".*", expr)


def variables_of(expr: str) -> frozenset[str]:
    """Return the names of Grafana's variables in an expression, without its own `__` ones.

    >>> sorted(variables_of('up{job=~"$job",instance=~"${instance}"}'))
    ['instance', 'job']
    """
    return frozenset(name for name in _VARIABLE.findall(expr) if not name.startswith("__"))


@lru_cache(maxsize=4096)
def read_promql(expr: str) -> Reading:
    """Return what is in an expression.

    Raises:
        PromqlError: it does not parse, or is longer or nested deeper than anybody could read.
    """
    import promql_parser

    _require_measure(expr)
    reader = _Reader()
    try:
        reader.walk(promql_parser.parse(expr), ())
    except ValueError as error:
        newer = _NEWER_SYNTAX.search(expr) is not None
        raise PromqlError(str(error), is_perhaps_newer=newer) from error
    except RecursionError as error:
        raise PromqlError("it is nested too deeply", is_perhaps_newer=False) from error
    return Reading(
        uses=tuple(reader.uses),
        groupings=tuple(reader.groupings),
        quantiles_without_le=reader.quantiles_without_le,
        has_float_equality=reader.has_float_equality,
        unguarded_divisions=tuple(reader.unguarded_divisions),
    )


def _require_measure(expr: str) -> None:
    if len(expr) > _MOST_CHARACTERS:
        raise PromqlError(f"it has more than {_MOST_CHARACTERS:,} characters", is_perhaps_newer=False)
    bare = _QUOTED.sub('""', expr)
    if len(_OPERATOR.findall(bare)) > _MOST_OPERATORS:
        raise PromqlError(f"it has more than {_MOST_OPERATORS} operators", is_perhaps_newer=False)
    depth = 0
    for character in bare:
        depth += (character in "([{") - (character in ")]}")
        if depth > _DEEPEST:
            raise PromqlError(f"it is nested more than {_DEEPEST} deep", is_perhaps_newer=False)


class _Reader:
    """Walks a tree from its root, knowing what stands around each node."""

    def __init__(self) -> None:
        import promql_parser

        self._parser: Any = promql_parser
        self.uses: list[Use] = []
        self.groupings: list[Grouping] = []
        self.quantiles_without_le = 0
        self.has_float_equality = False
        self.unguarded_divisions: list[str] = []

    def walk(self, node: Any, around: tuple[str, ...]) -> None:
        """Read a node and what is below it."""
        parser = self._parser
        match type(node):
            case parser.VectorSelector:
                self.uses.append(_use(node, None, around))
            case parser.MatrixSelector:
                seconds = node.range.total_seconds()
                self.uses.append(_use(node.vector_selector, seconds, around))
            case parser.Call:
                self._call(node, around)
            case parser.AggregateExpr:
                self._aggregate(node, around)
            case parser.BinaryExpr:
                self._binary(node, around)
            case parser.ParenExpr | parser.UnaryExpr | parser.SubqueryExpr:
                self.walk(node.expr, around)
            case _:
                return

    def _call(self, node: Any, around: tuple[str, ...]) -> None:
        name = node.func.name
        first, first_use = len(self.groupings), len(self.uses)
        for argument in node.args:
            self.walk(argument, (name, *around))
        if name == "histogram_quantile":
            below = self.groupings[first:]
            is_classic = any(use.metric.endswith("_bucket") for use in self.uses[first_use:])
            if is_classic and any(each.word == "by" and "le" not in each.labels for each in below):
                self.quantiles_without_le += 1

    def _aggregate(self, node: Any, around: tuple[str, ...]) -> None:
        operation, first_use = str(node.op), len(self.uses)
        self.walk(node.expr, (operation, *around))
        modifier = node.modifier
        word = "by" if modifier is None else ("by" if str(modifier.type).endswith("By") else "without")
        labels = () if modifier is None else tuple(modifier.labels)
        metrics = tuple(use.metric for use in self.uses[first_use:])
        self.groupings.append(Grouping(word=word, labels=labels, metrics=metrics, operation=operation))

    def _binary(self, node: Any, around: tuple[str, ...]) -> None:
        operator = str(node.op)
        self.walk(node.lhs, around)
        self.walk(node.rhs, around)
        is_number = type(node.rhs) is self._parser.NumberLiteral
        if operator in ("==", "!=") and is_number and _is_fraction(node.rhs.val):
            self.has_float_equality = True
        if operator == "/" and not is_number and not _is_guarded(node.rhs, self._parser):
            self.unguarded_divisions.append(str(node.rhs))


def _is_fraction(value: float) -> bool:
    """Tell whether a number is no whole one; NaN equals nothing, and infinity is what it is."""
    return math.isnan(value) or (math.isfinite(value) and not value.is_integer())


def _is_guarded(node: Any, parser: Any) -> bool:
    """Tell whether a divisor can be no zero: compared with one, or clamped from below, or no series at all."""
    while type(node) is parser.ParenExpr:
        node = node.expr
    if type(node) is parser.BinaryExpr and str(node.op) in (">", ">=", "!="):
        return True
    return type(node) is parser.Call and node.func.name in ("clamp_min", "vector", "scalar")


def _use(node: Any, range_seconds: float | None, around: tuple[str, ...]) -> Use:
    matchers = tuple(
        Matcher(label=each.name, operator=_operator(each.op), value=each.value)
        for each in node.matchers.matchers
    )
    return Use(metric=node.name or "", matchers=matchers, range_seconds=range_seconds, functions=around)


def _operator(found: Any) -> str:
    # The library's values cannot be keys of a dictionary.
    return {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}[str(found).rpartition(".")[2]]
