"""What does an arm do: who ranks, in which space, and with how many agents to pay for."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from opsctl.core.errors import UsageError
from opsctl.experiments.learners.model import Contexts, Floats, Ids, Items, Policy, Slates
from opsctl.experiments.simulator.market import Market


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """One arm.

    Args:
        policy: who chooses and learns; it belongs to this arm alone.
        items: all vendors, in their order, as the policy sees them.
        agent_calls: agents that score each feed; each costs and takes its time.
    """

    policy: Policy
    items: Items
    agent_calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp:
    """The days before the start, in which everybody gets the same: the pre-period.

    Args:
        days: how many.
        treatment: what everybody gets, such as the control. Where its policy is also an arm's, it goes on as it is.
        teaches: whether the policies of all arms learn from these days. They all learn the same then; with False the
            arms start with nothing, and only `treatment` itself learns.
    """

    days: int
    treatment: Treatment
    teaches: bool = True


class Profiles:
    """What a service knows of its readers in one space of items: the mean of what each has clicked, and of which groups.

    What a reader clicked is the reader's own; it is the same whichever arm the reader is in.
    """

    def __init__(self, items: Items, *, users: int) -> None:
        self.items = items
        groups = int(items.groups.max(initial=0)) + 1
        self._sums = np.zeros((users, items.vectors.shape[1]))
        self._counts = np.zeros(users)
        self._of_group = np.zeros((users, groups), np.int32)

    def vectors_of(self, users: Ids) -> Floats:
        """Return the mean of the vectors of what each clicked, shape (b, d); zeros where nothing was."""
        return self._sums[users] / np.maximum(self._counts[users], 1.0)[:, None]

    def groups_of(self, users: Ids) -> Ids:
        """Return 1 + the group that each clicked most, shape (b,); 0 where nothing was."""
        counts = self._of_group[users]
        return np.where(self._counts[users] > 0, 1 + counts.argmax(axis=1), 0)

    def contexts(self, users: Ids, *, candidates: Ids, day: int) -> Contexts:
        """Return what a policy sees of these feeds."""
        return Contexts(
            users=users,
            user_vectors=self.vectors_of(users),
            user_groups=self.groups_of(users),
            candidates=candidates,
            items=self.items,
            day=day,
        )

    def note(self, users: Ids, vendors: Ids) -> None:
        """Remember clicks, shape (k,) each; a reader may stand several times."""
        np.add.at(self._sums, users, self.items.vectors[vendors])
        np.add.at(self._counts, users, 1.0)
        np.add.at(self._of_group, (users, self.items.groups[vendors]), 1)


def check_treatments(market: Market, treatments: Mapping[str, Treatment]) -> None:
    """Refuse arms that cannot be run, or that would teach each other.

    Raises:
        UsageError: EXP121 there are no arms, EXP122 two arms share a learner, EXP123 an arm's items are not the vendors.
    """
    if not treatments:
        raise UsageError("there are no arms to simulate", code="EXP121", fix="give at least one treatment")
    owners: dict[int, str] = {}
    for name, treatment in treatments.items():
        other = owners.setdefault(id(treatment.policy), name)
        if other != name:
            raise UsageError(
                f"arms `{other}` and `{name}` share one learner",
                code="EXP122",
                why="what one arm's readers do would teach the other",
                fix="make a policy for each arm",
            )
        check_items(market, treatment.items, arm=name)


def check_items(market: Market, items: Items, *, arm: str) -> None:
    """Refuse items that are not the market's vendors.

    Raises:
        UsageError: EXP123.
    """
    count = market.world.vendors
    is_whole = items.vectors.ndim == 2 and len(items.vectors) == count and items.groups.shape == (count,)
    if not is_whole or not np.isfinite(items.vectors).all() or (items.groups < 0).any():
        raise UsageError(
            f"the items of arm `{arm}` are not the {count} vendors of this world",
            code="EXP123",
            why="each vendor needs a finite vector and a group from 0 on, in the order of the vendors",
            fix="make them from `Market.observables`",
        )


def check_assignment(market: Market, assignment: Ids, *, arms: int) -> None:
    """Refuse an assignment that does not say for each reader which arm.

    Raises:
        UsageError: EXP121.
    """
    is_whole = assignment.shape == (market.world.users,) and np.issubdtype(assignment.dtype, np.integer)
    if not is_whole or not ((assignment >= -1) & (assignment < arms)).all():
        raise UsageError(
            f"the assignment does not fit {market.world.users} readers and {arms} arms",
            code="EXP121",
            fix="give one number for each reader: that of its arm, or -1 for nobody's",
        )


def checked_places(slates: Slates, candidates: Ids, *, size: int, arm: str) -> Ids:
    """Return where among the candidates each item shown stands, shape (b, m).

    Raises:
        UsageError: EXP124 an item is no candidate or stands twice, or a slate has another size.
    """
    shown = slates.items
    if shown.shape != (len(candidates), size) or slates.propensities.shape != shown.shape:
        raise _refusal(arm, f"its slates have shape {shown.shape}, wanted is {(len(candidates), size)}")
    places: Ids = np.minimum(_row_search(candidates, shown), candidates.shape[1] - 1)
    if (np.take_along_axis(candidates, places, axis=1) != shown).any():
        raise _refusal(arm, "it shows an item that is no candidate")
    ordered = np.sort(places, axis=1)
    if (ordered[:, 1:] == ordered[:, :-1]).any():
        raise _refusal(arm, "it shows an item twice in one slate")
    return places


def _row_search(candidates: Ids, shown: Ids) -> Ids:
    """Return for each item how many candidates of its row are less; candidates ascend within a row."""
    span = int(max(candidates.max(initial=0), shown.max(initial=0))) + 2
    offsets = np.arange(len(candidates))[:, None] * span
    flat = np.searchsorted((candidates + offsets).ravel(), (np.clip(shown, 0, None) + offsets).ravel())
    rows = np.arange(len(candidates))[:, None]
    less: Ids = flat.reshape(shown.shape) - rows * candidates.shape[1]
    return less


def _refusal(arm: str, why: str) -> UsageError:
    return UsageError(
        f"the policy of arm `{arm}` shows what it may not", code="EXP124", why=why, fix="mend the policy"
    )
