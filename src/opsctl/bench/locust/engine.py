"""How does the command run a load with Locust: in a process of its own that patches itself, heard by lines over a pipe."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from tempfile import TemporaryFile
from typing import IO, Any

from opsctl.bench.load.model import INTERRUPTED
from opsctl.bench.load.parts import parts_of
from opsctl.bench.load.ports import EngineResult, LoadJob
from opsctl.bench.load.tally import Frame
from opsctl.bench.locust.loopback import free_port
from opsctl.bench.locust.settings import LocustSettings, check_settings
from opsctl.bench.locust.summary import Summary
from opsctl.bench.locust.wire import frame_from_plain, job_to_plain
from opsctl.core.errors import FailedError, NotReadyError

_START_SECONDS = 60.0
"""For imports, and for workers of this machine to find their master; it takes two seconds."""

_END_SECONDS = 15.0
"""After a request to end, for last frames and for workers to leave."""

_LAST_LINES = 15
_LAST_BYTES = 64 * 1024  # a locustfile may have printed gigabytes before it failed


@dataclass(slots=True)
class LocustEngine:
    """Sends a load with Locust: the book's mix with planned arrivals, or a locustfile.

    The result says which kind of loop it was: users of a plain locustfile wait for their answers (`closed`).
    """

    settings: LocustSettings = field(default_factory=LocustSettings)
    on_note: Callable[[str], None] = field(default=lambda _note: None)
    """Hears what the operator should know while it runs: the address of the page, what workers should be started with."""
    name: str = "locust"

    def run(self, job: LoadJob, *, watch: Callable[[Frame], str]) -> EngineResult:
        """Send all of it, and end by itself.

        Raises:
            NotReadyError: Locust is not installed.
            UsageError: its options make no sense.
            FailedError: Locust gave up; its own words are in the error.
        """
        if find_spec("locust") is None:
            raise NotReadyError(
                "Locust is not installed",
                code="BEN050",
                fix="type `pip install 'opsctl[locust]'`, then try again",
            )
        check_settings(self.settings, job=job)
        settings = _with_ports(_for_warm_up(self.settings) if job.is_warm_up else self.settings)
        seconds = parts_of(job).arrivals.seconds
        summary = Summary()
        with TemporaryFile() as words, _locust(job, settings, words=words) as child:
            deadline = time.monotonic() + _longest_seconds(job, settings, seconds=seconds)
            while True:
                try:
                    for line in child.lines(deadline=deadline):
                        self._hear(line, summary=summary, watch=watch, child=child)
                        if summary.is_complete:  # what a locustfile started may keep the pipe open for ever
                            break
                    break
                except KeyboardInterrupt:  # once: Locust is asked to end, and its last words are still heard
                    if not summary.abort(INTERRUPTED):
                        raise
                    child.ask_to_end()
            code = child.end()
            if not summary.is_complete:
                raise _gave_up(code, words=_last_lines(words))
        return summary.result(planned_seconds=seconds)

    def _hear(
        self, line: dict[str, Any], *, summary: Summary, watch: Callable[[Frame], str], child: "_Child"
    ) -> None:
        match line["kind"]:
            case "note":
                self.on_note(line["text"])
            case "loop":
                summary.loop = line["loop"]
            case "frame":
                frame = frame_from_plain(line["frame"])
                summary.add(frame)
                reason = watch(frame)
                if reason and summary.abort(reason):
                    child.ask_to_end()
            case "lost":
                if summary.lose(line["process"]):
                    child.ask_to_end()
            case "end":
                summary.is_complete = True
            case other:
                raise ValueError(f"Locust's process says `{other}`, which nobody knows")


@dataclass(slots=True)
class _Child:
    """Locust's process and what it says."""

    process: subprocess.Popen[bytes]
    frames: int
    is_overdue: bool = False
    has_ended: bool = False
    heard: deque[bytes] = field(default_factory=deque)
    rest: bytes = b""

    def lines(self, *, deadline: float) -> Iterator[dict[str, Any]]:
        """Yield what the child says until it has said all, or time is up; may be called again after an interrupt."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.frames, selectors.EVENT_READ)
            while True:
                while self.heard:
                    yield json.loads(self.heard.popleft())
                if not selector.select(timeout=max(0.0, deadline - time.monotonic())):
                    self.is_overdue = True
                    return
                data = os.read(self.frames, 1 << 20)
                if not data:
                    return
                *lines, self.rest = (self.rest + data).split(b"\n")
                self.heard.extend(lines)

    def ask_to_end(self) -> None:
        """Tell Locust to end: it records what is still out and says goodbye."""
        if self.process.poll() is None:
            self.process.terminate()

    def end(self) -> int:
        """Wait for the process, or end it; return its code."""
        if self.process.stdin is not None:
            self.process.stdin.close()  # workers that were left alone notice this and leave
        try:
            if self.is_overdue:
                self.process.terminate()
            return self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self._end_group()

    def _end_group(self) -> None:
        """End what a locustfile started and left: the process began a group of its own."""
        if not self.has_ended:
            self.has_ended = True
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


@contextmanager
def _locust(job: LoadJob, settings: LocustSettings, *, words: IO[bytes]) -> Iterator[_Child]:
    """Start Locust's process and hand it the job over its standard input, where nobody else can read the key in it."""
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "opsctl.bench.locust.locust_worker", str(writing)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=words,
        stderr=words,
        pass_fds=(writing,),
        start_new_session=True,  # Ctrl-C reaches this process alone, which then ends Locust in order
    )
    os.close(writing)
    child = _Child(process, reading)
    try:
        if process.stdin is not None:
            task = {"job": job_to_plain(job), "settings": settings.to_plain()}
            process.stdin.write(json.dumps(task).encode() + b"\n")
            process.stdin.flush()
        yield child
    finally:
        child.ask_to_end()
        child.end()
        os.close(reading)


def _for_warm_up(settings: LocustSettings) -> LocustSettings:
    """Warm up from here alone: workers end with their master's run, and are needed for the one that counts."""
    return replace(settings, expect_workers=0, web_port=None)


def _with_ports(settings: LocustSettings) -> LocustSettings:
    """Choose the ports that were left open."""
    return replace(
        settings,
        bind_port=settings.bind_port or free_port(),
        web_port=free_port() if settings.web_port == 0 else settings.web_port,
    )


def _longest_seconds(job: LoadJob, settings: LocustSettings, *, seconds: float) -> float:
    limits = job.book.limits
    waiting = settings.workers_wait_seconds if settings.expect_workers else 0
    return seconds + limits.drain_seconds + limits.timeout_seconds + waiting + _START_SECONDS


def _last_lines(words: IO[bytes]) -> list[str]:
    words.seek(max(0, words.seek(0, os.SEEK_END) - _LAST_BYTES))
    return [line for line in words.read().decode(errors="replace").splitlines() if line.strip()][
        -_LAST_LINES:
    ]


def _gave_up(code: int, *, words: list[str]) -> FailedError:
    return FailedError(
        f"Locust ended with code {code} before the load was over",
        code="BEN051",
        why="\n".join(words) or "it said nothing",
        fix="mend what Locust names above; `opsctl bench load --engine opsctl` runs the same book without it",
    )
