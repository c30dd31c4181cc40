"""How do backups look: what is kept and verified, what one holds, what a verification and a restore found."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from opsctl.core.units import format_bytes, format_count, format_duration
from opsctl.dr.kept import Kept, Mark
from opsctl.dr.manifest import BackupKind, BackupManifest
from opsctl.dr.plan import RestorePlan
from opsctl.dr.restore import Done, RestoreReport
from opsctl.dr.verify import CheckDone, Depth, VerifyReport
from opsctl.ui.console import hint, note, print_line
from opsctl.ui.show_error import show_findings
from opsctl.ui.table import show_table

# The archiver looks and notes every few seconds, also while the server or the repository is away.
_SILENT_SECONDS = 60.0


def show_backups(backups: Sequence[Kept], *, place: str, now: datetime) -> None:
    """Print a table of backups, the newest first."""
    from rich.markup import escape

    if not backups:
        print_line(f"no backup in {place}")
        hint("make one: `opsctl dr backup`")
        return
    rows = []
    for kept in backups:
        age = format_duration(max(0.0, (now - kept.started_at).total_seconds()))
        sealed = "yes" if kept.is_encrypted else "[yellow]no[/]"
        rows.append((escape(kept.backup_id), age, *_sizes(kept.manifest), sealed, _verified(kept, now=now)))
    show_table(("backup", "age", "stored", "plain", "points", "encrypted", "verified"), rows)
    for kept in backups:
        if kept.trouble is not None:
            print_line(f"{kept.backup_id} cannot be read here: {kept.trouble}")


def show_backup(manifest: BackupManifest, *, place: str, seconds: float) -> None:
    """Print what was kept, and warn where anybody who gets hold of it can read it."""
    from rich.markup import escape

    stored = sum(file.stored_bytes for file in manifest.files)
    plain = sum(file.size_bytes for file in manifest.files)
    took = format_duration(seconds)
    print_line(
        f"kept {manifest.backup_id}: {format_bytes(plain)} as {format_bytes(stored)} in {took}, in {place}"
    )
    rows = []
    if manifest.base is not None:
        what = f"{manifest.kind}, up to {manifest.base.end_lsn}, timeline {manifest.base.timeline}"
        rows.append(
            ("postgres", what, *_file_sizes(manifest.base.tar.size_bytes, manifest.base.tar.stored_bytes))
        )
    if manifest.dump is not None:
        what = f"dump of {escape(manifest.dump.database)}, {format_count(sum(manifest.dump.tables.values()))} rows"
        rows.append(
            ("postgres", what, *_file_sizes(manifest.dump.tar.size_bytes, manifest.dump.tar.stored_bytes))
        )
    for each in manifest.vectors:
        what = f"{format_count(each.points)} points" + ("" if each.is_quiet else ", written to meanwhile")
        sizes = _file_sizes(each.snapshot.size_bytes, each.snapshot.stored_bytes)
        rows.append((escape(each.collection), what, *sizes))
    show_table(("store", "what", "plain", "stored"), rows)
    _warn_if_open(is_encrypted=all(file.key.endswith(".age") for file in manifest.files))
    hint("`opsctl dr verify` proves that it comes back")


def show_backup_plan(plan: Any) -> None:
    """Print what a backup would be."""
    article = "an" if plan.kind is BackupKind.INCREMENTAL else "a"
    print_line(f"would make {article} {plan.kind} backup in {plan.place}: {plan.reason}")
    if plan.offsite is not None:
        print_line(f"and copy it to {plan.offsite}")
    _warn_if_open(is_encrypted=bool(plan.encrypted_for))


def show_window(window: Any, archiving: Any, *, now: datetime, is_ours: bool = True) -> None:
    """Print to which points one can go, and, of the repository of this project, what would be lost now."""
    if window is None:
        return
    print_line(
        f"\nany point from {window.oldest_at:%Y-%m-%d %H:%M:%S} UTC ({window.oldest_lsn}) to {window.newest_lsn}"
    )
    if window.trouble is not None:
        print_line(f"  the log is not whole: {window.trouble}")
    if window.needs_key:
        print_line("  and further: there was a restore, and how the log goes on after it is encrypted")
        hint("`opsctl dr list --identity FILE` tells how far, with the secret key")
    if not is_ours:  # what the archiver of this project notes is about another place
        return
    if archiving is None or (now - archiving.noted_at).total_seconds() > _SILENT_SECONDS:
        hint(
            "no archiver runs: what happens from now on is in no backup; `opsctl stack up archiver` ships it"
        )
    if archiving is None:
        return
    age = format_duration(max(0.0, (now - archiving.shipped_at).total_seconds()))
    print_line(
        f"the log was shipped {age} ago, with all that was committed before {archiving.shipped_at:%Y-%m-%d %H:%M:%S} UTC; "
        f"{format_bytes(archiving.waiting_bytes)} wait"
    )
    for trouble in (archiving.trouble, archiving.lost):
        if trouble is not None:
            print_line(f"  {trouble}")
    if archiving.lost is not None:
        hint("a base backup that is newer than that needs nothing of it: `opsctl dr backup --full`")


def show_key(made: Any) -> None:
    """Print the public key, and what to do with both."""
    from rich.markup import escape

    print_line(made.recipient)
    note(
        f"the secret key is in {escape(made.file)}: keep it in two places apart from the backups, then remove it here"
    )
    line = f"encryption: {{recipients: [{made.recipient}]}}"
    hint(f"into ops/backup.yaml goes `{escape(line)}`, then `opsctl dr backup --full`")


def show_verified(reports: Sequence[VerifyReport]) -> None:
    """Print each step of each verification, and every doubt."""
    for report in reports:
        show_findings(report.doubts)
        what = "restored and compared" if report.depth is Depth.RESTORED else "every stored byte hashed"
        verdict = "no doubt" if report.is_good else _number(len(report.doubts), "doubt")
        print_line(
            f"{'✔' if report.is_good else '✘'} {report.backup_id}: {what}, {format_bytes(report.stored_bytes)}, "
            f"{format_duration(report.seconds)}: {verdict}"
        )
        if report.depth is Depth.RESTORED:  # else there is one step, which the line above has told
            _show_steps(report.steps)


def show_restore_plan(plan: RestorePlan) -> None:
    """Print what a restore would take."""
    rows = {
        "from": ", ".join(plan.backups) or "no copy of the database: it is left as it is",
        "to": plan.target if plan.reaches is None else f"{plan.target}; the log reaches {plan.reaches}",
        "vectors": f"{plan.collections} collections of {plan.vectors_from}"
        if plan.vectors_from
        else "built anew from the database",
        "log": _number(plan.segments, "segment"),
        "fetched": format_bytes(plan.fetched_bytes),
        "room needed": format_bytes(plan.space_bytes),
        "about": format_duration(plan.forecast_seconds),
        "into": plan.into,
    }
    for name, value in rows.items():
        print_line(f"  {name:<12} {value}")
    for path in plan.replaces:
        print_line(f"  moved aside  {path}")
    for name in plan.left_out:
        print_line(f"  left out     {name}: damaged, or found bad by its last verification")


def show_restored(report: RestoreReport, *, into: str) -> None:
    """Print what was restored, step by step, and every doubt."""
    from rich.markup import escape

    show_findings(report.doubts)
    _show_steps(report.steps)
    if not report.is_proven:
        print_line(f"✘ not handed over: {_number(len(report.doubts), 'doubt')}; the target is as it was")
        return
    where = "" if report.point is None else f" at {report.point.lsn}, timeline {report.point.timeline}"
    print_line(f"✔ restored {report.target}{where} in {format_duration(report.seconds)}")
    if into == "live" and report.point is None:
        hint("remove what was put aside when all is well: `opsctl dr prune --replaced`")
    elif into == "live":
        hint(
            "caches may hold what is no longer true: `opsctl cache invalidate --all`; then `opsctl dr backup --full`"
        )
    else:
        hint(f"secrets are not in a backup: put them back, then `opsctl --project {escape(into)} stack up`")


def show_pruned(pruned: Any, *, dry_run: bool) -> None:
    """Print what was removed, and why the others stay."""
    verb = "would remove" if dry_run else "removed"
    print_line(
        f"{verb} {_number(len(pruned.gone), 'backup')}; {_number(pruned.objects, 'object')} of backups and of the log, "
        f"{format_bytes(pruned.size_bytes)}"
    )
    for name in pruned.gone:
        print_line(f"  {name}")
    for name in pruned.leftovers:
        print_line(f"  {name}: begun and never finished, or half removed")
    for path in pruned.replaced:
        print_line(f"  {path}, put aside by a restore")
    for name, reasons in pruned.kept.items():
        print_line(f"  kept {name}: {', '.join(reasons)}")


def _warn_if_open(*, is_encrypted: bool) -> None:
    if not is_encrypted:
        hint(
            "it is not encrypted: `opsctl dr key` makes a pair of keys, whose public one belongs into ops/backup.yaml"
        )


def _number(count: int, thing: str) -> str:
    return f"{format_count(count)} {thing}" + ("" if count == 1 else "s")


def _show_steps(steps: Sequence[Done | CheckDone]) -> None:
    rows = []
    for done in steps:
        figures = {} if isinstance(done, CheckDone) else done.figures
        told = ", ".join(
            f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}"
            for name, value in figures.items()
        )
        rows.append((str(done.step), format_duration(done.seconds), told))
    show_table(("step", "took", "what"), rows)


def _sizes(manifest: BackupManifest | None) -> tuple[str, str, str]:
    if manifest is None:
        return "?", "?", "?"
    stored = sum(file.stored_bytes for file in manifest.files)
    plain = sum(file.size_bytes for file in manifest.files)
    return (
        format_bytes(stored),
        format_bytes(plain),
        format_count(sum(each.points for each in manifest.vectors)),
    )


def _file_sizes(plain: int, stored: int) -> tuple[str, str]:
    return format_bytes(plain), format_bytes(stored)


def _verified(kept: Kept, *, now: datetime) -> str:
    if kept.verified is None:
        return "[yellow]never[/]"
    age = format_duration(max(0.0, (now - kept.verified.at).total_seconds()))
    return f"[green]✔ {age} ago[/]" if kept.verified.mark is Mark.GOOD else f"[red]✘ {age} ago[/]"
