"""Which HTTP status and text a request that cannot be answered gets, in the shape that Qdrant uses."""

import errno
import os
import re

import orjson

# What the engine says when the disk is full, a quota is used up or a file-size limit is hit.
_NO_ROOM = re.compile(
    "|".join(
        [re.escape(os.strerror(number)) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)]
        + [rf"os error {number}\b" for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)]
        + ["OutOfDisk", "out of disk", "(?i:not enough space|disk is full)"]
    )
)
_ENGINE_FAULT = re.compile(
    r"Service (internal|runtime) error|Inconsistent storage|os error|IO error|panicked"
)


class ApiError(Exception):
    """A refusal on purpose: the HTTP status, and the text for `status.error`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class EngineFaultError(ApiError):
    """The engine itself failed (disk, corruption): the shard must be opened anew before it is trusted again."""


def error_body(message: str, *, seconds: float = 0.0) -> bytes:
    """Return Qdrant's error document."""
    return orjson.dumps({"status": {"error": message}, "time": seconds})


def from_engine(error: Exception) -> ApiError:
    """Translate what the engine raised; anything that is not plainly the caller's fault is the engine's."""
    text = "; ".join(line.strip(" -") for line in str(error).splitlines())
    if _NO_ROOM.search(text):
        return EngineFaultError(507, f"Service internal error: no space left for this write: {text}")
    if isinstance(error, TypeError | ValueError | OverflowError):
        return ApiError(400, f"Wrong input: {text}")
    if text.startswith(("No point with id", "Not found")):
        return ApiError(404, f"Not found: {text}")
    if _ENGINE_FAULT.search(text) or isinstance(error, OSError):
        return EngineFaultError(500, text)
    return ApiError(400, f"Wrong input: {text}")
