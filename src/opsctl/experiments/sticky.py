"""Which arm does a unit keep when weights are moved while it has one: a small memory, behind the stateless hash."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from opsctl.experiments.assignment import Assigner, Placement


class KeptArms(Protocol):
    """A memory of arms for one experiment and version; another version knows nothing of them."""

    def keep(self, arms: Mapping[str, str]) -> Mapping[str, str]:
        """Keep the arms of units that have none, and return those that all of them have: whoever keeps first is right."""
        ...


class StickyAssigner:
    """Gives units the arm that they had, also once weights have moved; new units get what the weights say now.

    Only needed where weights move while units have their arms: without that the hash alone says the same for ever. Holdout,
    layers and ramp hold as they are now: a unit outside gets nothing, whatever it had. An arm that gets nobody any more is
    not kept.
    """

    def __init__(self, assigner: Assigner, *, kept: KeptArms) -> None:
        self.name = assigner.name
        self._assigner = assigner
        self._kept = kept
        self._arms = frozenset(name for name, arm in assigner.experiment.arms.items() if arm.weight > 0)

    def place_all(self, units: Sequence[str]) -> tuple[Placement, ...]:
        """Return the place of each unit, with the arm that it keeps.

        Raises:
            UsageError: EXP030 one is no id of a unit.
        """
        placed = [self._assigner.place(unit) for unit in units]
        kept = self._kept.keep({each.unit: each.arm for each in placed if each.arm is not None})
        return tuple(self._with_kept(each, kept) for each in placed)

    def _with_kept(self, placement: Placement, kept: Mapping[str, str]) -> Placement:
        held = kept.get(placement.unit)
        return replace(placement, arm=held) if held in self._arms else placement
