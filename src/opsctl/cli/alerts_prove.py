"""The command `opsctl alerts prove`: break something on ground of our own, and see whether the right message comes in time."""

from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.options import DryRun, Json, command

if TYPE_CHECKING:
    from opsctl.alerts.proving.model import ProofPlan


def register(app: typer.Typer) -> None:
    """Add the verb to the group `alerts`."""
    command(
        app,
        "opsctl alerts prove high_error_rate slow_feed_generation quality_drift",
        "opsctl alerts prove --dry-run",
        "opsctl alerts prove --list",
        "opsctl alerts prove availability --json",
    )(prove)


def prove(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[RULE]...", help="Rules or alerts; all without any.")
    ] = None,
    *,
    list_faults: Annotated[
        bool, typer.Option("--list", help="Show the faults and the alerts that each of them is to raise.")
    ] = False,
    quiet_for: Annotated[
        str,
        typer.Option("--quiet-for", metavar="TIME", help="How long nothing may fire before the first fault."),
    ] = "30s",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Prove that alerts fire, are routed, and arrive in time.

    A stack of its own is started with the project's books, Prometheus and Alertmanager; readers ask for feeds; nothing
    may fire; then each fault is made, its messages are waited for at a sink, it is undone, and the messages that it is
    over are waited for. Exit 1: an alert did not arrive as the book says. Exit 5: it cannot be told.
    """
    from opsctl.alerts.proving.plan import choose_alerts, plan_proofs
    from opsctl.chaos.registry import fault_named
    from opsctl.cli import proving, watching
    from opsctl.cli.ending import ends_as_by_ctrl_c
    from opsctl.cli.exit import leave
    from opsctl.core.units import parse_duration
    from opsctl.ui.progress import progress
    from opsctl.ui.show_proofs import show_proofs, show_quiet

    try:
        quiet_seconds = parse_duration(quiet_for)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--quiet-for") from error
    books, rules = watching.load_rules()
    plan = plan_proofs(choose_alerts(rules, names or ()))
    for drill in plan.drills:
        fault_named(drill.fault)  # before anything is started
    if list_faults:
        _tell_faults(plan, as_json=json)
        return
    if dry_run:
        _tell_plan(plan, as_json=json)
        return
    with progress() as listener, ends_as_by_ctrl_c():
        quiet, proofs = proving.prove(
            plan, books=books, rules=rules, quiet_seconds=quiet_seconds, listener=listener
        )
    code = proving.exit_code(quiet, proofs)
    if json:
        _print("opsctl.alerts.prove", {"null_drill": quiet, "proofs": proofs}, ok=not code)
    else:
        show_quiet(quiet)
        show_proofs(proofs)
    leave(code)


def _tell_faults(plan: "ProofPlan", *, as_json: bool) -> None:
    from opsctl.chaos.registry import all_faults
    from opsctl.ui.show_proofs import show_faults

    raises = {drill.fault: [alert.name for alert in drill.alerts] for drill in plan.drills}
    if as_json:
        listed = [
            {"code": each.code, "name": each.name, "title": each.title, "alerts": raises.get(each.name, [])}
            for each in all_faults().values()
        ]
        _print("opsctl.alerts.faults", listed)
    else:
        show_faults(all_faults(), raises=raises)


def _tell_plan(plan: "ProofPlan", *, as_json: bool) -> None:
    from opsctl.chaos.registry import all_faults
    from opsctl.ui.show_proofs import show_plan

    if as_json:
        _print("opsctl.alerts.prove.plan", plan)
    else:
        show_plan(plan, faults=all_faults())


def _print(schema: str, data: object, *, ok: bool = True) -> None:
    from opsctl.cli.document import document
    from opsctl.ui.console import print_document

    print_document(document(schema, data=data, ok=ok))
