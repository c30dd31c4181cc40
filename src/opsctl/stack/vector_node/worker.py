"""What the engine worker of one collection does: read frames, ask the engine, answer; alone in its process."""

import selectors
import shutil
import signal
import socket
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

from opsctl.stack.vector_node import answers
from opsctl.stack.vector_node.api_error import ApiError, EngineFaultError, error_body, from_engine
from opsctl.stack.vector_node.background import Background
from opsctl.stack.vector_node.children import Child, Children
from opsctl.stack.vector_node.convert_config import optimizer_settings
from opsctl.stack.vector_node.convert_points import WRITES, parse_write
from opsctl.stack.vector_node.frames import Frame, pack, receive_frame
from opsctl.stack.vector_node.info import collection_info, statistics
from opsctl.stack.vector_node.light_models import skip_client_imports
from opsctl.stack.vector_node.logs import facts, log_to_stderr, logger
from opsctl.stack.vector_node.parsing import parse_model
from opsctl.stack.vector_node.reads import READS
from opsctl.stack.vector_node.settings import merged
from opsctl.stack.vector_node.shard import Shard

_NOT_WHILE_COPYING = frozenset({*WRITES, "patch", "close"})


class Worker:
    """The loop of one process: one connection to the front, one shard, some children."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._selector = selectors.DefaultSelector()
        self._selector.register(connection, selectors.EVENT_READ, None)
        self._children = Children(self._selector)
        self._held: deque[Frame] = deque()
        self._shard: Shard | None = None
        self._background: Background | None = None
        self._operation_number = 0
        self._told: dict[str, Any] = {}
        self._is_closing = False
        self._is_log_suspect = False

    def run(self) -> None:
        """Serve until the front closes the connection or asks to close."""
        while not self._is_closing:
            for key, _events in self._selector.select(self._seconds_to_sleep()):
                if isinstance(key.data, Child):
                    self._children.hear(key.data)
                    continue
                frame = receive_frame(self._connection)
                if frame is None:
                    self._close()
                    return
                self._take(frame)
            self._release_held()
            self._do_what_is_due()

    def _take(self, frame: Frame) -> None:
        is_copying = self._background is not None and self._background.is_copying
        if frame.head["op"] in _NOT_WHILE_COPYING and (is_copying or self._held):
            self._held.append(frame)
            return
        self._serve(frame)

    def _release_held(self) -> None:
        while self._held and not (self._background is not None and self._background.is_copying):
            self._serve(self._held.popleft())

    def _serve(self, frame: Frame) -> None:
        try:
            body = self._answer(frame)
        except Exception as error:  # noqa: BLE001 - the engine raises plain Exception
            refusal = error if isinstance(error, ApiError) else from_engine(error)
            if refusal.status >= 500:
                logger.error("request failed", extra=facts(operation=frame.head["op"], error=str(error)))
            if isinstance(refusal, EngineFaultError):
                self._recover()
                # Opened without room for the next file of its log, the engine would refuse the next write too.
                self._is_log_suspect = True
            self.reply(frame.number, status=refusal.status, body=error_body(refusal.message))
        else:
            if body is not None:
                self.reply(frame.number, status=200, body=body)

    def reply(self, number: int, *, status: int, body: bytes) -> None:
        """Send the answer to a request."""
        self._connection.sendall(pack(Frame(number=number, head={"status": status}, body=body)))

    def _answer(self, frame: Frame) -> bytes | None:  # noqa: PLR0911 - one line for each kind
        operation, args = frame.head["op"], frame.head.get("args", {})
        if operation in {"open", "create"}:
            return self._open(Path(args["root"]), body=frame.body if operation == "create" else None)
        if operation == "close":
            self._close()
            return answers.envelope(result=True, seconds=0.0)
        shard, background = self._opened()
        if operation in READS:
            return READS[operation](shard.engine, args, frame.body)
        if operation in WRITES:
            return self._write(frame)
        match operation:
            case "info":
                return answers.envelope(collection_info(shard, background, held=len(self._held)), seconds=0.0)
            case "patch":
                return self._patch(frame.body)
            case "snapshot":
                background.start_snapshot(Path(args["path"]), number=frame.number, reply=self.reply)
                return None
            case _:
                raise ApiError(501, f"Not implemented: the vector node has no operation `{operation}`")

    def _open(self, root: Path, *, body: bytes | None) -> bytes:
        from qdrant_client.http import models

        started = time.perf_counter()
        if body is None:
            self._shard = Shard.open(root)
        else:
            params = parse_model(models.CreateCollection, body)
            try:
                self._shard = Shard.create(root, params=params)
            except Exception:
                shutil.rmtree(root, ignore_errors=True)
                raise
        self._background = Background(self._shard, children=self._children)
        return answers.envelope(result=True, seconds=time.perf_counter() - started)

    def _opened(self) -> tuple[Shard, Background]:
        if self._shard is None or self._background is None:
            raise ApiError(500, "Service internal error: this worker has not opened a collection")
        return self._shard, self._background

    def _write(self, frame: Frame) -> bytes:
        shard, background = self._opened()
        operation, args = frame.head["op"], frame.head.get("args", {})
        operations = parse_write(operation, args=args, body=frame.body)
        if self._is_log_suspect:
            shard.reopen()
            self._is_log_suspect = False
        try:
            seconds = shard.update(operations)
        except Exception:
            # A list of operations may have stopped half-way; only the shard itself knows how far it came.
            if len(operations) > 1:
                background.cancel()
            raise
        background.note_write(frame)
        self._operation_number += 1
        status = "completed" if args.get("wait", True) else "acknowledged"
        result = {"operation_id": self._operation_number, "status": status}
        return answers.envelope(
            [result] * len(operations) if operation == "batch" else result, seconds=seconds
        )

    def _patch(self, body: bytes) -> bytes:
        from qdrant_client.http import models

        shard, background = self._opened()
        started = time.perf_counter()
        change = parse_model(models.UpdateCollection, body)
        params = merged(shard.params, change)
        if {name for name, value in change if value is not None} == {"metadata"}:
            shard.annotate(params)
        else:
            background.cancel()
            shard.reconfigure(params)
            background.force()
        return answers.envelope(result=True, seconds=time.perf_counter() - started)

    def _recover(self) -> None:
        """Open the shard anew after a fault of the engine: what was acknowledged is in its write-ahead log."""
        shard, background = self._opened()
        background.cancel()
        try:
            shard.reopen()
        except Exception:  # noqa: BLE001 - the engine raises plain Exception
            logger.exception(
                "the shard does not open; this worker gives up and is started anew at the next request"
            )
            sys.exit(1)

    def _seconds_to_sleep(self) -> float | None:
        due = [self._flush_due(), self._background.due_at() if self._background else None]
        times = [each for each in due if each is not None]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _flush_due(self) -> float | None:
        if self._shard is None or self._shard.unflushed_since is None:
            return None
        interval = optimizer_settings(self._shard.params.optimizers_config)["flush_interval_sec"]
        return self._shard.unflushed_since + float(interval)

    def _do_what_is_due(self) -> None:
        if self._shard is None or self._background is None or self._is_closing:
            return
        flush_due = self._flush_due()
        if flush_due is not None and flush_due <= time.monotonic() and not self._background.is_copying:
            self._guarded_flush(self._shard)
        self._background.start_if_due()
        news = statistics(self._shard, self._background)
        if news != self._told:
            self._told = news
            self._connection.sendall(pack(Frame(number=0, head={"stats": news})))

    def _guarded_flush(self, shard: Shard) -> None:
        try:
            shard.flush()
        except Exception:  # noqa: BLE001 - the engine raises plain Exception
            # The write-ahead log still holds everything; try again a second later.
            logger.exception("flush failed")
            shard.unflushed_since = time.monotonic()

    def _close(self) -> None:
        self._is_closing = True
        if self._shard is not None and self._background is not None:
            self._background.cancel()
            self._guarded_flush(self._shard)
            self._shard.engine.close()


def main() -> None:
    """Serve the socket whose number is the only argument."""
    # The front says when to stop, by a frame or by closing the socket; a signal to the whole group must not cut in.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    log_to_stderr()
    skip_client_imports()
    import qdrant_edge as _edge  # noqa: F401 - imported before the first request, so that it does not wait for it
    from qdrant_client.http import models as _models  # noqa: F401 - as above

    with socket.socket(fileno=int(sys.argv[1])) as connection:
        try:
            Worker(connection).run()
        except (BrokenPipeError, ConnectionResetError):
            logger.info("the front is gone; leaving")


if __name__ == "__main__":
    main()
