"""Commands of `opsctl cache`: what holds, how well it does, and dropping entries by hand."""

from typing import Annotated

import typer

from opsctl.cli.options import DryRun, Json, command, group
from opsctl.service.cache.kinds import Kind

app = group("The caches of the ranking service: policy, figures, and dropping entries by hand.")


@command(app, "opsctl cache policy", "opsctl cache policy --json")
def policy(json: Json = False) -> None:
    """Show how long each kind of entry lives, where, and what drops it; and what of that the book says."""
    from opsctl.cli import wiring
    from opsctl.cli.document import document
    from opsctl.service.cache.overview import policy_of
    from opsctl.ui.console import print_document
    from opsctl.ui.show_cache import show_policy

    book = wiring.cache_book()
    kinds, path = policy_of(book), wiring.settings().project.books.cache
    if json:
        data = {"book": book, "path": path, "kinds": kinds}
        print_document(document("opsctl.cache.policy", data=data, ok=True))
    else:
        show_policy(kinds, book=book, path=path)


@command(app, "opsctl cache stats", "OPSCTL_SERVICE_URL=http://127.0.0.1:8000 opsctl cache stats --json")
def stats(json: Json = False) -> None:
    """Show hits, misses, entries and bytes by tier and kind of the running service, and what L2 says of itself."""
    import asyncio

    from opsctl.cli import wiring
    from opsctl.cli.document import document
    from opsctl.service.cache.store_figures import read_store_figures
    from opsctl.service.cache.tally import read_metrics, tally
    from opsctl.ui.console import print_document
    from opsctl.ui.show_cache import show_stats

    store = asyncio.run(read_store_figures(wiring.open_cache_store))
    kinds = tally(read_metrics(wiring.service_address()))
    if json:
        print_document(document("opsctl.cache.stats", data={"kinds": kinds, "store": store}, ok=True))
    else:
        show_stats(kinds, store=store, backend=wiring.cache_book().l2.backend)


@command(
    app,
    "opsctl cache invalidate --content 4711 --dry-run",
    "opsctl cache invalidate --user 42",
    "opsctl cache invalidate --kind agent_score",
    "opsctl cache invalidate --all",
)
def invalidate(
    content: Annotated[
        list[int] | None,
        typer.Option("--content", min=0, metavar="ID", help="Drop an item: its entries, feeds with it."),
    ] = None,
    user: Annotated[
        list[int] | None,
        typer.Option("--user", min=0, metavar="ID", help="Drop a user's feeds and vector."),
    ] = None,
    kind: Annotated[
        list[Kind] | None,
        typer.Option("--kind", metavar="KIND", help=f"Drop all entries of a kind: {', '.join(Kind)}."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Drop everything in L1 and L2.")] = False,
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Drop entries in every worker of this machine and in L2. They are fetched anew when they are asked for."""
    import asyncio

    from opsctl.cli import wiring
    from opsctl.cli.document import document
    from opsctl.service.cache.by_hand import carry_out, plan_invalidation, require_reached
    from opsctl.ui.console import print_document
    from opsctl.ui.show_cache import show_plan, show_reached

    if not (content or user or kind or everything):
        raise typer.BadParameter("say what to drop: --content, --user, --kind or --all")
    plan = plan_invalidation(
        contents=content or (), users=user or (), kinds=kind or (), everything=everything
    )
    if dry_run:
        print_document(document("opsctl.cache.plan", data=plan, ok=True)) if json else show_plan(plan)
        return
    opened = wiring.open_cache_store
    reached = asyncio.run(carry_out(plan, journal=wiring.invalidation_journal(), open_store=opened))
    if json:
        ok = reached.store_error is None
        print_document(document("opsctl.cache.invalidate", data=reached, ok=ok))
    else:
        show_reached(reached)
    require_reached(reached)
