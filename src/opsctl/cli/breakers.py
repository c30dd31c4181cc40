"""Commands of `opsctl breakers`: what the service leaves alone, and ordering it to do so or not."""

from typing import Annotated

import typer

from opsctl.cli.options import Json, command, group

app = group("The circuit breakers of the ranking service: their states, and orders by hand.")

Dependency = Annotated[
    str, typer.Argument(metavar="DEPENDENCY", help="`vectors`, `database`, `model` or `l2`.")
]
Owner = Annotated[
    str,
    typer.Option("--owner", metavar="NAME", envvar="OPSCTL_OWNER", help="Who answers for the order."),
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the log.")]
For = Annotated[str, typer.Option("--for", metavar="TIME", help="How long it stands, at most a day.")]


@command(app, "opsctl breakers list", "opsctl breakers list --json")
def list(json: Json = False) -> None:
    """Show the state of each breaker and tier in the running service, and the orders that stand. Exit 3: no service."""
    from opsctl.cli import breaking
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.core.exit_codes import ExitCode
    from opsctl.ui.console import print_document
    from opsctl.ui.show_breakers import show_breakers

    seen = breaking.seen()
    if json:
        print_document(document("opsctl.breakers.list", data=seen, ok=True))
    else:
        show_breakers(seen)
    if all(each.state is None for each in seen):
        leave(ExitCode.NOT_READY)


@command(app, "opsctl breakers isolate vectors --owner anna --for 30m --reason 'new index'")
def isolate(
    dependency: Dependency, owner: Owner, reason: Reason = "", for_: For = "30m", json: Json = False
) -> None:
    """Have every worker leave a dependency alone, whatever its state. Feeds come from lower tiers meanwhile."""
    from opsctl.cli import breaking

    breaking.order(dependency, "isolated", owner=owner, reason=reason, duration=for_, as_json=json)


@command(app, "opsctl breakers force-closed model --owner anna --for 10m --reason 'is slow'")
def force_closed(
    dependency: Dependency, owner: Owner, reason: Reason = "", for_: For = "30m", json: Json = False
) -> None:
    """Have every worker call a dependency although it fails. Each call then waits for its own time limit."""
    from opsctl.cli import breaking

    breaking.order(dependency, "forced_closed", owner=owner, reason=reason, duration=for_, as_json=json)


@command(app, "opsctl breakers release vectors")
def release(dependency: Dependency, json: Json = False) -> None:
    """Take an order back. An isolated dependency is first tried with a few calls."""
    from opsctl.cli import breaking

    breaking.release(dependency, as_json=json)
