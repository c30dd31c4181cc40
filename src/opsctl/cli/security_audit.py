"""The command `opsctl security audit`: every check of the project's security, with three answers each."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.options import Json, Junit, command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.cli.security_auditing import Audited
    from opsctl.security.model import SecurityCheck


def register(app: typer.Typer) -> None:
    """Add the verb to the group."""
    command(
        app,
        "opsctl security audit",
        "opsctl security audit --only SEC006 --only SEC013",
        "opsctl security audit --sarif security.sarif --junit security.xml",
        "opsctl security audit --list",
    )(audit)


def audit(
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="CODE", help="Only this check; once for each.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Show the checks, and ask none.")] = False,
    sarif: Annotated[
        Path | None,
        typer.Option("--sarif", metavar="FILE", help="Also write SARIF 2.1.0, for code scanning."),
    ] = None,
    junit: Junit = None,
    json: Json = False,
) -> None:
    """Ask every check of the project's security, and record what they say.

    A check passes, fails, or could not tell and says what would make it tell. `ops/waivers.yaml` accepts failures, with
    owner, reason and a last day. Exit 1: something failed. Exit 5: nothing failed, and something could not tell.
    """
    from opsctl.security.registry import chosen

    checks = chosen(only or ())
    if listed:
        _show_list(checks, json=json)
        return
    from opsctl.cli import security_auditing
    from opsctl.cli.ending import ends_as_by_ctrl_c
    from opsctl.cli.exit import leave
    from opsctl.cli.report_files import require_places
    from opsctl.core.exit_codes import ExitCode
    from opsctl.evidence.model import Verdict
    from opsctl.ui.progress import progress

    require_places(sarif, junit)
    with ends_as_by_ctrl_c(), progress() as listener:  # its keys are removed, whoever ends it
        done = security_auditing.run_audit(checks, is_part=bool(only), listener=listener)
    security_auditing.write_outputs(done.audit, sarif=sarif, junit=junit)
    _show_audit(done, json=json)
    if done.unrecorded is not None:
        raise done.unrecorded
    codes = {Verdict.FAIL: ExitCode.BAD_VERDICT, Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE}
    leave(codes.get(done.audit.verdict, ExitCode.GOOD))


def _show_list(checks: "Sequence[SecurityCheck]", *, json: bool) -> None:
    from opsctl.cli.filling import tell
    from opsctl.security.proof import catalogue_of
    from opsctl.ui.show_security import show_checks

    tell("opsctl.security.checks", data=catalogue_of(checks), json=json, show=lambda: show_checks(checks))


def _show_audit(done: "Audited", *, json: bool) -> None:
    from opsctl.cli.document import document
    from opsctl.evidence.model import Verdict
    from opsctl.security.proof import document_of, findings_of
    from opsctl.ui.console import print_document
    from opsctl.ui.show_security import show_audit

    if json:
        is_good = done.audit.verdict is Verdict.PASS
        findings = findings_of(done.audit)
        print_document(
            document("opsctl.security.audit", data=document_of(done.audit), ok=is_good, findings=findings)
        )
    else:
        show_audit(done.audit)
