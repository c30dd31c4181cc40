"""How are pieces of PromQL written: numbers, durations, selectors, aggregations."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from opsctl.metrics.promql import Matcher, read_promql

_SELECTOR = re.compile(r"\s*(?P<metric>[a-zA-Z_:][\w:]*)\s*(?:\{(?P<matchers>.*)\})?\s*", re.DOTALL)
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A metric with its matchers as they are written, such as `status="5xx"`."""

    metric: str
    matchers: str = ""

    def suffixed(self, suffix: str) -> "Selection":
        """Return the same selection of another series of the metric, such as `_bucket`."""
        return replace(self, metric=f"{self.metric}{suffix}")

    def matching(self, matcher: str) -> "Selection":
        """Return the selection with one more matcher."""
        return replace(self, matchers=f"{self.matchers},{matcher}" if self.matchers else matcher)

    def over(self, seconds: float) -> str:
        """Return it as a range.

        >>> Selection(metric="up").over(90)
        'up[1m30s]'
        """
        return f"{self}[{duration(seconds)}]"

    def __str__(self) -> str:
        return f"{self.metric}{{{self.matchers}}}" if self.matchers else self.metric


def selection(text: str) -> Selection:
    """Take a selector apart.

    >>> selection('up{job="service"}')
    Selection(metric='up', matchers='job="service"')

    Raises:
        ValueError: it is no plain selector; lint tells where.
    """
    found = _SELECTOR.fullmatch(text)
    if found is None:
        raise ValueError(f"`{text}` is not a metric with matchers")
    return Selection(metric=found["metric"], matchers=(found["matchers"] or "").strip().rstrip(","))


def checked_selector(text: str) -> str:
    """Return a selector as it is.

    >>> checked_selector('up{job="service"}')
    'up{job="service"}'

    Raises:
        ValueError: it is none, or more than one; expressions, tests and mutants could not be made of it.
    """
    try:
        chosen = selection(text)
        (use,) = read_promql(text).uses
        # A comment, or a second selector, would hide what is added behind the first.
        (longer,) = read_promql(str(chosen.matching('added="x"'))).uses
    except ValueError:
        is_plain = False
    else:
        added = Matcher(label="added", operator="=", value="x")
        is_plain = (longer.metric, longer.matchers) == (chosen.metric, (*use.matchers, added))
    if not is_plain:
        raise ValueError(
            'a metric with matchers belongs here, such as `up{job="service"}`; no range, function, operator or comment'
        )
    return text


def number(value: float | Decimal) -> str:
    """Return a number as people write it, never as a binary float shows itself.

    >>> [number(value) for value in (0.01, 1.0, Decimal("0.0010"), 172800.0)]
    ['0.01', '1', '0.001', '172800']
    """
    text = format(value if isinstance(value, Decimal) else Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def bucket_bound(value: float) -> str:
    """Return a bound as clients write it in the label `le`; Prometheus 3 makes the same of integers.

    >>> [bucket_bound(value) for value in (0.5, 1, 0.00025)]
    ['0.5', '1.0', '0.00025']
    """
    text = number(value)
    return text if "." in text else f"{text}.0"


def duration(seconds: float) -> str:
    """Return a duration in PromQL's words.

    >>> [duration(value) for value in (60, 5400, 0.25, 0, 259200)]
    ['1m', '1h30m', '250ms', '0s', '3d']
    """
    rest = round(seconds * 1000)
    parts = []
    for unit, milliseconds in _UNITS:
        count, rest = divmod(rest, milliseconds)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def aggregated(operation: str, expr: str, *, by: Sequence[str]) -> str:
    """Return an aggregation that names its labels; without any it is one series.

    >>> aggregated("sum", "up", by=["job"])
    'sum by (job) (up)'
    """
    return f"{operation} by ({', '.join(by)}) ({expr})" if by else f"{operation}({expr})"
