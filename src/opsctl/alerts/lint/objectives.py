"""Can objectives and thresholds be reached at all, and in the time that the book allows?"""

import math
from collections.abc import Iterator

from opsctl.alerts import slo
from opsctl.alerts.book import Alert, Objective
from opsctl.alerts.lint.registry import CHECKS, LintContext
from opsctl.alerts.rules import AlertRule
from opsctl.alerts.severity import AlertSeverity
from opsctl.core.findings import Severity
from opsctl.core.lint_checks import Complaint
from opsctl.core.units import format_duration, parse_duration

_GATE_SECONDS = 300.0
_PAGE_SECONDS = 90.0


@CHECKS.check("ALR010")
def infeasible_tier(context: LintContext) -> Iterator[Complaint]:
    """A tier of an objective can never fire, not even while everything fails.

    A tier fires while the share of bad events is above `factor * (1 - objective)`. At 14.4 times that is above 1 for every
    objective below 93.06 %, and no share is greater than 1: the alert that was meant to come within minutes never comes,
    and the slower ones come hours later. Take a smaller factor, or a stricter objective.
    """
    for loaded, name, rule in context.written():
        if not isinstance(rule, Objective):
            continue
        for tier_name, tier in rule.tiers.items():
            if not slo.is_feasible(rule, tier):
                needed = 100 * (1 - 1 / tier.factor)
                yield Complaint(
                    title=f"{name}: tier `{tier_name}` can never fire: {tier.factor:g} times too fast is more than "
                    "everything failing",
                    location=loaded.source.place("rules", name, "objective"),
                    fix=f"an objective above {needed:.2f} %, or a factor below {100 / (100 - rule.objective):.4g}",
                )


@CHECKS.check("ALR011")
def too_late_by_arithmetic(context: LintContext) -> Iterator[Complaint]:
    """`detect_within` is shorter than what the rule takes by its own arithmetic.

    From the first bad event pass the time until the windowed value crosses the threshold, a scrape, an evaluation, `for`
    in whole evaluations, and Alertmanager's `group_wait`. Shorten one of these, or allow the time that it takes. Without a
    drill nobody can say when the value crosses the threshold, but `for` alone must fit.
    """
    for loaded, name, rule in context.written():
        for alert in context.alerts_of(name):
            predicted = alert.predicted_seconds
            if (
                predicted is None
                and alert.for_seconds > alert.detect_within_seconds
                and _is_allowed(rule, alert)
            ):
                yield Complaint(
                    title=f"{alert.name}: {format_duration(alert.detect_within_seconds)} are allowed, and `for` alone "
                    f"takes {format_duration(alert.for_seconds)}",
                    location=loaded.source.place("rules", name, "detect_within"),
                    fix="allow the time that it takes, or shorten `for`",
                )
            if predicted is None or predicted <= alert.detect_within_seconds:
                continue
            if math.isinf(predicted):
                yield Complaint(
                    title=f"{alert.name}: its drill makes too few events bad ever to raise it",
                    location=loaded.source.place("rules", name, "drill"),
                    fix="a greater `share`, or a threshold that the drill reaches",
                )
                continue
            yield Complaint(
                title=f"{alert.name}: {format_duration(alert.detect_within_seconds)} are allowed, and it takes "
                f"{format_duration(predicted)}",
                location=loaded.source.place("rules", name, "detect_within"),
                fix=f"`detect_within: {math.ceil(predicted)}s`, or a shorter window or `for` ({_slowest(rule)})",
            )


@CHECKS.check("ALR012")
def page_too_late(context: LintContext) -> Iterator[Complaint]:
    """A page may come later than 90 seconds after the fault, or any alert that a drill proves later than 5 minutes.

    What wakes somebody must come while there is still something to save. What may take longer is no page: give it the
    severity `warning`. Alerts that no drill can raise are measured by other means, and are left alone here.
    """
    for loaded, name, _ in context.written():
        for alert in context.alerts_of(name):
            is_page = alert.severity is AlertSeverity.CRITICAL
            limit = _PAGE_SECONDS if is_page else _GATE_SECONDS
            drilled = alert.drill is not None and alert.tier in (
                None,
                next(iter(_tiers(context, name)), None),
            )
            if (is_page or drilled) and alert.detect_within_seconds > limit:
                yield Complaint(
                    title=f"{alert.name} may take {format_duration(alert.detect_within_seconds)}; "
                    f"{'a page' if is_page else 'an alert'} comes within {format_duration(limit)}",
                    location=loaded.source.place("rules", name, "detect_within"),
                    fix="shorten window and `for`, or make it a warning"
                    if is_page
                    else "shorten window and `for`",
                    severity=None if is_page else Severity.WARNING,
                )


@CHECKS.check("ALR013")
def window_too_short(context: LintContext) -> Iterator[Complaint]:
    """`for` is no whole number of evaluations, or 0 without a reason.

    Prometheus looks at the condition only when it evaluates the rule, so `for: 12s` with evaluations each 5 s is 15 s in
    truth. A condition that may fire at its first evaluation is set off by any hiccup; `at_once` says why that is right.
    """
    every = parse_duration(context.books.delivery.timing.evaluate_every)
    for loaded, name, rule in context.written():
        if not isinstance(rule, Alert):
            continue
        seconds = parse_duration(rule.for_)
        place = loaded.source.place("rules", name, "for")
        if seconds == 0 and rule.at_once is None:
            yield Complaint(
                title=f"{name} fires at the first evaluation",
                location=place,
                fix="say why in `at_once`, or wait a little",
            )
        if not math.isclose(seconds / every, round(seconds / every)):
            whole = math.ceil(seconds / every) * every
            yield Complaint(
                title=f"{name}: `for: {rule.for_}` is no whole number of evaluations of {every:g} s",
                location=place,
                fix=f"`for: {whole:g}s`, which is what it is in truth",
                severity=Severity.WARNING,
            )


@CHECKS.check("ALR014", Severity.WARNING)
def period_longer_than_kept(context: LintContext) -> Iterator[Complaint]:
    """An objective's `period` is longer than Prometheus keeps what it measures.

    `slo:error_budget_remaining:ratio` counts the bad events of the whole period. Where the older ones are gone already, it
    shows more budget than there is. The stack and the files of `opsctl deploy render` keep 30 days; a Prometheus of your own
    may keep more: then put this off, with a comment beside the rule that says so (ALR050).
    """
    kept = context.kept_seconds
    for loaded, name, rule in context.written():
        if kept is not None and isinstance(rule, Objective) and parse_duration(rule.period) > kept:
            yield Complaint(
                title=f"{name}: the budget of {rule.period} is counted over the {format_duration(kept)} that are kept",
                location=loaded.source.place("rules", name, "period"),
                fix=f"`period: {kept / 86_400:g}d`, or keep more where it is measured",
            )


def _is_allowed(rule: Alert | Objective, alert: AlertRule) -> bool:
    """Tell whether the book itself allows an alert its time; slower tiers without one take what they take."""
    if isinstance(rule, Alert):
        return True
    tier = rule.tiers.get(alert.tier or "")
    return tier is not None and (tier.detect_within is not None or alert.tier == next(iter(rule.tiers)))


def _tiers(context: LintContext, name: str) -> list[str]:
    return [alert.tier for alert in context.alerts_of(name) if alert.tier is not None]


def _slowest(rule: Alert | Objective) -> str:
    return "the tiers' windows" if isinstance(rule, Objective) else f"now `for: {rule.for_}`"
