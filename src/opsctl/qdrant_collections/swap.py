"""How is the alias moved to another generation without taking it from somebody: compare and set."""

from opsctl.clients.qdrant_values import DropAlias, SetAlias
from opsctl.core.errors import RefusedError
from opsctl.qdrant_collections.store import VectorStore


def swap_alias(alias: str, *, store: VectorStore, expected: str | None, target: str) -> None:
    """Let the alias lead to `target`, provided that it still leads to `expected`; readers see one change.

    Qdrant moves an existing alias in silence, so the state is read before and again after.

    Raises:
        RefusedError: COL023 when the alias was moved by somebody else.
    """
    current = store.aliases().get(alias)
    if current == target:
        return
    check_alias(alias, current=current, expected=expected)
    actions = [SetAlias(alias=alias, collection=target)]
    store.change_aliases([DropAlias(alias=alias), *actions] if current is not None else actions)
    check_alias(alias, current=store.aliases().get(alias), expected=target)


def check_alias(alias: str, *, current: str | None, expected: str | None) -> None:
    """See that the alias leads where it should.

    Raises:
        RefusedError: COL023 when it was moved by somebody else.
    """
    if current == expected:
        return
    raise RefusedError(
        f"alias `{alias}` was moved by somebody else: it leads to {_shown(current)}, not to {_shown(expected)}",
        code="COL023",
        why="another rebuild or rollback won the race; swapping now would undo it unseen",
        fix="look at `opsctl collections status`, then run the command again",
    )


def _shown(collection: str | None) -> str:
    return "nothing" if collection is None else f"`{collection}`"
