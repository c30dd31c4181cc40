"""Commands of `opsctl learned`: what the ranking has learned, going back to an older version, decisions made again."""

from enum import StrEnum
from typing import Annotated

import typer

from opsctl.cli.options import DryRun, Json, command, group

app = group("What the ranking has learned: its versions, the way back, and decisions made again.")


class What(StrEnum):
    """What is learned."""

    POLICY = "policy"
    ARMS = "arms"


Kind = Annotated[What, typer.Argument(help="The policy over the agents' weights, or the exploration arms.")]
Learner = Annotated[
    str,
    typer.Option("--learner", metavar="NAME", help="EXPERIMENT/ARM; default: the service's own."),
]


@command(app, "opsctl learned list", "opsctl learned list arms --last 5 --json", name="list")
def list_(
    what: Kind = What.POLICY,
    *,
    learner: Learner = "",
    last: Annotated[int, typer.Option("--last", min=1, help="So many versions, the newest first.")] = 10,
    json: Json = False,
) -> None:
    """Show the versions of what was learned: mean weights of the agents and their variance, or rates of the arms."""
    from opsctl.cli import learning
    from opsctl.cli.filling import tell
    from opsctl.ui.show_learned import show_versions

    found = learning.versions(what, learner=learner, last=last)
    tell("opsctl.learned.list", data=found, json=json, show=lambda: show_versions(found, what=what))


@command(
    app,
    "opsctl learned rollback policy --to 41 --dry-run",
    "opsctl learned rollback policy --to 41",
)
def rollback(
    what: Kind,
    *,
    to: Annotated[int, typer.Option("--to", metavar="VERSION", min=1, help="As `learned list` shows it.")],
    learner: Learner = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make what an older version knew the newest version. Nothing is removed, so this can be taken back the same way."""
    from opsctl.cli import learning
    from opsctl.cli.filling import tell
    from opsctl.ui.show_learned import show_rollback

    done = learning.roll_back(what, to=to, learner=learner, is_dry_run=dry_run)
    tell("opsctl.learned.rollback", data=done, json=json, show=lambda: show_rollback(done))


@command(
    app,
    "opsctl learned replay",
    "opsctl learned replay 01JF3Z8Q4N --json",
    "opsctl learned replay --last 1000 --tolerance 1e-9",
)
def replay(
    feed: Annotated[
        list[str] | None,
        typer.Argument(metavar="FEED...", help="Ids of feeds, as answers name them; default: the last ones."),
    ] = None,
    *,
    last: Annotated[int, typer.Option("--last", min=1, help="So many decisions, where none is named.")] = 100,
    tolerance: Annotated[
        float,
        typer.Option("--tolerance", min=0, help="How far numbers may lie apart, for another processor."),
    ] = 0.0,
    json: Json = False,
) -> None:
    """Make logged decisions again, and compare the slates bit for bit. Exit 1: one differs, 5: none was logged."""
    from opsctl.cli import learning
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.ui.console import print_document
    from opsctl.ui.show_learned import show_replays

    replayed = learning.replays(feed or (), last=last, tolerance=tolerance)
    if json:
        print_document(document("opsctl.learned.replay", data=replayed, ok=learning.is_good(replayed)))
    else:
        show_replays(replayed)
    leave(learning.exit_code(replayed))
