"""What do the checks of runbooks look at: files, rules, losses, panels, faults, the command tree, and bash."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsctl.alerts.rules import AlertRule, RuleSet
    from opsctl.runbooks.links import AlertNode
    from opsctl.runbooks.lint.registry import LintContext
    from opsctl.runbooks.model import RecoveryFacts, RuleFacts


def lint_context() -> "LintContext":
    """Return everything that the checks look at."""
    from opsctl.chaos.registry import all_faults
    from opsctl.cli import command_tree, dashboarding, runbooking
    from opsctl.cli.explain import all_explanations
    from opsctl.clients.shell import syntax_problem
    from opsctl.metrics.expression_checks import check_expression
    from opsctl.runbooks.lint.registry import LintContext
    from opsctl.runbooks.model import VARIABLES

    rules = dashboarding.rules()
    contract = dashboarding.contract(rules)

    def promql(expr: str) -> str | None:
        return next((each.title for each in check_expression(expr, contract) if each.is_error), None)

    return LintContext(
        runbooks=runbooking.runbooks(),
        rules=rule_facts(rules),
        nodes=_nodes(rules),
        recoveries=_recovery_facts(),
        panels=_panels(rules),
        faults=frozenset(all_faults()) - _held_by_drills_alone(rules),
        codes=frozenset(all_explanations()),
        variables=VARIABLES,
        parses=command_tree.why_not,
        is_changing=command_tree.is_changing,
        shell=syntax_problem,
        promql=promql,
        anchors=_anchors,
    )


def _held_by_drills_alone(rules: "RuleSet") -> frozenset[str]:
    """Return the faults that no alert names, because drills make them and look at more than one alert."""
    from opsctl.cli import chaosing
    from opsctl.core.errors import OpsError

    try:
        held = {part.fault for named in chaosing.drills(()) for part in named.drill.parts}
    except OpsError:
        held = set()  # a drill that is wrong is told where drills are checked
    return frozenset(held - {alert.drill.fault for alert in rules.alerts if alert.drill})


def rule_facts(rules: "RuleSet") -> "list[RuleFacts]":
    """Return what the runbooks must say of the rules, in the order of the books."""
    from opsctl.runbooks.model import RuleFacts

    return [
        RuleFacts(
            name=name,
            file=alerts[0].runbook,
            summary=alerts[0].annotations["summary"],
            severities=tuple(dict.fromkeys(str(each.severity) for each in alerts)),
            receivers=tuple(dict.fromkeys(receiver for each in alerts for receiver in each.receivers)),
            panel=_panel(alerts[0]),
            fault=alerts[0].drill.fault if alerts[0].drill else None,
            undrilled=alerts[0].undrilled,
        )
        for name, alerts in _by_rule(rules)
    ]


def _recovery_facts() -> "list[RecoveryFacts]":
    """Return what the runbooks must say of the losses that are drilled; nothing where the project has no such books."""
    from opsctl.cli import wiring
    from opsctl.config.folder import books_in
    from opsctl.config.load import load_book
    from opsctl.core.findings import Location
    from opsctl.dr.drill.book import Moment, Recovery
    from opsctl.runbooks.model import RecoveryFacts

    settings = wiring.settings()
    found = books_in(settings.root / settings.project.books.recoveries)
    books = [(path, load_book(path, Recovery)) for path in found.books]
    return [
        RecoveryFacts(
            name=path.stem,
            title=book.title,
            loses=tuple(book.loses),
            meanwhile="while a backup is made" if book.moment is Moment.DURING_BACKUP else None,
            alert=book.alert,
            book=Location(file=str(path), line=1),
        )
        for path, book in books
    ]


def _by_rule(rules: "RuleSet") -> "Iterable[tuple[str, tuple[AlertRule, ...]]]":
    for name in dict.fromkeys(alert.rule for alert in rules.alerts):
        yield name, rules.of_rule(name)


def _panel(alert: "AlertRule") -> str:
    from opsctl.dashboards.model import GENERATED

    if alert.panel is None:
        return f"{GENERATED}/{alert.name.lower()}"
    return f"{alert.panel.dashboard}/{alert.panel.panel}"


def _nodes(rules: "RuleSet") -> "list[AlertNode]":
    from opsctl.runbooks.links import AlertNode

    return [
        AlertNode(
            rule=name,
            location=alerts[0].location,
            panel=_panel(alerts[0]),
            runbook=alerts[0].runbook,
            fault=alerts[0].drill.fault if alerts[0].drill else None,
            alerts=frozenset(each.name for each in alerts if _panel(each) == _panel(alerts[0])),
        )
        for name, alerts in _by_rule(rules)
    ]


def _panels(rules: "RuleSet") -> Mapping[str, frozenset[str]] | None:
    """Return which alerts each panel shows; None where the project has no dashboards."""
    from opsctl.cli import dashboarding
    from opsctl.dashboards.files import boards_of

    if not dashboarding.has_books():
        return None
    boards = boards_of(
        dashboarding.books(), dashboarding.alert_lines(rules), contract=dashboarding.contract(rules)
    )
    return {
        f"{board.name}/{panel.key}": frozenset(alert.name for alert in panel.alerts)
        for board in boards
        for panel in board.panels
    }


def _anchors(target: str) -> frozenset[str] | None:
    """Return what a link to a file of the project may have behind `#`; None where there is no such file."""
    from opsctl.cli.alert_context import runbooks_folder
    from opsctl.clients.files import read_text
    from opsctl.runbooks.parse import parse_runbook

    path = runbooks_folder() / target
    if path.suffix == ".md" and path.is_file():
        return parse_runbook(path.stem, read_text(path), file=str(path)).anchors
    return frozenset() if path.exists() else None
