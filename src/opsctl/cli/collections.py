"""Commands of `opsctl collections`: build derived collections, prove them, swap, roll back, keep them level."""

from typing import Annotated

import typer

from opsctl.cli import collections_plan
from opsctl.cli.options import DryRun, Json, command, group
from opsctl.core.exit_codes import ExitCode

app = group("Derived collections: built beside the live one, verified, and swapped by an alias.")
collections_plan.register(app)

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="Derived collections; all of the book when none is named."),
]
Name = Annotated[str, typer.Argument(help="A derived collection of the book.")]


@command(
    app,
    "opsctl collections rebuild",
    "opsctl collections rebuild au_photographers_quality --watch 1m",
    "opsctl collections rebuild --dry-run",
)
def rebuild(
    names: Names = None,
    *,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Build also what no point passes.")
    ] = False,
    watch: Annotated[
        str, typer.Option(metavar="TIME", help="How long to watch after the swap, ready to swap back.")
    ] = "5s",
    max_live_p95: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Pause the copy while the live alias is slower, such as 20ms."),
    ] = None,
    settle_deadline: Annotated[str, typer.Option(metavar="TIME", help="Longest wait for the graph.")] = "1h",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Build, verify and swap derived collections; an interrupted rebuild goes on where it stopped."""
    from opsctl.cli.collecting import rebuild_options
    from opsctl.cli.collections_work import rebuild_named, show_rebuild_plans

    options = rebuild_options(
        allow_empty=allow_empty, watch=watch, max_live_p95=max_live_p95, settle_deadline=settle_deadline
    )
    if dry_run:
        show_rebuild_plans(names or [], options=options, json=json)
    else:
        rebuild_named(names or [], options=options, json=json)


@command(app, "opsctl collections status", "opsctl collections status --json")
def status(json: Json = False) -> None:
    """Show what serves, how old it is against its budget, and what could be rolled back to."""
    from opsctl.cli.collecting import workbench
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.qdrant_collections.status import read_status
    from opsctl.ui.console import print_document
    from opsctl.ui.show_collections import show_status

    with workbench() as work:
        found = read_status(work.book, here=work.here)
    ok = all(each.ok for each in found)
    if json:
        print_document(document("opsctl.collections.status", data=found, ok=ok))
    else:
        show_status(found)
    leave(ExitCode.GOOD if ok else ExitCode.BAD_VERDICT)


@command(app, "opsctl collections verify", "opsctl collections verify au_photographers_quality --json")
def verify(names: Names = None, json: Json = False) -> None:
    """Prove what serves: counts, digest, filter, vectors, recall and latency against the source."""
    from opsctl.cli.collections_work import verify_named

    verify_named(names or [], json=json)


@command(
    app,
    "opsctl collections rollback au_photographers_quality --dry-run",
    "opsctl collections rollback au_photographers_quality --yes",
)
def rollback(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it; without this nothing is changed.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Swap the alias back to the newest verified generation before the live one."""
    from opsctl.cli.collections_work import roll_back_named

    roll_back_named(name, yes=yes, dry_run=dry_run, json=json)


@command(app, "opsctl collections realias --dry-run", "opsctl collections realias au_photographers_quality")
def realias(names: Names = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Lead aliases that lead to nothing to their newest verified generation again; others are left alone."""
    from opsctl.cli.collections_work import realias_named

    realias_named(names or [], dry_run=dry_run, json=json)


@command(app, "opsctl collections gc --dry-run", "opsctl collections gc")
def gc(names: Names = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Delete old generations: never one that serves or is being built, nor the newest good ones."""
    from opsctl.cli.collecting import workbench
    from opsctl.cli.document import document
    from opsctl.qdrant_collections.garbage import collect_all
    from opsctl.ui.console import print_document
    from opsctl.ui.show_collections import show_fates

    with workbench() as work:
        fates = collect_all(names or [], book=work.book, here=work.here, dry_run=dry_run)
    if json:
        print_document(document("opsctl.collections.gc", data=fates, ok=True))
    else:
        show_fates(fates, dry_run=dry_run)


@command(app, "opsctl collections drift", "opsctl collections drift au_photographers_quality --repair")
def drift(
    names: Names = None,
    repair: Annotated[bool, typer.Option("--repair", help="Write and delete what differs.")] = False,
    json: Json = False,
) -> None:
    """Compare what serves with its source: count, digest, watermark; mend only what differs."""
    from opsctl.cli.collections_work import drift_named

    drift_named(names or [], repair=repair, json=json)
