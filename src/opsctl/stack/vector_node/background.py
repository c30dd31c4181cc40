"""When a collection is optimised, and how the result takes the place of the shard that kept on serving."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from opsctl.stack.vector_node import answers
from opsctl.stack.vector_node.api_error import error_body
from opsctl.stack.vector_node.children import Child, Children
from opsctl.stack.vector_node.convert_config import engine_config, optimizer_settings, vector_params
from opsctl.stack.vector_node.convert_points import parse_write
from opsctl.stack.vector_node.frames import Frame
from opsctl.stack.vector_node.journal import append_frame, read_journal, require_whole
from opsctl.stack.vector_node.logs import facts, logger

if TYPE_CHECKING:
    from opsctl.stack.vector_node.shard import Shard

IDLE_SECONDS = 0.25  # writes have paused for that long ...
LONGEST_DELAY_SECONDS = 10.0  # ... or the optimisation has been due for that long
PAUSE_AFTER_FAILURE_SECONDS = 30.0
_JOURNAL = "journal"


class Background:
    """The optimiser and the snapshot children of one collection."""

    def __init__(self, shard: "Shard", *, children: Children) -> None:
        self._shard = shard
        self._children = children
        self._optimizer: Child | None = None
        self._optimizer_copies = False
        self._snapshots_copying = 0
        self._journal: IO[bytes] | None = None
        self._caught_up_at: int | None = None
        self._is_ready = False
        self._wanted_since: float | None = None
        self._last_write = time.monotonic()
        self._not_before = 0.0
        self._is_forced = False
        self._settled_unindexed = 0
        self._points = shard.engine.info().points_count
        self._outdated = 0
        self.finished_runs = 0
        self.last_error: str | None = None
        self._consider()

    @property
    def is_copying(self) -> bool:
        """Whether writes must wait, because a child copies the shard directory (well under a second)."""
        return self._optimizer_copies or self._snapshots_copying > 0

    @property
    def is_wanted(self) -> bool:
        """Whether an optimisation runs or is due: the collection is `yellow`."""
        return self._is_running or self._wanted_since is not None

    def note_write(self, frame: Frame) -> None:
        """Remember a write that the shard has accepted."""
        self._last_write = time.monotonic()
        if self._journal is not None:
            try:
                append_frame(self._journal, frame)
            except OSError as error:
                self._fail(f"cannot keep the journal of writes: {error}")
        points = self._shard.engine.info().points_count
        self._outdated += max(0, self._points - points)
        self._points = points
        self._consider()

    def force(self) -> None:
        """Ask for an optimisation because the parameters have changed."""
        self._is_forced = True
        self._not_before = 0.0
        self._consider()

    def due_at(self) -> float | None:
        """Return the moment of the next start, if one is due."""
        if self._is_running or self._wanted_since is None:
            return None
        due = min(self._last_write + IDLE_SECONDS, self._wanted_since + LONGEST_DELAY_SECONDS)
        return max(due, self._not_before)

    def start_if_due(self) -> None:
        """Start the optimiser when its time has come, or switch to its result when nothing is in the way."""
        if self._is_ready and self._caught_up_at is not None and not self.is_copying:
            self._adopt(self._caught_up_at)
        due = self.due_at()
        if due is not None and due <= time.monotonic() and not self.is_copying:
            self._start_optimizer()

    def cancel(self) -> None:
        """End a running optimisation; the shard itself is not touched."""
        if self._is_running:
            self._drop_run()
            self._consider()

    def start_snapshot(self, path: Path, *, number: int, reply: Callable[..., None]) -> None:
        """Pack the shard into a snapshot file; `reply` answers request `number` when it is there."""
        said: list[str] = []

        def hear(line: str) -> None:
            if line == "copied":
                self._snapshots_copying -= 1
            said.append(line)

        def finish(code: int) -> None:
            if "copied" not in said:
                self._snapshots_copying -= 1
            if code == 0:
                reply(number, status=200, body=answers.envelope(result=True, seconds=0.0))
            else:
                reply(number, status=500, body=error_body(f"Service internal error: snapshot failed: {said}"))

        self._shard.flush()
        self._snapshots_copying += 1
        arguments = ("pack", self._shard.root, self._shard.directory, path)
        self._children.add(
            Child.start("opsctl.stack.vector_node.snapshots", *arguments, on_line=hear, on_exit=finish)
        )

    def _consider(self) -> None:
        if self._wants():
            self._wanted_since = self._wanted_since or time.monotonic()
        else:
            self._wanted_since = None

    def _wants(self) -> bool:
        settings = optimizer_settings(self._shard.params.optimizers_config)
        if settings.get("max_optimization_threads") == 0:
            return False
        if self._is_forced:
            return True
        enough_outdated = max(
            settings["vacuum_min_vector_number"],
            settings["deleted_threshold"] * (self._points + self._outdated),
        )
        threshold: int = settings["indexing_threshold"]
        is_too_big = 0 < threshold < self._unindexed_kilobytes()
        return is_too_big or self._outdated > enough_outdated

    def _unindexed(self) -> int:
        info = self._shard.engine.info()
        names = max(1, len(vector_params(self._shard.params)))
        return max(0, info.points_count - info.indexed_vectors_count // names)

    def _unindexed_kilobytes(self) -> float:
        # What an optimisation has left unindexed (a small segment, points without vectors) is not due again.
        count = self._unindexed() - self._settled_unindexed
        largest = max((params.size for params in vector_params(self._shard.params).values()), default=0)
        return count * largest * 4 / 1024

    def _start_optimizer(self) -> None:
        target = self._shard.next_path()
        shutil.rmtree(target, ignore_errors=True)
        journal = self._shard.root / _JOURNAL
        try:
            self._shard.flush()
            self._journal = journal.open("wb", buffering=0)
        except Exception as error:  # noqa: BLE001 - the engine raises plain Exception
            self._fail(f"cannot start the optimizer: {error}")
            return
        self._is_forced = False
        self._optimizer_copies = True
        arguments = (self._shard.root, self._shard.directory, target.name, journal)
        module = "opsctl.stack.vector_node.optimizer"
        self._optimizer = Child.start(module, *arguments, on_line=self._hear, on_exit=self._finish)
        self._children.add(self._optimizer)

    def _hear(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "copied":
            self._optimizer_copies = False
        elif word == "caught_up":
            self._caught_up_at = int(rest)
        else:
            self.last_error = line

    def _finish(self, code: int) -> None:
        self._optimizer = None
        self._optimizer_copies = False
        self._is_ready = code == 0 and self._caught_up_at is not None
        if not self._is_ready:
            self._fail(self.last_error or f"the optimizer ended with {code}")

    def _adopt(self, offset: int) -> None:
        import qdrant_edge as edge

        target = self._shard.next_path()
        try:
            engine = edge.EdgeShard.load(str(target), engine_config(self._shard.params))
            journal = self._shard.root / _JOURNAL
            for frame, end in read_journal(journal, offset=offset):
                args: dict[str, Any] = frame.head.get("args", {})
                for operation in parse_write(frame.head["op"], args=args, body=frame.body):
                    engine.update(operation)
                offset = end
            require_whole(journal, read=offset)
            engine.flush()
            self._shard.adopt(engine, path=target)
        except Exception as error:  # noqa: BLE001 - the engine raises plain Exception
            self._fail(f"cannot switch to the optimised shard: {error}")
            return
        self.finished_runs += 1
        self.last_error = None
        self._forget_run()
        self._outdated = 0
        self._points = self._shard.engine.info().points_count
        self._settle()
        self._consider()

    def _settle(self) -> None:
        threshold = optimizer_settings(self._shard.params.optimizers_config)["indexing_threshold"]
        self._settled_unindexed = 0
        if self._unindexed_kilobytes() <= threshold:
            return
        self._settled_unindexed = self._unindexed()

    def _fail(self, why: str) -> None:
        logger.error("optimisation failed", extra=facts(shard=str(self._shard.path), error=why))
        self.last_error = why
        self._not_before = time.monotonic() + PAUSE_AFTER_FAILURE_SECONDS
        self._drop_run()
        self._consider()

    @property
    def _is_running(self) -> bool:
        return self._optimizer is not None or self._is_ready

    def _drop_run(self) -> None:
        if self._optimizer is not None:
            self._children.kill(self._optimizer)
        self._forget_run()
        shutil.rmtree(self._shard.next_path(), ignore_errors=True)

    def _forget_run(self) -> None:
        self._optimizer = None
        self._is_ready = False
        self._optimizer_copies = False
        self._caught_up_at = None
        self._wanted_since = None
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        (self._shard.root / _JOURNAL).unlink(missing_ok=True)
