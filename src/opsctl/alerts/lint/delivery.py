"""Does every alert reach somebody, and does the chain itself have somebody who watches it?"""

from collections.abc import Iterator, Mapping

from opsctl.alerts.book import Alert, Objective
from opsctl.alerts.compile import WATCHDOG
from opsctl.alerts.lint.registry import CHECKS, LintContext
from opsctl.alerts.routes import receivers_of, routes_of
from opsctl.alerts.severity import AlertSeverity
from opsctl.alerts.signals import AbsenceSignal, AlwaysSignal, LevelSignal
from opsctl.core.findings import Severity
from opsctl.core.lint_checks import Complaint


@CHECKS.check("ALR030")
def unknown_receiver(context: LintContext) -> Iterator[Complaint]:
    """A receiver is named that `delivery.yaml` does not have: Alertmanager would refuse the whole configuration."""
    delivery, source = context.books.delivery, context.books.delivery_source
    known = delivery.receivers
    fix = f"one of {', '.join(sorted(known))}"
    for key in ("catch_all", "watchdog"):
        name = getattr(delivery, key)
        if name not in known:
            yield Complaint(title=f"there is no receiver `{name}`", location=source.place(key), fix=fix)
    for severity, names in delivery.by_severity.items():
        for index, name in enumerate(names):
            if name not in known:
                place = source.place("by_severity", str(severity), index)
                yield Complaint(title=f"there is no receiver `{name}`", location=place, fix=fix)
    for loaded, rule_name, rule in context.written():
        for index, name in enumerate(rule.notify):
            if name not in known:
                place = loaded.source.place("rules", rule_name, "notify", index)
                yield Complaint(title=f"{rule_name}: there is no receiver `{name}`", location=place, fix=fix)


@CHECKS.check("ALR031", Severity.WARNING)
def unused_receiver(context: LintContext) -> Iterator[Complaint]:
    """A receiver is declared that no alert ever reaches."""
    delivery = context.books.delivery
    used = {
        delivery.catch_all,
        delivery.watchdog,
        *(name for alert in context.rules.alerts for name in alert.receivers),
    }
    for name in sorted(set(delivery.receivers) - used):
        yield Complaint(
            title=f"no alert is sent to `{name}`",
            location=context.books.delivery_source.place("receivers", name, of_key=True),
            fix="name it in `by_severity` or in a rule's `notify`, or take it out",
        )


@CHECKS.check("ALR032")
def unreachable_route(context: LintContext) -> Iterator[Complaint]:
    """An alert goes another way than its book says, or a page goes nowhere.

    Routes are tried in order, and the first that takes an alert decides. A page that nobody gets is the worst of all
    alerts: it makes everybody believe that somebody knows.
    """
    routes = routes_of(context.books.delivery, context.rules)
    for alert in context.rules.alerts:
        taken = receivers_of(
            {"alertname": alert.name, **alert.labels},
            routes=routes,
            catch_all=context.books.delivery.catch_all,
        )
        if taken != alert.receivers:
            yield Complaint(
                title=f"{alert.name} reaches {', '.join(taken) or 'nobody'} instead of "
                f"{', '.join(alert.receivers) or 'nobody'}",
                location=alert.location,
                fix="look at `by_severity`, and at labels of the rule that hide its severity",
            )
        if alert.severity is AlertSeverity.CRITICAL and not alert.receivers:
            yield Complaint(
                title=f"{alert.name} pages nobody", location=alert.location, fix="name a receiver"
            )


@CHECKS.check("ALR033")
def inhibition(context: LintContext) -> Iterator[Complaint]:
    """A rule is muted by one that does not exist, by itself, in a circle, or a page by a lesser alert.

    Alerts that mute each other in a circle are all silent while all fire. A page that a warning mutes is never heard.
    """
    rules = {name: rule for _, name, rule in context.written()}
    severities = {name: [alert.severity for alert in context.alerts_of(name)] for name in rules}
    for loaded, name, rule in context.written():
        for index, other in enumerate(rule.inhibited_by):
            place = loaded.source.place("rules", name, "inhibited_by", index)
            if other not in rules:
                yield Complaint(title=f"{name}: there is no rule `{other}`", location=place)
            elif other == name:
                yield Complaint(title=f"{name} mutes itself", location=place)
            elif name in rules[other].inhibited_by:
                yield Complaint(title=f"{name} and {other} mute each other", location=place)
            elif name in _muting(other, rules):
                yield Complaint(title=f"{name} and {other} mute each other through others", location=place)
            elif (
                AlertSeverity.CRITICAL in severities[name] and AlertSeverity.CRITICAL not in severities[other]
            ):
                yield Complaint(
                    title=f"{name} pages, and is muted by {other}, which does not", location=place
                )


def _muting(name: str, rules: Mapping[str, Alert | Objective]) -> frozenset[str]:
    """Return what mutes a rule, and what mutes that, and so on."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = [each for each in rules[waiting.pop()].inhibited_by if each in rules and each not in found]
        found.update(new)
        waiting += new
    return frozenset(found)


@CHECKS.check("ALR034")
def labels_of_groups(context: LintContext) -> Iterator[Complaint]:
    """A label by which messages are grouped, or that must be equal for muting, is missing from an alert.

    Alerts that all lack a label have it in common: they become one message, and may mute each other.
    """
    for alert in context.rules.alerts:
        for label in context.books.delivery.group_by:
            if label not in ("alertname", *alert.labels):
                yield Complaint(
                    title=f"{alert.name} has no label `{label}`, by which messages are grouped",
                    location=context.books.delivery_source.place("group_by"),
                    fix="group by labels that every alert has: alertname, service, team, severity",
                )


@CHECKS.check("ALR035")
def nobody_watches_the_watchers(context: LintContext) -> Iterator[Complaint]:
    """There is no alert that shows that the chain itself works: `Watchdog`, targets that are down, an absent service.

    Prometheus that does not run fires no alert. `Watchdog` fires for ever, and a switch outside rings when it stays away;
    `up` tells which target is gone, and an absence alert that a target was never there.
    """
    alerts = [rule for _, _, rule in context.written() if isinstance(rule, Alert)]
    names = {name for _, name, _ in context.written()}
    place = context.books.delivery_source.place("watchdog")
    if WATCHDOG not in names or not any(isinstance(rule.signal, AlwaysSignal) for rule in alerts):
        yield Complaint(
            title="there is no `Watchdog`: nobody would notice that no alert can come",
            location=place,
            fix="a rule `Watchdog` with `signal: {kind: always}` and severity none",
        )
    levels = [rule.signal.of for rule in alerts if isinstance(rule.signal, LevelSignal)]
    if not any(each == "up" or each.startswith("up{") for each in levels):
        yield Complaint(title="no rule looks at `up`: a target that is down goes unnoticed", location=place)
    absences = [rule.signal.of for rule in alerts if isinstance(rule.signal, AbsenceSignal)]
    if not any(each.startswith("up{") for each in absences):
        yield Complaint(
            title="no rule notices that a target was never there", location=place, severity=Severity.WARNING
        )


@CHECKS.check("ALR036")
def duplicate_names(context: LintContext) -> Iterator[Complaint]:
    """Two alerts have one name: of two books, because a tier's name is another rule's, or but for capitals.

    The panel and the runbook of an alert are found by its name in small letters.
    """
    seen: dict[str, str] = {}
    for alert in context.rules.alerts:
        key = alert.name.casefold()
        if key in seen:
            yield Complaint(
                title=f"`{alert.name}` stands twice; first at {seen[key]}",
                location=alert.location,
                fix="rename one",
            )
        seen.setdefault(key, str(alert.location))


@CHECKS.check("ALR037")
def absence_of_indicator(context: LintContext) -> Iterator[Complaint]:
    """An absence alert waits for less than two scrapes, so a single lost scrape sets it off."""
    from opsctl.core.units import parse_duration

    scrape = parse_duration(context.books.delivery.timing.scrape_every)
    for loaded, name, rule in context.written():
        if isinstance(rule, Objective) or not isinstance(rule.signal, AbsenceSignal):
            continue
        if parse_duration(rule.for_) < 2 * scrape:
            yield Complaint(
                title=f"{name} waits for less than two scrapes",
                location=loaded.source.place("rules", name, "for"),
                fix=f"at least `for: {2 * scrape:g}s`",
            )
