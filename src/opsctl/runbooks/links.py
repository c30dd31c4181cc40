"""Is the graph closed: from an alert or a loss to its panel, runbook and drill, and from each of them back to it?

Everything is a plain value, so that it is checked without a server: nobody who was woken meets a link that leads nowhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from opsctl.core.findings import Finding, Location, Severity

CODE = "RBK010"
UNUSED_CODE = "RBK017"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertNode:
    """A rule: where it is written, the panel, runbook and fault that it names, and the alerts that come from it."""

    rule: str
    location: Location
    panel: str
    runbook: str
    fault: str | None
    alerts: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookNode:
    """A runbook: panels and faults that it names, rules or alerts that it proves, losses that it drills, pages it links to."""

    location: Location
    title: str
    panels: frozenset[str]
    faults: frozenset[str]
    proves: frozenset[str]
    drills: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryNode:
    """A loss that is drilled: where it is written, the runbook that mends it, and the alert that tells of it."""

    name: str
    location: Location
    runbook: str
    alert: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkGraph:
    """What leads to what.

    Args:
        alerts: every rule.
        panels: by `dashboard/panel`, the alerts whose line it draws; None where the project has no dashboards.
        runbooks: by file name.
        faults: that can be made.
        recoveries: losses that are drilled.
    """

    alerts: Sequence[AlertNode]
    panels: Mapping[str, frozenset[str]] | None
    runbooks: Mapping[str, RunbookNode]
    faults: frozenset[str] = field(default_factory=frozenset)
    recoveries: Sequence[RecoveryNode] = ()


def check_links(graph: LinkGraph) -> tuple[Finding, ...]:
    """Return every link of the graph that leads nowhere, or to something that does not lead back."""
    found = [finding for alert in graph.alerts for finding in _of_alert(alert, graph)]
    found += [finding for recovery in graph.recoveries for finding in _of_recovery(recovery, graph)]
    return (*found, *_unused_faults(graph))


def _of_alert(alert: AlertNode, graph: LinkGraph) -> Iterator[Finding]:
    yield from _panel(alert, graph)
    if alert.fault is not None and alert.fault not in graph.faults:
        yield _broken(
            f"{alert.rule}: there is no fault `{alert.fault}`", alert.location, "`opsctl alerts prove --list`"
        )
    runbook = graph.runbooks.get(alert.runbook)
    if runbook is not None:  # RBK001 says that it is missing
        yield from _back_from(runbook, alert, graph)


def _panel(alert: AlertNode, graph: LinkGraph) -> Iterator[Finding]:
    if graph.panels is None:
        return
    drawn = graph.panels.get(alert.panel)
    if drawn is None:
        yield _broken(
            f"{alert.rule}: there is no panel `{alert.panel}`", alert.location, "`opsctl dashboards lint`"
        )
    elif not alert.alerts <= drawn:
        missing = ", ".join(sorted(alert.alerts - drawn))
        yield _broken(f"the panel `{alert.panel}` does not show {missing}", alert.location, None)


def _back_from(runbook: RunbookNode, alert: AlertNode, graph: LinkGraph) -> Iterator[Finding]:
    """Yield where a runbook does not lead back to its rule."""
    at = runbook.location
    if runbook.title != alert.rule:
        yield _broken(f"the title is `{runbook.title}`, the rule is `{alert.rule}`", at, f"`# {alert.rule}`")
    if alert.panel not in runbook.panels:
        yield _broken(f"does not name the panel `{alert.panel}` of {alert.rule}", at, None)
    for panel in sorted(runbook.panels):
        if graph.panels is not None and panel not in graph.panels:
            yield _broken(f"there is no panel `{panel}`", at, "`opsctl dashboards lint`")
    wanted = frozenset({alert.fault}) if alert.fault else frozenset[str]()
    for fault in sorted(wanted - runbook.faults):
        yield _broken(f"does not name the drill `{fault}` of {alert.rule}", at, None)
    for fault in sorted(runbook.faults - wanted):
        yield _broken(f"names the drill `{fault}`, which is not that of {alert.rule}", at, None)
    for other in sorted(runbook.proves - alert.alerts - {alert.rule}):
        yield _broken(
            f"its drill proves `{other}`, not {alert.rule}", at, f"`opsctl alerts prove {alert.rule}`"
        )


def _of_recovery(recovery: RecoveryNode, graph: LinkGraph) -> Iterator[Finding]:
    runbook = graph.runbooks.get(recovery.runbook)
    if runbook is not None:  # RBK001 says that it is missing
        title = recovery.runbook.removesuffix(".md")
        if runbook.title != title:
            yield _broken(
                f"the title is `{runbook.title}`, the page is `{title}`", runbook.location, f"`# {title}`"
            )
        for other in sorted(runbook.drills - {recovery.name}):
            yield _broken(
                f"drills `{other}`, not {recovery.name}",
                runbook.location,
                f"`opsctl dr drill {recovery.name}`",
            )
    if recovery.alert is not None:
        yield from _from_alert_to(recovery, graph)


def _from_alert_to(recovery: RecoveryNode, graph: LinkGraph) -> Iterator[Finding]:
    """Yield where the alert that tells of a loss does not lead on to the runbook that mends it."""
    alert = next(
        (each for each in graph.alerts if recovery.alert in {each.rule, *each.alerts}),
        None,
    )
    if alert is None:
        yield _broken(
            f"{recovery.name}: there is no alert `{recovery.alert}`",
            recovery.location,
            "`opsctl alerts list`",
        )
        return
    runbook = graph.runbooks.get(alert.runbook)
    if runbook is not None and recovery.runbook not in runbook.links:
        yield _broken(
            f"does not lead to `{recovery.runbook}`, and {recovery.name} says that {recovery.alert} tells of it",
            runbook.location,
            f"a link: `[{recovery.runbook.removesuffix('.md')}]({recovery.runbook})`",
        )


def _unused_faults(graph: LinkGraph) -> Iterator[Finding]:
    used = {alert.fault for alert in graph.alerts}
    for fault in sorted(graph.faults - used if graph.alerts else ()):
        yield Finding(
            code=UNUSED_CODE,
            severity=Severity.INFO,
            title=f"no alert names the fault `{fault}`, so nobody knows whether it would be seen",
            fix="name it as the `drill` of the rule that should see it",
        )


def _broken(title: str, location: Location, fix: str | None) -> Finding:
    return Finding(code=CODE, severity=Severity.ERROR, title=title, location=location, fix=fix)
