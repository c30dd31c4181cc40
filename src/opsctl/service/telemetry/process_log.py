"""How does everything else that the service says look: one JSON line a message on stderr, without secrets, counted.

That is what its own modules log, the server below it, libraries, warnings, and exceptions that nobody caught. On a
terminal a message is a line of text, because there a person reads it.
"""

import logging
import os
import re
import stat
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import orjson

from opsctl.metrics import service as metrics
from opsctl.service.telemetry.meters import Meters
from opsctl.service.telemetry.redaction import redacted
from opsctl.service.telemetry.resource import resource
from opsctl.service.telemetry.sinks import LONGEST_LINE_BYTES, StreamSink
from opsctl.service.telemetry.trace import current_trace

EVENT = "message"
_LONGEST_CHARACTERS = 16_000
_LAST_WORD = re.compile(r"(?<!\S)\S+\Z")
_STDERR = 2
_LEVELS = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
    logging.ERROR: "error",
    logging.CRITICAL: "error",
}
_SEVERITIES = {logging.WARNING: "WARN", logging.CRITICAL: "FATAL"}
_logger = logging.getLogger("opsctl.service")


class JsonLines(logging.Formatter):
    """One object a message, names as OpenTelemetry has them; a stack trace is one of its texts."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields: dict[str, Any] = {
            "event": EVENT,
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity": _SEVERITIES.get(record.levelno, record.levelname),
            "body": _clean(_begin_of(_message_of(record))),
            **resource(),
            "logger": record.name,
            "process.pid": record.process,
            **ids_of(record),
        }
        if record.exc_info and record.exc_info[0] is not None:
            fields["exception.type"] = record.exc_info[0].__qualname__
            fields["exception.stacktrace"] = _clean(_end_of(self.formatException(record.exc_info)))
        return orjson.dumps(fields, default=str).decode()


class TextLines(logging.Formatter):
    """What a person reads on a terminal: as redacted as the other."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and the stack trace below it."""
        request_id = ids_of(record).get("request_id")
        told = f" (request {request_id})" if request_id else ""
        return redacted(super().format(record)) + told


class StderrHandler(logging.Handler):
    """Writes to stderr, without ever waiting for whoever reads it: a pipe that nobody empties costs lines, not time.

    A pipe takes some four thousand bytes at once or not at all, so there a stack trace keeps what fits of its end, and a text its beginning and its end.
    """

    def __init__(self, descriptor: int = _STDERR) -> None:
        super().__init__()
        self._sink = StreamSink(descriptor)
        self._is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one."""
        try:
            line = self.format(record).encode("utf-8", "backslashreplace")
        except Exception:  # noqa: BLE001 - as the library has it: a message that cannot be written ends nothing
            self.handleError(record)
            return
        self._sink.info(line if self._is_file else _fitting(line))


class CountingHandler(logging.Handler):
    """Counts messages by level; it writes nothing."""

    def __init__(self, meters: Meters) -> None:
        super().__init__()
        self._meters = meters

    def emit(self, record: logging.LogRecord) -> None:
        """Count one."""
        self._meters.count(metrics.LOG_LINES, _LEVELS.get(record.levelno, "info"), EVENT)


def ids_of(record: logging.LogRecord) -> dict[str, str]:
    """Return the request and the trace that a message belongs to: those it names itself, else the current ones."""
    trace = current_trace()
    found = {"request_id": trace.request_id, "trace_id": trace.trace_id, "span_id": trace.span_id}
    named = {name: value for name in found if isinstance(value := getattr(record, name, None), str)}
    return {name: value for name, value in (found | named).items() if value}


def configuration(*, is_terminal: bool) -> dict[str, Any]:
    """Return the logging of a process of the service, and of the server below it."""
    here = __name__
    text = {"()": f"{here}.TextLines", "fmt": "%(levelname)s %(name)s: %(message)s"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"chosen": text if is_terminal else {"()": f"{here}.JsonLines"}},
        "handlers": {"stderr": {"()": f"{here}.StderrHandler", "formatter": "chosen"}},
        "root": {"level": "INFO", "handlers": ["stderr"]},
        "loggers": {
            "_granian": {"level": "INFO", "handlers": [], "propagate": True},
            # A line a request of the clients' libraries would drown everything else.
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
        },
    }


def configure_logging() -> None:
    """Have this process write what it says as the configuration has it, and what ends it or one of its threads too."""
    import logging.config

    logging.config.dictConfig(configuration(is_terminal=sys.stderr.isatty()))
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda told: _uncaught(
        told.exc_type, told.exc_value or told.exc_type(), told.exc_traceback
    )


def _clean(text: str) -> str:
    """Return a text without secrets, and without halves of characters, which no UTF-8 has."""
    return redacted(text).encode("utf-8", "backslashreplace").decode("utf-8")


def _message_of(record: logging.LogRecord) -> str:
    """Return the message; one that does not fit what is to be put into it is told as it is."""
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} {record.args!r}"


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        sys.__excepthook__(kind, error, trace)
        return
    _logger.critical("an exception that nobody caught", exc_info=(kind, error, trace))


def _fitting(line: bytes) -> bytes:
    """Return a line that a pipe takes at once: without what of its stack trace is too much."""
    if len(line) < LONGEST_LINE_BYTES:
        return line
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError:
        half = LONGEST_LINE_BYTES // 2 - 8
        both_ends = line[:half] + b"\n...\n" + line[-half:]
        return both_ends.decode("utf-8", "ignore").encode()
    longest = LONGEST_LINE_BYTES // 2
    while len(line) >= LONGEST_LINE_BYTES and longest:
        fields["body"] = fields["body"][:longest]
        if "exception.stacktrace" in fields:
            fields["exception.stacktrace"] = fields["exception.stacktrace"][-longest:]
        line, longest = orjson.dumps(fields | {"cut": True}), longest // 2
    return line


def _begin_of(text: str) -> str:
    """Return the beginning of a message, in whole words: half a secret looks like none."""
    if len(text) <= _LONGEST_CHARACTERS:
        return text
    return f"{_LAST_WORD.sub('', text[:_LONGEST_CHARACTERS])}..."


def _end_of(text: str) -> str:
    """Return the end of a stack trace, where the error itself stands, in whole lines: half a secret looks like none."""
    if len(text) <= _LONGEST_CHARACTERS:
        return text
    cut = text[-_LONGEST_CHARACTERS:]
    return f"...{cut[cut.find(chr(10)) :]}" if "\n" in cut else "..."
