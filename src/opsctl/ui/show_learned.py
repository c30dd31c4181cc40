"""How does what was learned look: versions, going back, decisions made again."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from opsctl.ui.console import hint, note
from opsctl.ui.table import show_table


class Version(Protocol):
    """A version as it is shown."""

    @property
    def version(self) -> int: ...  # noqa: D102 - values
    @property
    def learned_at(self) -> datetime: ...  # noqa: D102
    @property
    def shares(self) -> Mapping[str, float]: ...  # noqa: D102
    @property
    def spread(self) -> float: ...  # noqa: D102


class Rollback(Protocol):
    """What was written, or would be."""

    @property
    def what(self) -> str: ...  # noqa: D102
    @property
    def newest(self) -> int: ...  # noqa: D102
    @property
    def to(self) -> int: ...  # noqa: D102
    @property
    def written(self) -> int: ...  # noqa: D102
    @property
    def is_dry_run(self) -> bool: ...  # noqa: D102


class Replayed(Protocol):
    """A decision that was made again."""

    @property
    def feed_id(self) -> str: ...  # noqa: D102
    @property
    def decided_at(self) -> datetime: ...  # noqa: D102
    @property
    def differences(self) -> tuple[str, ...]: ...  # noqa: D102


def show_versions(versions: Sequence[Version], *, what: str) -> None:
    """Print a row for each version."""
    from rich.markup import escape

    if not versions:
        note("nothing was learned yet: rewards come in once the window of a feed is over")
        return
    titles = (
        ("version", "learned", "mean weights", "variance")
        if what == "policy"
        else ("version", "learned", "mean rates", "entropy, nats")
    )
    show_table(
        titles,
        [
            (
                str(each.version),
                f"{each.learned_at:%Y-%m-%d %H:%M:%S}",
                escape(", ".join(f"{name} {share:.1%}" for name, share in each.shares.items())),
                f"{each.spread:.4f}",
            )
            for each in versions
        ],
    )


def show_rollback(done: Rollback) -> None:
    """Say which version knows what now."""
    verb = "would be" if done.is_dry_run else "is"
    note(f"version {done.written} of the {done.what} {verb} what version {done.to} was, after {done.newest}")
    if not done.is_dry_run:
        hint(f"taken back: opsctl learned rollback {done.what} --to {done.newest}")


def show_replays(replayed: Sequence[Replayed]) -> None:
    """Say how many came out the same, and show those that did not."""
    from rich.markup import escape

    differing = [each for each in replayed if each.differences]
    if not replayed:
        note("no decision was logged with all its inputs")
        hint("ranking.replayable_share in ops/service.yaml says how many are")
        return
    rows = [
        (escape(each.feed_id), f"{each.decided_at:%Y-%m-%d %H:%M:%S}", ", ".join(each.differences))
        for each in differing
    ]
    show_table(("feed", "decided", "differs in"), rows)
    same = len(replayed) - len(differing)
    note(f"{same:,} of {len(replayed):,} decisions came out as they were")
