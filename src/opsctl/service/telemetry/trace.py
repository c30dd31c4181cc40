"""Where did the time of one request go, and what else is to be said of it: the trace that every stage writes to."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class Stage:
    """One stage; times in seconds since the request began."""

    name: str
    began_seconds: float
    ended_seconds: float | None = None
    note: str = ""


@dataclass(slots=True, kw_only=True)
class Trace:
    """What one request did: its stages, its cache lookups, and facts for the one line of the log.

    Args:
        traceparent: of the service's own span, as the edge made it; what the service calls gets it too.
    """

    request_id: str = ""
    traceparent: str = ""
    clock: Callable[[], float] = time.perf_counter
    began: float = field(init=False)
    stages: list[Stage] = field(default_factory=list)
    cache: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def trace_id(self) -> str:
        """Return the 32 digits of the trace; nothing outside of any."""
        return self.traceparent[3:35]

    @property
    def span_id(self) -> str:
        """Return the 16 digits of the service's own span; nothing outside of any."""
        return self.traceparent[36:52]

    @contextmanager
    def stage(self, name: str, *, note: str = "") -> Iterator[Stage]:
        """Time a stage; stages may overlap."""
        stage = Stage(name=name, began_seconds=self.clock() - self.began, note=note)
        self.stages.append(stage)
        try:
            yield stage
        finally:
            stage.ended_seconds = self.clock() - self.began

    def looked_up(self, *, tier: str, kind: str, outcome: str, count: int = 1) -> None:
        """Note the outcome of cache lookups, such as `l2.agent_score.hit`."""
        key = f"{tier}.{kind}.{outcome}"
        self.cache[key] = self.cache.get(key, 0) + count

    def server_timing(self) -> str:
        """Return the stages as the value of a `Server-Timing` header; `desc` holds when each began."""
        ended = self.clock() - self.began
        return ", ".join(
            f"{stage.name};dur={((stage.ended_seconds or ended) - stage.began_seconds) * 1000:.2f}"
            f';desc="at {stage.began_seconds * 1000:.2f}{" " + stage.note if stage.note else ""}"'
            for stage in self.stages
        )


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def current_trace() -> Trace:
    """Return the trace of the request that is being answered; one that nobody reads outside of any."""
    trace = _current.get()
    return trace if trace is not None else Trace()


@contextmanager
def tracing(trace: Trace) -> Iterator[Trace]:
    """Let `current_trace` return this trace in this task and in those that it starts."""
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)
