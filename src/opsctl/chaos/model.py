"""What is a fault: a name, a code, how it is made, and how it is undone."""

from collections.abc import Callable
from dataclasses import dataclass

from opsctl.chaos.ground import Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that can go wrong.

    Args:
        name: how books call it, such as `vectors_down`.
        code: such as `FLT002`, for `opsctl explain`.
        title: what happens, in a few words.
        apply: makes it, and returns once it is there; parameters of the drill's `with` go by name.
        undo: takes it back and returns once everything works again; harmless where nothing was made.
        explanation: the page of `opsctl explain`.
    """

    name: str
    code: str
    title: str
    apply: Callable[..., None]
    undo: Callable[[Ground], None]
    explanation: str
