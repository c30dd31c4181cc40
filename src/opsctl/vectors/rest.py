"""When has a collection come to rest: idle at two looks in a row, for between two steps of its optimizer it is so for a moment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from opsctl.clients.qdrant_values import CollectionState
from opsctl.core.clock import Clock
from opsctl.core.waiting import wait_until
from opsctl.vectors.retry import retrying

_LOOKS = 2
_POLL_SECONDS = 0.25
_NO_CHANGE: Mapping[str, Any] = {"optimizers_config": {}}


class RestingStore(Protocol):
    """The part of `clients.qdrant.QdrantStore` that is looked at."""

    def collection(self, name: str) -> CollectionState: ...  # noqa: D102
    def update_collection(self, name: str, change: Mapping[str, Any]) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """How a wait ended: what the collection said last, and whether it has come to rest."""

    state: CollectionState
    is_reached: bool


def wait_for_rest(
    name: str,
    *,
    store: RestingStore,
    clock: Clock,
    seconds: float,
    on_look: Callable[[CollectionState], None] = lambda _state: None,
    poll_seconds: float = _POLL_SECONDS,
) -> Rest:
    """Wait until a collection is at rest, its optimizer has failed, or the time is over; `on_look` hears each state.

    Raises:
        OpsError: the server does not tell, for as long.
    """
    seen: list[CollectionState] = []

    def has_rested() -> bool:
        state = retrying(lambda: store.collection(name), clock=clock, budget_seconds=seconds)
        seen.append(state)
        on_look(state)
        if state.status == "grey":
            # After a restart a grey collection waits for any update before it optimizes again.
            store.update_collection(name, _NO_CHANGE)
        return len(seen) >= _LOOKS and all(each.is_idle for each in seen[-_LOOKS:])

    is_reached = wait_until(
        has_rested,
        clock=clock,
        seconds=seconds,
        poll_seconds=poll_seconds,
        may_come=lambda: not seen[-1].has_failed,
    )
    return Rest(state=seen[-1], is_reached=is_reached)
