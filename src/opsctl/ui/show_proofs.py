"""How do proofs look: what will be done, what each drill showed, and what to do about those that failed."""

from collections.abc import Mapping, Sequence

from opsctl.alerts.proving.model import Proof, ProofLevel, ProofPlan
from opsctl.alerts.proving.run import QuietDrill
from opsctl.chaos.model import Fault
from opsctl.core.units import format_duration
from opsctl.evidence.model import Verdict
from opsctl.ui.console import hint, note, print_line
from opsctl.ui.table import show_table

_MARKS = {
    Verdict.PASS: "[green]✔ pass[/]",
    Verdict.FAIL: "[red]✘ fail[/]",
    Verdict.INCONCLUSIVE: "[yellow]? cannot tell[/]",
}


def show_plan(plan: ProofPlan, *, faults: Mapping[str, Fault]) -> None:
    """Print each drill with the alerts that it is to raise, then what only made-up alerts can show."""
    rows = [
        (
            drill.fault if place == 0 else "",
            alert.name,
            alert.severity,
            ", ".join(alert.receivers) or "-",
            _seconds(alert.predicted_seconds),
            _seconds(alert.detect_within_seconds),
        )
        for drill in plan.drills
        for place, alert in enumerate(drill.alerts)
    ]
    rows += [
        ("made-up alert", alert.name, alert.severity, ", ".join(alert.receivers) or "-", "-", "-")
        for alert in plan.made_up
    ]
    show_table(("fault", "alert", "severity", "receivers", "predicted", "allowed"), rows)
    for drill in plan.drills:
        print_line(f"{drill.fault}: {faults[drill.fault].title}")


def show_faults(faults: Mapping[str, Fault], *, raises: Mapping[str, Sequence[str]]) -> None:
    """Print every fault with the alerts that it is to raise."""
    rows = [
        (fault.code, fault.name, fault.title, ", ".join(raises.get(fault.name, ())) or "[dim]none[/]")
        for fault in faults.values()
    ]
    show_table(("code", "fault", "what happens", "alerts"), rows)


def show_quiet(quiet: QuietDrill) -> None:
    """Say whether anything fired while nothing was broken."""
    if quiet.fired:
        print_line(f"✘ null drill: {', '.join(quiet.fired)} fired although nothing was broken")
    else:
        print_line(f"✔ null drill: nothing fired in {format_duration(quiet.seconds)} without a fault")


def show_proofs(proofs: Sequence[Proof]) -> None:
    """Print one row an alert, then what was wrong."""
    from rich.markup import escape

    show_table(
        ("alert", "", "fault", "seen", "measured", "predicted", "allowed", "over after", "receivers"),
        [_row(proof) for proof in proofs],
    )
    for proof in proofs:
        for problem in proof.problems:
            note(f"[red]{escape(proof.alert)}[/]: {escape(problem)}")
    failed = [proof for proof in proofs if proof.verdict is not Verdict.PASS]
    if failed:
        hint(
            f"`opsctl runbooks show {failed[0].alert}` says what it is about; `opsctl alerts prove {failed[0].alert}` repeats it"
        )
    else:
        hint(
            "`opsctl evidence list --kind alerts` shows the records; `opsctl alerts list` how old each proof is"
        )


def _row(proof: Proof) -> tuple[str, ...]:
    level = str(proof.level)
    if proof.level is ProofLevel.MUTED:
        level = f"muted by {', '.join(proof.muted_by)}"
    return (
        proof.alert,
        _MARKS[proof.verdict],
        proof.fault or "-",
        level,
        _seconds(proof.measured_seconds),
        _seconds(proof.predicted_seconds),
        _seconds(proof.allowed_seconds),
        _seconds(proof.resolved_seconds) if proof.is_end_awaited else "not awaited",
        ", ".join(proof.receivers) or "-",
    )


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else format_duration(seconds)
