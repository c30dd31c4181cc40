"""How does everything else that the service says look: one JSON line a message on stderr, without secrets, counted.

On a terminal the usual text is kept, because there a person reads it.
"""

import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

import orjson

from opsctl import __version__
from opsctl.metrics import service as metrics
from opsctl.service.telemetry.log import SERVICE_NAME
from opsctl.service.telemetry.meters import Meters

_SECRETS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+"), r"\1 ***"),
    (re.compile(r"\bopk_([A-Za-z0-9]{8})_[A-Za-z0-9]+"), r"opk_\1_***"),
    (re.compile(r"(://[^:/@\s]*:)[^@\s]*@"), r"\1***@"),
    (re.compile(r"(?i)\b(password|passwd|secret|token|api[_-]?key)(\s*[=:]\s*)[^\s\"',;&]+"), r"\1\2***"),
)
_LONGEST_CHARACTERS = 16_000
_LEVELS = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
    logging.ERROR: "error",
    logging.CRITICAL: "error",
}


def redacted(text: str) -> str:
    """Return a text without anything that opens a door.

    >>> redacted("GET /v1/feed/7 Authorization: Bearer abc.def postgresql://me:pw@host/db")
    'GET /v1/feed/7 Authorization: Bearer *** postgresql://me:***@host/db'
    """
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


class JsonLines(logging.Formatter):
    """One object a message, names as OpenTelemetry has them; a stack trace is one of its texts."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields: dict[str, Any] = {
            "event": "message",
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity": "WARN" if record.levelno == logging.WARNING else record.levelname,
            "body": _cut(redacted(record.getMessage())),
            "service.name": SERVICE_NAME,
            "service.version": __version__,
            "logger": record.name,
            "process.pid": record.process,
        }
        for name in ("request_id", "trace_id"):
            if isinstance(getattr(record, name, None), str):
                fields[name] = getattr(record, name)
        if record.exc_info:
            fields["exception.stacktrace"] = _cut(redacted(self.formatException(record.exc_info)))
        return orjson.dumps(fields, default=str).decode()


class CountingHandler(logging.Handler):
    """Counts messages by level; it writes nothing."""

    def __init__(self, meters: Meters) -> None:
        super().__init__()
        self._meters = meters

    def emit(self, record: logging.LogRecord) -> None:
        """Count one."""
        self._meters.count(metrics.LOG_LINES, _LEVELS.get(record.levelno, "info"), "message")


def configuration(*, is_terminal: bool) -> dict[str, Any]:
    """Return the logging of a process of the service, and of the server below it."""
    plain = {"format": "%(levelname)s %(name)s: %(message)s"}
    own = {"()": "opsctl.service.telemetry.process_log.JsonLines"}
    handler = {"class": "logging.StreamHandler", "formatter": "chosen", "stream": "ext://sys.stderr"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"chosen": plain if is_terminal else own},
        "handlers": {"stderr": handler},
        "root": {"level": "INFO", "handlers": ["stderr"]},
        "loggers": {
            "_granian": {"level": "INFO", "handlers": ["stderr"], "propagate": False},
            # A line a request of the clients' libraries would drown everything else.
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
        },
    }


def configure_logging() -> None:
    """Have this process write what it says as the configuration has it."""
    import logging.config

    logging.config.dictConfig(configuration(is_terminal=sys.stderr.isatty()))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_CHARACTERS else f"{text[:_LONGEST_CHARACTERS]}..."
