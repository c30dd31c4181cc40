"""How does evidence look: a list with ages, one record whole, and the verdict on the chain."""

from collections.abc import Sequence
from datetime import datetime

from opsctl.core.units import format_duration
from opsctl.evidence.chain import Verification
from opsctl.evidence.model import Record, Verdict
from opsctl.ui.console import hint, out, print_line
from opsctl.ui.show_error import show_findings
from opsctl.ui.table import show_table

_WORDS = {
    Verdict.PASS: "[green]✔ pass[/]",
    Verdict.FAIL: "[red]✘ fail[/]",
    Verdict.INCONCLUSIVE: "[yellow]? inconclusive[/]",
}


def show_records(records: Sequence[Record], *, now: datetime) -> None:
    """Print a table of records, the newest first."""
    from rich.markup import escape

    if not records:
        print_line("no evidence yet")
        hint("every measuring command leaves a record, for example `opsctl collections rebuild`")
        return
    rows = []
    for record in records:
        age = format_duration(max(0.0, (now - record.recorded_at).total_seconds()))
        counts = "[yellow]stale[/]" if record.is_stale(now) else "yes"
        names = (str(record.sequence), escape(record.kind), escape(record.subject))
        rows.append((*names, _WORDS[record.verdict], age, counts))
    show_table(("no", "kind", "subject", "verdict", "age", "counts"), rows)


def show_record(record: Record, *, now: datetime) -> None:
    """Print everything a record holds."""
    from rich.markup import escape

    console = out()
    console.print(
        f"{_WORDS[record.verdict]} {escape(record.kind)} of {escape(record.subject)}", highlight=False
    )
    age = format_duration(max(0.0, (now - record.recorded_at).total_seconds()))
    rows: dict[str, object] = {
        "id": record.id,
        "recorded": f"{record.recorded_at:%Y-%m-%d %H:%M:%S} UTC, {age} ago",
        "counts until": f"{record.expires_at:%Y-%m-%d %H:%M} UTC"
        + (" (stale)" if record.is_stale(now) else ""),
        "took": format_duration(record.duration_seconds),
        "git commit": record.git_commit or "-",
        **{f"figure {name}": value for name, value in record.figures.items()},
        **{f"input {name}": digest for name, digest in record.inputs.items()},
        **{f"tool {name}": version for name, version in record.tools.items()},
        "simulated": ", ".join(record.simulated) or "nothing",
        "digest": record.digest,
        "after": record.previous,
    }
    for name, value in rows.items():
        console.print(f"  [dim]{escape(name):<24}[/] {escape(str(value))}", highlight=False, soft_wrap=True)


def show_verification(verification: Verification) -> None:
    """Say whether the chain is whole."""
    show_findings(verification.findings)
    if verification.ok:
        print_line(f"{verification.records} records, the chain is whole; head {verification.head[:16]}")
    else:
        print_line(
            f"{verification.records} records, {len(verification.findings)} findings: the chain is broken"
        )
