"""Which labels does a made series have: such that a selector takes it, or just does not."""

from collections.abc import Iterator, Mapping

from opsctl.alerts.promql_text import selection
from opsctl.metrics.promql import Matcher, read_promql

ELSEWHERE = "elsewhere"
"""A value that no selector asks for."""


def metric_of(selector: str) -> str:
    """Return the metric of a selector."""
    return selection(selector).metric


def matchers_of(selector: str) -> tuple[Matcher, ...]:
    """Return the matchers of a selector."""
    return read_promql(selector).uses[0].matchers


def matching(selector: str, *, by: tuple[str, ...] = ()) -> dict[str, str]:
    """Return labels that a selector takes, with a value for each label that is kept.

    >>> matching('up{job="a",region=~"x|y",zone!="z"}', by=("rack",))
    {'rack': 'one', 'job': 'a', 'region': 'x', 'zone': 'elsewhere'}
    """
    labels = dict.fromkeys(by, "one")
    for matcher in matchers_of(selector):
        labels[matcher.label] = _taken(matcher)
    return labels


def missing_each(selector: str, labels: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield the labels with one value changed for each matcher, so that the selector no longer takes them.

    A rule that lost a matcher takes such a series too, and shows that.
    """
    for matcher in matchers_of(selector):
        yield {**labels, matcher.label: _not_taken(matcher)}


def _taken(matcher: Matcher) -> str:
    match matcher.operator:
        case "=":
            return matcher.value
        case "=~":
            return matcher.value.split("|")[0]
        case _:
            return ELSEWHERE


def _not_taken(matcher: Matcher) -> str:
    match matcher.operator:
        case "=" | "=~":
            return ELSEWHERE
        case "!=":
            return matcher.value
        case _:
            return matcher.value.split("|")[0]
