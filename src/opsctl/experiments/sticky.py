"""Which arm does a unit keep when weights are moved while it has one: a small memory, behind the stateless hash."""

from collections.abc import MutableMapping
from typing import Protocol

from opsctl.experiments.assignment import Assigner


class KeptArms(Protocol):
    """A memory of arms for one experiment and version; raising the version forgets all of them."""

    def arm_of(self, unit: str) -> str | None:
        """Return the arm that a unit keeps; None where it is new."""
        ...

    def keep(self, unit: str, arm: str) -> str:
        """Keep an arm, unless the unit has one, and return the one that it has: whoever keeps first is right."""
        ...


class KeptInMapping:
    """A memory in any mapping: a dict for a simulation, a shelf on disk; keys hold experiment, version and unit."""

    def __init__(
        self, mapping: MutableMapping[tuple[str, int, str], str], *, experiment: str, version: int
    ) -> None:
        self._mapping = mapping
        self._key = (experiment, version)

    def arm_of(self, unit: str) -> str | None:
        """Return the arm that a unit keeps."""
        return self._mapping.get((*self._key, unit))

    def keep(self, unit: str, arm: str) -> str:
        """Keep an arm, unless the unit has one."""
        return self._mapping.setdefault((*self._key, unit), arm)


class StickyAssigner:
    """Gives units the arm that they had, also once weights have moved; new units get what the weights say now.

    Only needed where weights move while an experiment runs: without that the hash alone says the same for ever. At the
    first move the memory has to be filled with whoever was exposed before (`KeptInDatabase.keep_exposed`). Holdout,
    layers and ramp hold as they are now: a unit outside gets nothing, whatever it had. An arm that gets nobody any more
    is not kept.
    """

    def __init__(self, assigner: Assigner, *, kept: KeptArms) -> None:
        self._assigner = assigner
        self._kept = kept
        self._arms = frozenset(name for name, arm in assigner.experiment.arms.items() if arm.weight > 0)

    def assign(self, unit: str) -> str | None:
        """Return the unit's arm; None where it is not in the experiment.

        Raises:
            UsageError: EXP030 it is no id of a unit.
        """
        fresh = self._assigner.assign(unit)
        if fresh is None:
            return None
        kept = self._kept.arm_of(unit) or self._kept.keep(unit, fresh)
        return kept if kept in self._arms else fresh
