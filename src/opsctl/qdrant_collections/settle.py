"""When has a generation finished its graph: green twice in a row with nothing left to index."""

from collections.abc import Callable

from opsctl.clients.qdrant_values import CollectionState
from opsctl.core.clock import Clock
from opsctl.core.errors import FailedError
from opsctl.qdrant_collections.retry import retrying
from opsctl.qdrant_collections.store import VectorStore

_POLL_SECONDS = 0.25


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
    began, idle_looks = clock.monotonic(), 0
    while True:
        state = retrying(lambda: store.collection(name), clock=clock, budget_seconds=deadline_seconds)
        on_look(state)
        if state.status == "red" or state.optimizer_status != "ok":
            raise FailedError(
                f"the optimizer of `{name}` has failed",
                code="COL021",
                why=f"status {state.status}: {state.optimizer_status}",
                fix="look at the server's log; the alias still leads to the old generation",
            )
        idle_looks = idle_looks + 1 if state.is_idle else 0
        if idle_looks >= 2:
            return state
        if clock.monotonic() - began > deadline_seconds:
            raise FailedError(
                f"`{name}` was not indexed within {deadline_seconds:.0f} s",
                code="COL022",
                why=f"status {state.status}, {state.indexed_vectors_count} of {state.points_count} indexed",
                fix="run the same command again to go on waiting, with a longer --settle-deadline",
            )
        if state.status == "grey":
            # A grey collection waits for any update before it optimizes again (after a restart).
            store.update_collection(name, {"optimizers_config": {}})
        clock.sleep(_POLL_SECONDS)
