"""With what do the verbs of `runbooks` work: files, the command tree, bash, and addresses for the steps."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsctl.core.errors import OpsError, UsageError

if TYPE_CHECKING:
    from opsctl.runbooks.lint import LintContext
    from opsctl.runbooks.model import Runbook, Step

_SHELL_SECONDS = 10.0


def runbooks() -> "dict[str, Runbook]":
    """Return every runbook of the project by its file name."""
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


def step(book: "Runbook", number: int) -> "Step":
    """Return a step.

    Raises:
        UsageError: RBK090 there is none of this number.
    """
    for each in book.steps:
        if each.number == number:
            return each
    raise UsageError(
        f"`{book.name}` has no step {number}",
        code="RBK090",
        fix=f"it has {len(book.steps)}: `opsctl runbooks show {book.name}`",
    )


def lint_context() -> "LintContext":
    """Return everything that the checks look at."""
    from opsctl.chaos.registry import all_faults
    from opsctl.cli import dashboarding
    from opsctl.cli.alert_context import panel_keys, runbooks_folder
    from opsctl.cli.command_tree import why_not
    from opsctl.dashboards.model import GENERATED
    from opsctl.metrics.expression_checks import check_expression
    from opsctl.runbooks.lint import LintContext, RuleFacts

    rules = dashboarding.rules()
    contract, folder = dashboarding.contract(rules), runbooks_folder()
    first = {alert.rule: alert for alert in reversed(rules.alerts)}
    panels = panel_keys()
    known = {f"{board}/{key}" for board, keys in (panels or {}).items() for key in keys}
    known |= {f"{GENERATED}/{alert.name.lower()}" for alert in rules.alerts}

    def promql(expr: str) -> str | None:
        found = [each.title for each in check_expression(expr, contract) if each.is_error]
        return found[0] if found else None

    return LintContext(
        runbooks=runbooks(),
        rules=[
            RuleFacts(
                name=rule,
                file=alert.runbook,
                location=alert.location,
                panel=f"{alert.panel.dashboard}/{alert.panel.panel}"
                if alert.panel
                else f"{GENERATED}/{rule.lower()}",
                fault=alert.drill.fault if alert.drill else None,
            )
            for rule, alert in first.items()
        ],
        panels=None if panels is None else frozenset(known),
        faults=frozenset(all_faults()),
        parses=why_not,
        shell=shell_problem,
        promql=promql,
        exists=lambda target: (folder / target.partition("#")[0]).exists() or target.startswith("#"),
    )


def shell_problem(text: str) -> str | None:
    """Return why a text is no shell script; None where bash can read it, or is not here to say."""
    try:
        done = subprocess.run(
            ["bash", "-n"],
            input=text,
            capture_output=True,
            text=True,
            timeout=_SHELL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode == 0 else done.stderr.strip().splitlines()[0]


def addresses() -> Mapping[str, str]:
    """Return the variables that steps use: addresses of service, watchers and database, those that are known."""
    from opsctl.cli import watching, wiring
    from opsctl.stack.model import PartName
    from opsctl.stack.status import stack_status

    state = stack_status(wiring.settings().home)
    found: dict[str, str | None] = {
        "SERVICE_URL": wiring.service_address(),
        "PROMETHEUS_URL": watching.watcher_url("prometheus"),
        "ALERTMANAGER_URL": watching.watcher_url("alertmanager"),
        "SINK_URL": state.url_of(PartName.SINK),
    }
    try:
        url = wiring.settings().project.database.url or state.database_url
        found |= {"DATABASE_URL": url, "PGPASSFILE": os.environ.get("PGPASSFILE")}
        if wiring.settings().project.database.url is None:
            found["PGPASSWORD"] = state.database_password_file.read_text(encoding="utf-8").strip()
    except (OpsError, OSError):
        pass  # the embedded database does not run; steps that need it will say so
    return {name: value for name, value in found.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneStep:
    """A step that was run; `output` is None where it went to the terminal."""

    number: int
    exit_code: int
    output: str | None


def execute(step: "Step", *, is_captured: bool) -> DoneStep:
    """Run a step with bash, its output going to the terminal as it comes, or kept."""
    from opsctl.cli import wiring

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", step.command],
        cwd=wiring.settings().root,
        env={**os.environ, **addresses(), "OPSCTL_PROJECT": str(wiring.settings().root)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if is_captured else None,
        stderr=subprocess.STDOUT if is_captured else None,
        text=True,
        errors="replace",
        check=False,
    )
    return DoneStep(number=step.number, exit_code=done.returncode, output=done.stdout)
