"""What a drill of a loss breaks and sees: a stack with readers, watchers, a canary, and a repository outside of it."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Protocol

from opsctl.dr.drill.book import Loss
from opsctl.dr.drill.canary_log import CanaryStory
from opsctl.dr.drill.model import CommandSeen, SecondSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Which rows are where, by number, once everything is quiet.

    `truth` is of each stream in the database; `vectors` of those streams that the vectors follow; `catalogue` has the
    items that were there before the drill, each as a number that stands for its content.
    """

    truth: Mapping[str, AbstractSet[int]]
    vectors: Mapping[str, AbstractSet[int]]
    catalogue: AbstractSet[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What readers got in a time: the part that was answered, fresh answers by tier, and misses by status."""

    share: float | None
    tiers: Mapping[str, int] = field(default_factory=dict)
    misses: Mapping[str, int] = field(default_factory=dict)


class World(Protocol):
    """A stack of the drill's own."""

    def begin_canary(self) -> None:
        """Let the canary write into both stores."""
        ...

    def end_canary(self) -> CanaryStory:
        """End it, and return what its log says."""
        ...

    def catalogue(self) -> AbstractSet[int]:
        """Return the items that are there, each as a number that stands for its content."""
        ...

    def begin_backup(self) -> None:
        """Begin a backup, and return when it is under way."""
        ...

    def destroy(self, losses: Sequence[Loss]) -> None:
        """Destroy; returns when all of it is gone."""
        ...

    def told_at(self, alert: str, *, since: float) -> float | None:
        """Return when a receiver was told of an alert; None as long as it was not."""
        ...

    def run_book(self) -> Sequence[str]:
        """Return the commands of the runbook that mend it, in their order."""
        ...

    def run(self, command: str, *, point: float) -> CommandSeen:
        """Run one of them, with the moment before the loss as its POINT."""
        ...

    def golden(self) -> bool:
        """Ask for one feed that is stored nowhere; tell whether it met the service level, made by the agents."""
        ...

    def held(self) -> Held:
        """Wait until the vectors follow, and return which rows are where."""
        ...

    def restore_steps(self) -> tuple[str | None, Mapping[str, float]]:
        """Return the backup from which the last restore came, and the seconds of each of its steps."""
        ...

    def points(self, *, since: float) -> Sequence[SecondSeen]:
        """Return what readers got, second by second, counted from a moment."""
        ...

    def served(self, *, since: float, until: float) -> Served:
        """Return what readers got between two moments."""
        ...
