"""How does `bench compare` of two addresses go: the same load to both in turns, within one session."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsctl.core.errors import UsageError
from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from contextlib import ExitStack

    from opsctl.bench.load.interleaved import Turns
    from opsctl.bench.load.metrics import Metric
    from opsctl.bench.load.ports import LoadJob
    from opsctl.core.events import Listener


@dataclass(frozen=True, slots=True, kw_only=True)
class InterleavedRequest:
    """What the user asked for."""

    urls: tuple[str, str]
    load: str
    rate: float | None
    rounds: int
    block: str
    noise_floor: float
    metrics: "tuple[Metric, ...]"
    allowed: tuple[str, ...]

    def turns(self) -> "Turns":
        """Return how the turns are made.

        Raises:
            UsageError: BEN014 the length of a turn is no duration, BEN072 it is too short or too long.
        """
        from opsctl.bench.load.interleaved import Turns
        from opsctl.bench.load.metrics import Metric
        from opsctl.core.units import parse_duration

        try:
            seconds = parse_duration(self.block)
        except ValueError as error:
            raise UsageError(str(error), code="BEN014", fix="write it as `3s`") from error
        if not 2 <= seconds <= 3600:
            raise UsageError(
                f"a turn of `{self.block}` is too short or too long",
                code="BEN072",
                why="its first third is left out, and whole seconds are compared",
                fix="choose 2s to 1h, such as --block 3s",
            )
        return Turns(
            rounds=self.rounds,
            turn_seconds=seconds,
            noise_floor=self.noise_floor,
            metrics=self.metrics or tuple(Metric),
        )


def are_addresses(first: str, second: str) -> bool:
    """Tell whether two words are addresses of services and no runs.

    Raises:
        UsageError: BEN065 when only one of them is.
    """
    kinds = [word.startswith(("http://", "https://")) for word in (first, second)]
    if kinds[0] != kinds[1]:
        raise UsageError(
            "a stored run and an address do not compare",
            code="BEN065",
            why="addresses are loaded in turns now; a stored run was loaded then",
            fix="give two addresses, or two runs: opsctl bench list",
        )
    return kinds[0]


def run_interleaved(request: InterleavedRequest, *, json: bool) -> ExitCode:
    """Load both addresses in turns, show the comparison and return the exit code."""
    from contextlib import ExitStack

    from opsctl.bench.load.interleaved import run_interleaved as compare_in_turns
    from opsctl.cli.bench_compare import show
    from opsctl.cli.bench_runs import exit_code
    from opsctl.cli.ending import ends_as_by_ctrl_c
    from opsctl.cli.stepping import sender
    from opsctl.ui.progress import progress

    turns = request.turns()
    with ExitStack() as exit_stack:
        exit_stack.enter_context(ends_as_by_ctrl_c())
        listener = exit_stack.enter_context(progress())
        first, second = (_job(request, url, exit_stack, listener=listener) for url in request.urls)
        comparison = compare_in_turns((first, second), send=sender(), turns=turns, listener=listener)
    show(comparison, json=json)
    return exit_code(comparison.verdict)


def _job(
    request: InterleavedRequest, url: str, exit_stack: "ExitStack", *, listener: "Listener"
) -> "LoadJob":
    from opsctl.bench.load.adjust import Adjustments
    from opsctl.cli.load_request import LoadRequest
    from opsctl.cli.load_target import load_target
    from opsctl.cli.loading import book_of
    from opsctl.cli.stepping import step_job

    changes = Adjustments(target=url, rate=request.rate)
    book, folder = book_of(LoadRequest(name=request.load, changes=changes, allowed=request.allowed))
    target = exit_stack.enter_context(
        load_target(book, folder=folder, allowed=request.allowed, listener=listener)
    )
    return step_job(request.load, book=book, folder=folder, target=target)
