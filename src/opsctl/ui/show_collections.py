"""How do derived collections look: plans, rebuilds, status, verifications, drift and garbage."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from opsctl.core.findings import Finding
from opsctl.core.units import format_count, format_duration
from opsctl.ui.console import hint, out, print_line
from opsctl.ui.table import plain_table, show_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opsctl.qdrant_collections.beginning import Preview
    from opsctl.qdrant_collections.drift import DriftReport
    from opsctl.qdrant_collections.garbage import Fate
    from opsctl.qdrant_collections.many import Results
    from opsctl.qdrant_collections.realias import Realias
    from opsctl.qdrant_collections.rebuild import RebuildReport
    from opsctl.qdrant_collections.rollback import RollbackPlan
    from opsctl.qdrant_collections.status import DerivedStatus
    from opsctl.qdrant_collections.verify import Verification


def show_plans(previews: "Sequence[Preview]") -> None:
    """Show what a rebuild would do."""
    for preview in previews:
        plan = preview.plan
        print_line(f"{plan.alias}")
        print_line(f"  filter      {plan.derived.filter}")
        print_line(
            f"  points      {format_count(plan.points)} of {format_count(plan.source_points)} in `{plan.source}`"
        )
        print_line(f"  indexes     {', '.join(plan.indexes) or 'none'}")
        print_line(f"  live        {plan.live or 'nothing yet'}")
        if preview.resumes is None:
            print_line("  steps       create, copy, delta, settle, verify, swap, watch, collect")
        else:
            done = ", ".join(preview.done)
            print_line(
                f"  goes on     with `{preview.resumes}`: {format_count(preview.copied)} copied; done: {done}"
            )
    hint("nothing was changed; leave out --dry-run to do it")


def show_rebuilds(reports: "Sequence[RebuildReport]") -> None:
    """Show how each rebuild ended, and every check of one that failed."""
    if not reports:
        return
    rows = []
    for report in reports:
        checked = report.verification.figures() if report.verification else report.figures.get("verify", {})
        row = (
            _escaped(report.alias),
            _coloured(str(report.outcome), is_good=report.ok),
            format_count(checked.get("points", 0)),
            format_count(report.figures.get("copy", {}).get("points_per_second", 0)),
            _number(checked.get("recall")),
            _milliseconds(checked.get("p95_engine_ms")),
            _milliseconds(checked.get("source_p95_engine_ms")),
            _short(report.generation, alias=report.alias),
        )
        rows.append(row)
    figures = ("points", "points/s", "recall", "p95 engine", "p95 source")
    show_table(("collection", "outcome", *figures, "generation"), rows)
    for report in reports:
        if report.verification is not None and not report.verification.ok:
            show_verifications([report.verification])
            hint(f"the alias `{report.alias}` was not moved; `{report.generation}` is kept for inspection")
        if report.watch is not None and report.watch.trouble is not None:
            hint(f"`{report.alias}` was swapped back to `{report.live_before}`: {report.watch.trouble}")


def show_status(found: "Sequence[DerivedStatus]") -> None:
    """Show what serves."""
    rows = []
    for each in found:
        stale = "unknown" if each.staleness_seconds is None else format_duration(each.staleness_seconds)
        row = (
            _escaped(each.alias),
            _short(each.live, alias=each.alias) if each.live else "[red]nothing[/]",
            format_count(each.points),
            _coloured(each.status, is_good=each.status == "green"),
            _coloured(stale, is_good=each.ok),
            format_duration(each.staleness_budget_seconds),
            str(len(each.generations)),
            _short(each.rollback_to, alias=each.alias) if each.rollback_to else "-",
        )
        rows.append(row)
    state = ("points", "status", "stale since", "budget", "generations")
    show_table(("collection", "serves", *state, "roll back to"), rows)
    for each in found:
        if each.interrupted is not None:
            hint(
                f"`{each.interrupted}` is unfinished; `opsctl collections rebuild {each.alias}` goes on with it"
            )
        if each.trouble is not None:
            hint(f"`{each.alias}`: {each.trouble}")


def show_verifications(reports: "Sequence[Verification]") -> None:
    """Show every check of every verification."""
    for report in reports:
        out().print(_escaped(report.target), style="bold", highlight=False, soft_wrap=True)
        table = plain_table("check", "verdict", "seen", wrapping="seen")
        for check in report.checks:
            verdict = _coloured("ok" if check.ok else "failed", is_good=check.ok)
            table.add_row(check.name, verdict, _escaped(check.evidence))
        out().print(table)


def show_drifts(reports: "Sequence[DriftReport]") -> None:
    """Show how far each has drifted, and what a repair did."""
    rows = []
    for report in reports:
        verdict = (
            "repaired"
            if report.repaired and report.has_drifted
            else "drifted"
            if report.has_drifted
            else "level"
        )
        counts = (report.source_points, report.live_points, report.missing, report.changed, report.extra)
        numbers = (*counts, report.written, report.deleted)
        verdict = _coloured(verdict, is_good=report.ok)
        rows.append((_escaped(report.alias), verdict, *map(format_count, numbers)))
    differences = ("missing", "changed", "extra", "written", "deleted")
    show_table(("collection", "verdict", "source", "live", *differences), rows)
    if any(not report.ok for report in reports):
        hint("`opsctl collections drift --repair` writes and deletes only what differs")


def show_fates(fates: "Mapping[str, Sequence[Fate]]", *, dry_run: bool) -> None:
    """Show which generations were deleted, or would be."""
    table = plain_table("generation", "fate", "why", wrapping="why")
    for fate in (fate for each in fates.values() for fate in each):
        word = "kept" if fate.is_kept else "would be deleted" if dry_run else "deleted"
        table.add_row(_escaped(fate.collection), _coloured(word, is_good=fate.is_kept), _escaped(fate.reason))
    out().print(table)


def show_rollback(plan: "RollbackPlan", *, dry_run: bool) -> None:
    """Show from where to where."""
    word = "would lead" if dry_run else "leads"
    print_line(
        f"{plan.alias} {word} to {plan.target} ({format_count(plan.target_points)} points) instead of {plan.live}"
    )


def show_realiases(reports: "Sequence[Realias]", *, dry_run: bool) -> None:
    """Show where each alias leads now or would lead, and what brings it level."""
    rows = []
    for each in reports:
        row = (
            _escaped(each.alias),
            _coloured("would be set" if each.is_set and dry_run else str(each.fate), is_good=True),
            _short(each.collection or "nothing", alias=each.alias),
            "-" if each.points is None else format_count(each.points),
            "-" if each.synced_at is None else f"{each.synced_at:%Y-%m-%d %H:%M:%S %Z}",
        )
        rows.append(row)
    show_table(("collection", "alias", "leads to", "points", "level at"), rows)
    changed = [each.alias for each in reports if each.is_set]
    if changed and dry_run:
        hint("nothing was changed; leave out --dry-run to do it")
    elif changed:
        hint(
            f"`opsctl collections drift --repair {' '.join(changed)}` brings level what was written meanwhile"
        )


def failure_findings(results: "Results[Any]") -> list[Finding]:
    """Return the failures as findings for a JSON document."""
    return [
        replace(failure.error.as_finding(), title=f"{failure.alias}: {failure.error.message}")
        for failure in results.failures
    ]


def _coloured(text: str, *, is_good: bool) -> str:
    return f"[{'green' if is_good else 'red'}]{_escaped(text)}[/]"


def _short(generation: str, *, alias: str) -> str:
    """Return the part of a generation's name that tells it from its siblings."""
    return _escaped(generation.removeprefix(f"{alias}__"))


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} ms"
