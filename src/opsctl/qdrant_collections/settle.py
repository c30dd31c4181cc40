"""When has a generation finished its graph: green twice in a row with nothing left to index."""

from collections.abc import Callable

from opsctl.clients.qdrant_values import CollectionState
from opsctl.core.clock import Clock
from opsctl.core.errors import FailedError
from opsctl.qdrant_collections.store import VectorStore
from opsctl.vectors.rest import wait_for_rest


def wait_until_settled(
    name: str,
    *,
    store: VectorStore,
    clock: Clock,
    deadline_seconds: float,
    on_look: Callable[[CollectionState], None],
) -> CollectionState:
    """Return the state of the collection once it was idle at two looks in a row.

    Raises:
        FailedError: when its optimizer failed, or the deadline has passed.
    """
    rest = wait_for_rest(name, store=store, clock=clock, seconds=deadline_seconds, on_look=on_look)
    state = rest.state
    if rest.is_reached:
        return state
    if state.has_failed:
        raise FailedError(
            f"the optimizer of `{name}` has failed",
            code="COL021",
            why=f"status {state.status}: {state.optimizer_status}",
            fix="look at the server's log; the alias still leads to the old generation",
        )
    raise FailedError(
        f"`{name}` was not indexed within {deadline_seconds:.0f} s",
        code="COL022",
        why=f"status {state.status}, {state.indexed_vectors_count} of {state.points_count} indexed",
        fix="run the same command again to go on waiting, with a longer --settle-deadline",
    )
