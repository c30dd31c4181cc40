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
    inputs: Annotated[
        bool, typer.Option("--inputs", help="List every number and where it comes from.")
    ] = False,
    json: Json = False,
    junit: Junit = None,
    markdown: Markdown = None,
) -> None:
    """Say what the plan costs a month at three loads, and what moves that. Exit 1: a budget is missed, 5: cannot tell."""
    from opsctl.cli import costs_estimating as estimating
    from opsctl.cli.exit import leave

    asked = estimating.Asked(choices=tuple(with_ or ()), junit=junit, markdown=markdown)
    leave(estimating.run(asked, whole=inputs, json=json))


@command(app, "opsctl costs measure", "opsctl costs measure --feeds 1000 --json")
def measure(
    *,
    feeds: Annotated[int, typer.Option(min=50, max=20_000, help="Feeds of each arm.")] = 300,
    readers: Annotated[int, typer.Option(min=10, max=20_000, help="Readers who ask for them.")] = 300,
    json: Json = False,
) -> None:
    """Measure what a feed uses, with caches and batches and without, by the service's own counters.

    It runs on a stack of its own below the state folder, with a simulated model; yours is not touched. Takes about three
    minutes. Exit 5: something is wrong with the measurement, so no estimate uses it. With other numbers than the usual ones the
    record has a subject of its own, and the checklist does not take it.
    """
    from opsctl.cli import costs_measuring as measuring
    from opsctl.cli.exit import leave

    leave(measuring.run(measuring.MeasureAsked(feeds=feeds, readers=readers), json=json))
