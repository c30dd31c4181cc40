"""What does an operator drop by hand, how, and whom did it reach?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from opsctl.core.errors import NotReadyError
from opsctl.service.cache import keys
from opsctl.service.cache.journal import EVERYTHING, InvalidationJournal
from opsctl.service.cache.kinds import Kind
from opsctl.service.cache.ports import KeyValueStore, StoreError


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be told to the workers, and which entries of L2 go: those whose key begins with a prefix."""

    marks: tuple[str, ...]
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What was done.

    Args:
        marks: posted to the workers of this machine.
        deleted: entries of L2 by prefix; empty where there is no L2.
        store_error: why L2 was not reached; None when it was.
    """

    marks: tuple[str, ...]
    deleted: dict[str, int]
    store_error: str | None = None


def plan_invalidation(
    *,
    contents: Sequence[int] = (),
    users: Sequence[int] = (),
    kinds: Sequence[Kind] = (),
    everything: bool = False,
) -> Plan:
    """Return what drops these items, users, kinds, or everything.

    >>> plan_invalidation(users=[42])
    Plan(marks=('tag:user-42', 'tag:reader-42'), prefixes=())
    """
    if everything:
        return Plan(marks=(EVERYTHING,), prefixes=tuple(f"{kind}:" for kind in keys.L2_KINDS))
    return Plan(
        marks=(
            *(f"tag:{keys.content_tag(each)}" for each in contents),
            *(f"tag:{tag(each)}" for each in users for tag in (keys.user_tag, keys.reader_tag)),
            *(f"kind:{kind}" for kind in kinds),
        ),
        prefixes=(
            *(keys.item_prefix(kind, each) for each in contents for kind in keys.L2_KINDS),
            *(f"{kind}:" for kind in kinds if kind in keys.L2_KINDS),
        ),
    )


async def carry_out(
    plan: Plan, *, journal: InvalidationJournal, open_store: Callable[[], KeyValueStore | None]
) -> Reached:
    """Tell the workers, delete from L2, and tell the workers again, who may have loaded old entries in between."""
    journal.post(*plan.marks)
    store = open_store()
    if store is None:
        return Reached(marks=plan.marks, deleted={})
    deleted: dict[str, int] = {}
    error = None
    try:
        for prefix in plan.prefixes:
            deleted[prefix] = await store.delete_prefix(prefix)
    except StoreError as failure:
        error = str(failure)
    finally:
        await store.close()
    journal.post(*plan.marks)
    return Reached(marks=plan.marks, deleted=deleted, store_error=error)


def require_reached(reached: Reached) -> None:
    """Refuse to call it done when L2 was not reached.

    Raises:
        NotReadyError: CAC005.
    """
    if reached.store_error is not None:
        raise NotReadyError(
            "the workers of this machine were told, but L2 does not answer",
            code="CAC005",
            why=reached.store_error,
            fix="run the same command again when L2 is back",
        )
