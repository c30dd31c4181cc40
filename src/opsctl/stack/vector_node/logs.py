"""How the processes of the vector node log: one JSON object a line, on stderr."""

import logging
import os
import sys
from datetime import UTC, datetime

import orjson

logger = logging.getLogger("opsctl.vector_node")


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one JSON object."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "pid": os.getpid(),
            "message": record.getMessage(),
        }
        line |= getattr(record, "facts", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def log_to_stderr() -> None:
    """Send all log records of this process to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def facts(**values: object) -> dict[str, dict[str, object]]:
    """Return the `extra` of a log call: fields of the JSON line."""
    return {"facts": values}
