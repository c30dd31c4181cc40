"""Commands of `opsctl catalog`: items into the database, and their vectors after them."""

from typing import Annotated

import typer

from opsctl.cli.options import DryRun, Json, command, group
from opsctl.core.exit_codes import ExitCode

app = group("The items: PostgreSQL holds the truth, the source collection follows it.")

NoSync = Annotated[bool, typer.Option("--no-sync", help="Leave the vectors for a later `catalog sync`.")]


IfAlone = Annotated[
    bool,
    typer.Option("--if-alone", help="Only where there are none but such as this makes: none of your own."),
]


@command(app, "opsctl catalog generate", "opsctl catalog generate --items 100000 --seed 7")
def generate(
    items: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many items.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same items everywhere.")] = 1,
    if_alone: IfAlone = False,
    no_sync: NoSync = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make a marketplace of creative vendors from a seed; items that are there already stay as they are."""
    from opsctl.catalog.generate import preview_items
    from opsctl.cli import filling, wiring
    from opsctl.cli.filling import tell
    from opsctl.ui.progress import progress
    from opsctl.ui.show_catalog import show_generated, show_preview

    schema = "opsctl.catalog.generate"
    if dry_run:
        preview = preview_items(items, seed=seed)
        tell(schema, data={"preview": preview}, json=json, show=lambda: show_preview(preview))
        return
    with progress() as listener, wiring.backends(listener) as servers:
        if if_alone and filling.has_other_items(servers, seed=seed):
            items = 0
        counts = filling.generate(servers, items=items, seed=seed, listener=listener)
        synced = None if no_sync else filling.sync(servers, listener=listener)
    data = {"counts": counts, "sync": synced}
    tell(schema, data=data, json=json, show=lambda: show_generated(counts, synced))


@command(
    app,
    "opsctl catalog import listings.csv --mapping mapping.yaml",
    "opsctl catalog import nyc_listings.csv --mapping nyc_listings --dry-run",
    "opsctl catalog import supabase:listings --mapping mapping.yaml",
    name="import",
)
def import_(
    file: Annotated[
        str, typer.Argument(help="CSV, JSONL or Parquet file; or supabase:TABLE, a table of `supabase.url`.")
    ],
    *,
    mapping: Annotated[
        str | None,
        typer.Option(
            metavar="MAPPING",
            help="Mapping book, or the name of a shipped one (nyc_listings); default: named like the file or table.",
        ),
    ] = None,
    max_rejects: Annotated[
        str,
        typer.Option(
            metavar="SHARE", help="Above this share of bad rows the exit code is 1, such as 5% or 0.05."
        ),
    ] = "5%",
    again: Annotated[
        bool, typer.Option("--again", help="Import a file once more that was imported.")
    ] = False,
    no_sync: NoSync = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Bring the rows of a file into the database; killed in the middle, the same command goes on from there."""
    from opsctl.catalog.import_file import parse_share, rejects_verdict
    from opsctl.cli import filling, importing, wiring
    from opsctl.cli.exit import leave
    from opsctl.cli.filling import tell
    from opsctl.ui.progress import progress
    from opsctl.ui.show_catalog import show_import

    share, synced = parse_share(max_rejects), None
    with progress() as listener, importing.opened(file, mapping=mapping, listener=listener) as source:
        if dry_run:
            report = source.check(listener)
        else:
            with wiring.backends(listener) as servers:
                report = source.import_into(servers, again=again, listener=listener)
                synced = None if no_sync else filling.sync(servers, listener=listener)
    finding = rejects_verdict(report, max_share=share)
    tell(
        "opsctl.catalog.import",
        data={"import": report, "sync": synced},
        findings=() if finding is None else (finding,),
        json=json,
        show=lambda: show_import(report, synced, finding),
    )
    leave(ExitCode.GOOD if finding is None else ExitCode.BAD_VERDICT)


@command(app, "opsctl catalog sync", "opsctl catalog sync --from-scratch")
def sync(
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="Drop the source collection and build it anew.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Let the source collection follow the database: every change since the recorded watermark."""
    from opsctl.cli import filling, wiring
    from opsctl.cli.filling import tell
    from opsctl.ui.progress import progress
    from opsctl.ui.show_catalog import show_overview, show_sync

    schema = "opsctl.catalog.sync"
    with progress() as listener, wiring.backends(listener) as servers:
        if dry_run:
            overview = filling.overview(servers)
            tell(schema, data={"before": overview}, json=json, show=lambda: show_overview(overview))
            return
        report = filling.sync(servers, listener=listener, from_scratch=from_scratch)
    tell(schema, data={"sync": report}, json=json, show=lambda: show_sync(report))


@command(app, "opsctl catalog readers", "opsctl catalog readers --users 500 --seed 7 --dry-run")
def readers(
    users: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="How many readers, from id 1 on.")
    ] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same readers.")] = 7,
    if_alone: IfAlone = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make simulated readers with 60 days of interactions, for demos and load. Those that are there stay as they are."""
    from opsctl.cli import filling, wiring
    from opsctl.cli.filling import tell
    from opsctl.ui.progress import progress
    from opsctl.ui.show_readers import show_preview, show_readers

    schema, fixed = "opsctl.catalog.readers", {"users": users, "seed": seed, "simulated": True}
    with progress() as listener, wiring.backends(listener) as servers:
        if dry_run:
            preview = filling.preview_readers(servers, users=users, seed=seed)
            looked = fixed | {"preview": preview}
            tell(schema, data=looked, json=json, show=lambda: show_preview(preview, seed=seed))
            return
        wanted = 0 if if_alone and filling.has_real_readers(servers) else users
        counts = filling.readers(servers, users=wanted, seed=seed, listener=listener)
    data = fixed | {"counts": counts}
    tell(schema, data=data, json=json, show=lambda: show_readers(counts, users=users, seed=seed))


@command(app, "opsctl catalog stats", "opsctl catalog stats --json")
def stats(json: Json = False) -> None:
    """Count the items by region and category, and show how far the vectors follow them."""
    from opsctl.cli import filling, wiring
    from opsctl.cli.filling import tell
    from opsctl.ui.progress import progress
    from opsctl.ui.show_catalog import show_overview

    with progress() as listener, wiring.backends(listener) as servers:
        overview = filling.overview(servers)
    tell("opsctl.catalog.stats", data=overview, json=json, show=lambda: show_overview(overview))


@command(app, "opsctl catalog migrate", "opsctl catalog migrate --dry-run")
def migrate(dry_run: DryRun = False, json: Json = False) -> None:
    """Bring the tables of the database up to date, and do nothing else: what a deployment runs before its service.

    Every command that needs tables does so by itself; two at once wait for each other.
    """
    from opsctl.cli import filling, wiring
    from opsctl.cli.filling import tell
    from opsctl.ui.progress import progress
    from opsctl.ui.show_catalog import show_migrated

    with progress() as listener, wiring.backends(listener) as servers:
        names = filling.migrate(servers, dry_run=dry_run, listener=listener)
    tell(
        "opsctl.catalog.migrate",
        data={"migrations": names, "applied": not dry_run},
        json=json,
        show=lambda: show_migrated(names, is_dry_run=dry_run),
    )
