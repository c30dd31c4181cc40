"""How does the loading of a dump look: what would be loaded, what was, and what comes next."""

from typing import Any

from opsctl.core.units import format_bytes, format_count, format_duration
from opsctl.ui.console import hint, note, print_line


def show_load_plan(plan: Any) -> None:
    """Print what would be loaded."""
    rows = {
        "from": f"{plan.backup_id}, database {plan.database}",
        "into": f"{plan.into}, which is empty",
        "tables": f"{format_count(plan.tables)}, with {format_count(plan.rows)} rows",
        "fetched": format_bytes(plan.fetched_bytes),
    }
    for name, value in rows.items():
        print_line(f"  {name:<12} {value}")
    if plan.has_roles:
        hint(
            "roles that are not there yet: `opsctl dr load --roles roles.sql`, read it, and run what is wanted of it"
        )


def show_loaded(loaded: Any) -> None:
    """Print what was loaded."""
    rows = format_count(sum(loaded.tables.values()))
    took = format_duration(loaded.seconds)
    print_line(
        f"✔ loaded {loaded.plan.backup_id} into {loaded.plan.into} in {took}: "
        f"{format_count(len(loaded.tables))} tables, {rows} rows, each as many as were dumped"
    )
    if loaded.renumbered:
        note(f"{format_count(loaded.renumbered)} changes of the outbox were numbered anew for this server")
    hint("set `database.url` to it, then build the vectors: `opsctl catalog sync --from-scratch`")


def show_roles(written: Any, *, dry_run: bool) -> None:
    """Print where the roles are."""
    verb = "would write" if dry_run else "wrote"
    print_line(
        f"{verb} the roles of {written.backup_id} to {written.file}, {format_bytes(written.size_bytes)}"
    )
    hint("it holds hashes of passwords: read it, run what is wanted of it, and remove it")
