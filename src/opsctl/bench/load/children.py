"""How are the sending processes started, heard and ended?"""

import contextlib
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import IO, Self, cast

from opsctl.bench.load.framing import Unpacker, packed
from opsctl.bench.load.messages import Gone, Order

_READ_BYTES = 262_144
_MODULE = "opsctl.bench.load.sending_process"


class Child:
    """One sending process."""

    def __init__(self, order: Order) -> None:
        self.number = order.process
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed at its end
        # Its own session: Ctrl-C reaches only this process, which still wants the child's last frame.
        self._process = subprocess.Popen(
            [sys.executable, "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._unpacker = Unpacker()
        self._input = cast("IO[bytes]", self._process.stdin)  # both were asked for as pipes
        self.output = cast("IO[bytes]", self._process.stdout)
        self.tell(sys.path)
        self.tell(order)

    def tell(self, message: object) -> None:
        """Send it a message; one that has ended hears nothing."""
        with contextlib.suppress(BrokenPipeError):
            self._input.write(packed(message))
            self._input.flush()

    def read(self) -> list[object] | None:
        """Return what it said, or None when it has ended."""
        data = os.read(self.output.fileno(), _READ_BYTES)
        return list(self._unpacker.feed(data)) if data else None

    def end(self) -> str:
        """Wait for its end, by force if it must be; return how it ended if that was not well."""
        with contextlib.suppress(BrokenPipeError):
            self._input.close()
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self.output.close()
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").strip().splitlines()
        self._complaints.close()
        if not code:
            return ""
        return f"sending process {self.number} ended with {code}" + (f": {lines[-1]}" if lines else "")


class Children:
    """All of them; leaving the context ends each by its own process id."""

    def __init__(self, orders: list[Order]) -> None:
        self._orders = orders
        self._selector = selectors.DefaultSelector()
        self._all: list[Child] = []
        self.faults: list[str] = []
        """How those ended that did not end well."""

    def __enter__(self) -> Self:
        for order in self._orders:
            child = Child(order)
            self._all.append(child)
            self._selector.register(child.output, selectors.EVENT_READ, child)
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._all:
            self._end(child)
        self._selector.close()

    @property
    def running(self) -> int:
        """Return how many have not ended."""
        return len(self._all)

    def tell(self, message: object) -> None:
        """Send all of them a message."""
        for child in self._all:
            child.tell(message)

    def messages(self, *, deadline: float) -> Iterator[object]:
        """Yield what they say, until all have ended or a moment of `time.monotonic()` has come."""
        while self._all and (left := deadline - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                child: Child = key.data
                said = child.read()
                if said is None:
                    self._end(child)
                    yield Gone(process=child.number)
                else:
                    yield from said

    def _end(self, child: Child) -> None:
        self._all = [each for each in self._all if each is not child]
        self._selector.unregister(child.output)
        if fault := child.end():
            self.faults.append(fault)
