"""How do figures of readers become samples."""

from collections.abc import Iterator, Mapping

from opsctl.exporters.family import Value
from opsctl.metrics import exporters as metrics
from opsctl.metrics.model import Metric
from opsctl.store.business import BusinessFigures


def business_values(figures: BusinessFigures) -> tuple[Value, ...]:
    """Return a sample for each figure that there is; NaN is never told."""
    return tuple(value for value in _all(figures) if value.number == value.number)


def _all(figures: BusinessFigures) -> Iterator[Value]:
    yield from _each(metrics.ACTIVE_READERS, figures.daily_readers, "day")
    yield from _each(metrics.ACTIVE_READERS, figures.monthly_readers, "month")
    yield from _each(metrics.SESSION_LENGTH, figures.session_seconds)
    for days, ratios in figures.retention.items():
        yield from _each(metrics.RETENTION, ratios, str(days))
    yield from _each(metrics.SAVE_RATIO, figures.save_ratio)
    yield from _each(metrics.ENGAGEMENT, figures.engagement)
    yield from _each(metrics.VENDOR_DISCOVERY, figures.vendor_discovery)
    yield from _each(metrics.NPS, figures.nps)
    yield from _each(metrics.SATISFACTION, figures.satisfaction)
    for question, counts in figures.answers.items():
        yield from _each(metrics.SURVEY_ANSWERS, counts, question)
    yield from _each(metrics.ARM_DECISIONS, figures.arm_decisions)
    yield from _each(metrics.ARM_REWARD, figures.arm_rewards)
    if figures.newest_content is not None:
        yield Value(metrics.NEWEST_CONTENT, (), figures.newest_content)


def _each(metric: Metric, by: Mapping[str, float], *before: str) -> Iterator[Value]:
    for name, number in sorted(by.items()):
        yield Value(metric, (*before, name), number)
