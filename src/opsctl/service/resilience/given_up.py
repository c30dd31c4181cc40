"""What is not asked again for this request: it was late once, and a second wait would only be a longer one."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# One set for all tasks of a request: they copy the context, not what it holds.
_given_up: ContextVar[set[str] | None] = ContextVar("given_up", default=None)


@contextmanager
def remembering_what_is_late() -> Iterator[None]:
    """Begin a request in which nothing is given up yet."""
    token = _given_up.set(set())
    try:
        yield
    finally:
        _given_up.reset(token)


def give_up(dependency: str | None) -> None:
    """Ask a dependency no more for this request; outside of one that says nothing."""
    found = _given_up.get()
    if found is not None and dependency is not None:
        found.add(dependency)


def is_given_up(dependency: str) -> bool:
    """Tell whether this request does without a dependency."""
    found = _given_up.get()
    return found is not None and dependency in found
