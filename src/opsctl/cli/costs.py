"""Commands of `opsctl costs`: what a feed uses, and what the plan costs a month."""

from typing import Annotated

import typer

from opsctl.cli.options import Json, Junit, Markdown, command, group

app = group("Costs: what a feed uses, measured, and what the plan costs a month at three loads.")


@command(
    app,
    "opsctl costs estimate",
    "opsctl costs estimate --inputs",
    "opsctl costs estimate --with model=haiku_4_5 --with edge=own",
    "opsctl costs estimate --json --junit costs.xml --markdown docs/costs.md",
)
def estimate(
    *,
    with_: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="PART=NAME", help="Try another provider; nothing is recorded then."),
    ] = None,
    inputs: Annotated[bool, typer.Option("--inputs", help="List every number and where it comes from.")] = False,
    json: Json = False,
    junit: Junit = None,
    markdown: Markdown = None,
) -> None:
    """Say what the plan costs a month at three loads, and what moves that. Exit 1: a budget is missed, 5: cannot tell."""
    from opsctl.cli import costs_estimating as estimating
    from opsctl.cli.exit import leave

    asked = estimating.Asked(choices=tuple(with_ or ()), junit=junit, markdown=markdown)
    leave(estimating.run(asked, whole=inputs, json=json))
