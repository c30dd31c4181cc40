"""The command `opsctl experiments replay`: how would policies have done on a log that is there already?"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.options import Json, command

if TYPE_CHECKING:
    from opsctl.core.events import Listener
    from opsctl.experiments.learners.replay_columns import Column
    from opsctl.experiments.learners.replay_log import ReplayLog
    from opsctl.experiments.learners.replay_model import Method, Replay, ReplayOptions


def _column(help: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(metavar="COLUMN", help=help)
    return option


LogFile = Annotated[Path, typer.Argument(help="Ratings or clicks: CSV, CSV.gz or Parquet.")]
LikeAt = Annotated[
    float, typer.Option("--like-at", help="Ratings from here on are a reward; the others are none.")
]
Policies = Annotated[
    list[str] | None, typer.Option("--policy", metavar="NAME", help="Only these; default: all six.")
]
MethodName = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="rejection or weights; default: weights if propensities are there."),
]
Rows = Annotated[int, typer.Option(min=100, help="The earliest rows that are kept; memory goes by it.")]
Candidates = Annotated[int, typer.Option(min=2, max=1000, help="Items to choose from for each rating.")]
LearnEvery = Annotated[
    int, typer.Option("--learn-every", min=10, max=100_000, help="Rows after which policies learn.")
]
Early = Annotated[float, typer.Option(min=0.01, max=0.9, help="Share of the rows that vectors are made of.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same figures.")]
Header = Annotated[
    str | None,
    typer.Option(metavar="A,B,...", help="Names of the columns, if the file has no line of names."),
]
User = Annotated[str | None, _column("Who.")]
Item = Annotated[str | None, _column("What.")]
Rating = Annotated[str | None, _column("How good it was found.")]
Time = Annotated[str | None, _column("When: seconds since 1970, or a date and time.")]
Click = Annotated[str | None, _column("Whether it was clicked, 0 or 1.")]
Position = Annotated[str | None, _column("Where it stood.")]
Propensity = Annotated[str | None, _column("How probable the choice was.")]
Features = Annotated[
    list[str] | None, typer.Option("--feature", metavar="COLUMN", help="Says something of the reader.")
]


def register(app: typer.Typer) -> None:
    """Add the verb to the group `experiments`."""
    command(
        app,
        "opsctl experiments replay ratings.csv",
        "opsctl experiments replay u.data --header user,item,rating,time --like-at 4",
        "opsctl experiments replay clicks.csv.gz --policy beta_ts --policy epinet_ts",
    )(replay)


def replay(
    file: LogFile,
    *,
    like_at: LikeAt = 4.0,
    policy: Policies = None,
    method: MethodName = None,
    rows: Rows = 1_000_000,
    candidates: Candidates = 10,
    learn_every: LearnEvery = 500,
    early: Early = 0.2,
    seed: Seed = 1,
    header: Header = None,
    user: User = None,
    item: Item = None,
    rating: Rating = None,
    time: Time = None,
    click: Click = None,
    position: Position = None,
    propensity: Propensity = None,
    feature: Features = None,
    json: Json = False,
) -> None:
    """Replay a real log: what each policy would have earned, and how far the log can tell. Exit 5: it cannot."""
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.core.exit_codes import ExitCode
    from opsctl.ui.console import print_document
    from opsctl.ui.progress import progress
    from opsctl.ui.show_replay import replay_data, show_replay

    options = _options(policy, method, candidates=candidates, block=learn_every, early=early, seed=seed)
    named = _named(
        user=user, item=item, rating=rating, time=time, click=click, position=position, propensity=propensity
    )
    log = _read(file, header=header, named=named, features=feature or (), rows=rows, like_at=like_at)
    with progress() as listener:
        result = _replayed(file, log, options, listener=listener)
    if json:
        data = replay_data(result, file=file.name)
        print_document(document("opsctl.experiments.replay", data=data, ok=result.is_conclusive))
    else:
        show_replay(result, file=file.name)
    leave(ExitCode.GOOD if result.is_conclusive else ExitCode.INCONCLUSIVE)


def _options(
    policies: Sequence[str] | None,
    method: str | None,
    *,
    candidates: int,
    block: int,
    early: float,
    seed: int,
) -> "ReplayOptions":
    """Return the options, once it is sure that policies and method are known."""
    from opsctl.experiments.learners.policies import POLICIES, unknown_policy
    from opsctl.experiments.learners.replay_model import ReplayOptions

    if not 0 < early < 1:  # NaN is within all bounds that the option has
        raise typer.BadParameter("a share of the rows, such as 0.2", param_hint="--early")
    chosen = tuple(dict.fromkeys(policies or POLICIES))
    unknown = next((each for each in chosen if each not in POLICIES), None)
    if unknown is not None:
        raise unknown_policy(unknown)
    return ReplayOptions(
        policies=chosen,
        method=None if method is None else _method(method),
        candidates=candidates,
        block=block,
        early=early,
        seed=seed,
    )


def _method(name: str) -> "Method":
    from opsctl.experiments.learners.replay_model import Method

    if name not in set(Method):
        raise typer.BadParameter("rejection or weights", param_hint="--method")
    return Method(name)


def _named(**names: str | None) -> "dict[Column, str]":
    from opsctl.experiments.learners.replay_columns import Column

    return {Column(column): name for column, name in names.items() if name is not None}


def _read(
    path: Path,
    *,
    header: str | None,
    named: "dict[Column, str]",
    features: Sequence[str],
    rows: int,
    like_at: float,
) -> "ReplayLog":
    from opsctl.experiments.learners.replay_columns import columns_of
    from opsctl.experiments.learners.replay_file import LogFile
    from opsctl.experiments.learners.replay_log import read_log

    names = [name.strip() for name in header.split(",")] if header else None
    file = LogFile(path, header=names)
    columns = columns_of(file.names, named=named, features=features, file=str(path))
    return read_log(file, columns, rows=rows, like_at=like_at, name=str(path))


def _replayed(path: Path, log: "ReplayLog", options: "ReplayOptions", *, listener: "Listener") -> "Replay":
    """Replay, and record what came of it."""
    import time

    import numpy as np
    import scipy

    from opsctl.cli import wiring
    from opsctl.experiments.learners.replay import replay as run
    from opsctl.experiments.learners.replay_evidence import Circumstances, replay_evidence
    from opsctl.experiments.learners.replay_file import digest_of_file

    began, started_at = time.monotonic(), wiring.clock().now()
    result = run(log, options, timer=time.perf_counter, listener=listener, name=path.name)
    circumstances = Circumstances(
        file=path.name,
        digest=digest_of_file(path),
        started_at=started_at,
        seconds=time.monotonic() - began,
        tools={"numpy": np.__version__, "scipy": scipy.__version__},
    )
    wiring.record(replay_evidence(result, options=options, circumstances=circumstances))
    return result
