"""How is the alias swapped back to the generation before?"""

from dataclasses import dataclass

from opsctl.clients.file_locks import FileLock
from opsctl.core.errors import RefusedError
from opsctl.qdrant_collections.phases import Surroundings, phase
from opsctl.qdrant_collections.realias import leads_to_nothing
from opsctl.qdrant_collections.status import rollback_target
from opsctl.qdrant_collections.swap import swap_alias


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackPlan:
    """From which generation to which."""

    alias: str
    live: str
    target: str
    live_points: int
    target_points: int


def plan_rollback(alias: str, *, here: Surroundings) -> RollbackPlan:
    """Return what a rollback would do.

    Raises:
        RefusedError: when nothing serves, or no earlier good generation is left.
    """
    live = here.store.aliases().get(alias)
    if live is None:
        raise leads_to_nothing(alias, here=here)
    target = rollback_target(alias, live=live, here=here)
    if target is None:
        raise RefusedError(
            f"`{alias}` has no earlier verified generation",
            code="COL025",
            why=f"`{live}` is the oldest good one that is left",
            fix=f"run `opsctl collections rebuild {alias}`, or keep more with `generations_kept` in the book",
        )
    return RollbackPlan(
        alias=alias,
        live=live,
        target=target,
        live_points=here.store.count(live),
        target_points=here.store.count(target),
    )


def roll_back(alias: str, *, here: Surroundings) -> RollbackPlan:
    """Swap the alias back to the newest good generation before the live one, by compare and set."""
    with FileLock(here.checkpoints.lock_path(alias), what=f"rolling back `{alias}`"):
        plan = plan_rollback(alias, here=here)
        with phase(here, subject=alias, name="rollback") as figures:
            swap_alias(alias, store=here.store, expected=plan.live, target=plan.target)
            figures |= {"from": plan.live, "to": plan.target}
        return plan


def require_yes(plan: RollbackPlan, *, yes: bool) -> None:
    """Refuse a rollback that was not confirmed.

    Raises:
        RefusedError: COL030, naming what would happen.
    """
    if not yes:
        raise RefusedError(
            f"a rollback of `{plan.alias}` was not confirmed",
            code="COL030",
            why=f"searches would go from `{plan.live}` ({plan.live_points} points) "
            f"to `{plan.target}` ({plan.target_points} points)",
            fix=f"opsctl collections rollback {plan.alias} --yes",
        )
