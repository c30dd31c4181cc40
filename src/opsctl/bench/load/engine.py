"""How does a load run: sending processes that start together, and one tally of all that they recorded."""

import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from opsctl.bench.load.children import Children
from opsctl.bench.load.messages import Gone, Order, Ready, Start, Stop
from opsctl.bench.load.model import INTERRUPTED
from opsctl.bench.load.parts import PartsOf, parts_of
from opsctl.bench.load.ports import EngineResult, LoadJob
from opsctl.bench.load.tally import Frame, Tally
from opsctl.core.errors import NotReadyError

_PREPARATION_SECONDS = 120.0
"""For starting, making requests, and opening up to 20,000 connections, on a busy machine."""

_HEAD_START_SECONDS = 0.1
"""From when the start is told to when it is: by then every process has heard it."""

_GRACE_SECONDS = 30.0
_GAVE_UP = "a sending process gave up"


class AsyncEngine:
    """Our own engine: asyncio and uvloop at the level of the protocol, in as many processes as the book says.

    Args:
        parts: makes requests, checks and arrivals in each process; a function of a module.
    """

    name = "opsctl"

    def __init__(self, *, parts: PartsOf = parts_of) -> None:
        self._parts = parts

    def run(self, job: LoadJob, *, watch: Callable[[Frame], str]) -> EngineResult:
        """Send all of it, and end by itself; Ctrl-C ends it early, with the result so far.

        Raises:
            NotReadyError: not one connection could be made, or no process could begin.
        """
        processes = job.book.processes
        seconds = self._parts(job).arrivals.seconds
        orders = [Order(job=job, parts=self._parts, process=each, of=processes) for each in range(processes)]
        with Children(orders) as children:
            return _Run(job, children, seconds=seconds, watch=watch).result()


class _Run:
    """One run while it lasts."""

    def __init__(
        self, job: LoadJob, children: Children, *, seconds: float, watch: Callable[[Frame], str]
    ) -> None:
        self._job = job
        self._children = children
        self._watch = watch
        self._seconds = seconds
        self._total = Tally()
        self._errors: list[str] = []
        self._aborted = ""
        self._aborted_after = 0.0
        self._started = 0.0
        self._ended_after = 0.0
        self._cpu_seconds = self._starved_seconds = 0.0
        self._resident: defaultdict[int, int] = defaultdict(int)
        self._most_resident = 0

    def result(self) -> EngineResult:
        """Run, and return what came of it."""
        self._prepare()
        self._started = time.monotonic() + _HEAD_START_SECONDS
        self._children.tell(Start(moment=self._started))
        deadline = self._started + self._seconds + self._job.book.limits.drain_seconds + _GRACE_SECONDS
        with _on_interrupt(lambda: self._abort(INTERRUPTED)):
            self._listen(deadline)
        if self._children.running:
            self._errors.append(f"{self._children.running} sending processes did not end in time")
        length = max(self._ended_after, 1e-9)
        return EngineResult(
            total=self._total,
            seconds=min(self._aborted_after, self._seconds) if self._aborted else self._seconds,
            cpu_cores=self._cpu_seconds / length,
            starved_share=self._starved_seconds / length / self._job.book.processes,
            resident_bytes=self._most_resident,
            errors=(*self._errors, *self._children.faults),
            aborted=self._aborted,
        )

    def _prepare(self) -> None:
        """Wait until every process has its requests and connections."""
        ready: list[Ready] = []
        waiting = self._children.running
        for message in self._children.messages(deadline=time.monotonic() + _PREPARATION_SECONDS):
            if isinstance(message, Ready):
                ready.append(message)
            if len(ready) == waiting or isinstance(message, Gone):
                break
        url = self._job.address.url
        if len(ready) < waiting:
            raise NotReadyError(
                "a sending process could not begin",
                code="BEN020",
                why="; ".join(self._children.faults) or f"not ready within {_PREPARATION_SECONDS:g} s",
                fix="opsctl doctor",
            )
        if not any(each.connections for each in ready):
            is_tls = any(each.is_tls_fault for each in ready)
            raise NotReadyError(
                f"no connection to `{url}`",
                code="BEN022" if is_tls else "BEN021",
                why=ready[0].fault,
                fix="name the certificate that signs it as `ca_file` in the book"
                if is_tls
                else "opsctl stack up"
                if self._job.book.target == "service"
                else f"see whether it listens: curl -i {url}",
            )

    def _listen(self, deadline: float) -> None:
        for message in self._children.messages(deadline=deadline):
            if isinstance(message, Frame):
                self._take(message)
            if self._children.faults:
                self._abort(_GAVE_UP)

    def _take(self, frame: Frame) -> None:
        if frame.error:
            self._errors.append(f"sending process {frame.process}: {frame.error}")
        self._cpu_seconds += frame.cpu_seconds
        self._starved_seconds += frame.starved_seconds
        self._resident[frame.process] = frame.resident_bytes
        self._most_resident = max(self._most_resident, sum(self._resident.values()))
        self._ended_after = max(self._ended_after, frame.seconds)
        self._total.merge(frame.new)
        reason = self._watch(frame)
        if reason:
            self._abort(reason)
        elif frame.error:
            self._abort(_GAVE_UP)

    def _abort(self, reason: str) -> None:
        if not self._aborted:
            self._aborted = reason
            self._aborted_after = max(0.0, time.monotonic() - self._started)
            self._children.tell(Stop())


@contextmanager
def _on_interrupt(react: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C do this instead of breaking off somewhere within; the second one breaks off as ever."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread hears signals
        yield
        return

    def interrupted(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        react()
        if callable(before) and before is not signal.default_int_handler:
            before(number, frame)  # whoever else counts them must know of the first one

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
