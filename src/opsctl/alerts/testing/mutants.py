"""What if a rule were slightly wrong: comparison, threshold, window, waiting time, matcher; each must fail a unit test.

A comparison `>` that becomes `>=` is left out for values over a window: such a share equals the threshold exactly only by
chance, so the two rules are the same rule. For gauges, which may stand at the threshold for hours, it is made.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from opsctl.alerts.book import Alert, AlertBook, BurnTier, ErrorsIndicator, LatencyIndicator, Objective
from opsctl.alerts.load import AlertBooks, LoadedBook
from opsctl.alerts.promql_text import Selection, duration, selection
from opsctl.alerts.signals import (
    LevelSignal,
    MeanSignal,
    QuantileSignal,
    RateSignal,
    RatioSignal,
    ShareSignal,
)
from opsctl.core.units import parse_duration
from opsctl.metrics.promql import read_promql

Change = Mapping[str, object]
_SELECTING = (RatioSignal, QuantileSignal, MeanSignal, RateSignal, LevelSignal, ShareSignal)
_WINDOWED = (RatioSignal, QuantileSignal, MeanSignal, RateSignal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A rule that is wrong in one thing.

    Args:
        rule: its name in the books.
        alert: the alert that it changes.
        change: what is wrong, in a few words.
        replaced: the wrong rule; None where only the comparison of the rendered expression is changed.
        comparison: the wrong operator, where that is what is wrong.
    """

    rule: str
    alert: str
    change: str
    replaced: Alert | Objective | None
    comparison: str = ""


def mutants_of(name: str, rule: Alert | Objective) -> Iterator[Mutant]:
    """Yield every mutant of a rule."""
    if isinstance(rule, Objective):
        yield from _of_objective(name, rule)
    else:
        yield from _of_alert(name, rule)


def with_rule(books: AlertBooks, name: str, rule: Alert | Objective) -> AlertBooks:
    """Return the books with one rule replaced."""
    changed = []
    for loaded in books.books:
        if name in loaded.book.rules:
            rules = {**loaded.book.rules, name: rule}
            book = AlertBook.model_construct(service=loaded.book.service, team=loaded.book.team, rules=rules)
            changed.append(LoadedBook(name=loaded.name, source=loaded.source, book=book))
        else:
            changed.append(loaded)
    return replace(books, books=tuple(changed))


def _of_alert(name: str, rule: Alert) -> Iterator[Mutant]:
    yield from (
        Mutant(rule=name, alert=name, change=f"comparison {wrong}", replaced=None, comparison=wrong)
        for wrong in _comparisons(rule)
    )
    changes = (*_threshold_changes(rule), *_time_changes(rule), *_signal_changes(rule))
    for change, values in changes:
        yield Mutant(rule=name, alert=name, change=change, replaced=rule.model_copy(update=values))


def _comparisons(rule: Alert) -> Iterator[str]:
    if rule.above is None and rule.below is None:
        return
    right, flipped = (">", "<") if rule.above is not None else ("<", ">")
    yield flipped
    if isinstance(rule.signal, LevelSignal):
        yield f"{right}="


def _threshold_changes(rule: Alert) -> Iterator[tuple[str, Change]]:
    for key in ("above", "below"):
        bound = getattr(rule, key)
        for factor in (0.9, 1.1):
            if bound:
                yield f"threshold x {factor:g}", {key: bound * factor}


def _time_changes(rule: Alert) -> Iterator[tuple[str, Change]]:
    seconds = parse_duration(rule.for_)
    if seconds:
        yield "for x 2", {"for_": duration(seconds * 2)}
        yield "for 0", {"for_": "0s"}


def _signal_changes(rule: Alert) -> Iterator[tuple[str, Change]]:
    signal = rule.signal
    if isinstance(signal, _WINDOWED):
        for factor in (0.5, 2):
            window = duration(parse_duration(signal.window) * factor)
            yield f"window x {factor:g}", {"signal": signal.model_copy(update={"window": window})}
    if isinstance(signal, _SELECTING):
        for key in ("of", "to"):
            for label, text in _without_each(getattr(signal, key, None)):
                yield f"`{key}` without {label}", {"signal": signal.model_copy(update={key: text})}


def _of_objective(name: str, rule: Objective) -> Iterator[Mutant]:
    for tier_name, tier in rule.tiers.items():
        for change, values in _tier_changes(tier):
            tiers = {**rule.tiers, tier_name: tier.model_copy(update=values)}
            yield Mutant(
                rule=name,
                alert=f"{name}_burn_{tier_name}",
                change=change,
                replaced=rule.model_copy(update={"tiers": tiers}),
            )
    first = f"{name}_burn_{next(iter(rule.tiers))}"
    for key in ("of", "to"):
        for label, text in _without_each(getattr(rule.indicator, key, None)):
            indicator: ErrorsIndicator | LatencyIndicator = rule.indicator.model_copy(update={key: text})
            replaced = rule.model_copy(update={"indicator": indicator})
            yield Mutant(rule=name, alert=first, change=f"`{key}` without {label}", replaced=replaced)


def _tier_changes(tier: BurnTier) -> Iterator[tuple[str, Change]]:
    for factor in (0.9, 1.1):
        yield f"factor x {factor:g}", {"factor": tier.factor * factor}
    for key in ("long", "short"):
        seconds = parse_duration(getattr(tier, key))
        for factor in (0.5, 2):
            yield f"{key} x {factor:g}", {key: duration(seconds * factor)}
    seconds = parse_duration(tier.for_)
    if seconds:
        yield "for 0", {"for_": "0s"}
        yield "for x 2", {"for_": duration(seconds * 2)}


def _without_each(selector: str | None) -> Iterator[tuple[str, str]]:
    """Yield the selector without each of its matchers, and the label that is gone."""
    if selector is None:
        return
    matchers = read_promql(selector).uses[0].matchers
    for gone in matchers:
        kept = ",".join(f'{each.label}{each.operator}"{each.value}"' for each in matchers if each is not gone)
        yield gone.label, str(Selection(metric=selection(selector).metric, matchers=kept))
