"""What went wrong with a snapshot on its way from or to a node, beyond what goes wrong with any request."""

from opsctl.core.errors import FailedError, NotReadyError, OpsError
from opsctl.core.units import format_bytes, format_duration


def damaged(name: str, *, url: str, expected: str, got: str) -> FailedError:
    """Return the error for bytes that are not those that the node made."""
    return FailedError(
        f"snapshot `{name}` of `{url}` arrived damaged",
        code="QSN001",
        why=f"its SHA-256 is {got}; the node says {expected}",
        fix="run the same command again; if it comes back, look at the node's disk and memory",
    )


def broken_off(what: str, *, received: int, expected: int) -> FailedError:
    """Return the error for a transfer that is not as long as was said."""
    return FailedError(
        f"{what} is not whole",
        code="QSN002",
        why=f"{received:,} of {expected:,} bytes",
        fix="run the same command again",
    )


def cut_off(url: str, *, doing: str, why: str) -> FailedError:
    """Return the error for an answer that began and did not come to its end."""
    return FailedError(
        f"cannot {doing}: the answer of `{url}` broke off",
        code="QSN002",
        why=why,
        fix="look whether the node runs: opsctl stack status; then run the same command again",
    )


def rejected(collection: str, *, url: str, why: str) -> FailedError:
    """Return the error for an upload that the node received as something else."""
    return FailedError(
        f"`{url}` received another snapshot of `{collection}` than was sent",
        code="QSN003",
        why=why,
        fix="nothing was changed there; verify the backup with `opsctl dr verify`, then restore again",
    )


def no_room(collection: str, *, url: str, size_bytes: int, why: str) -> NotReadyError:
    """Return the error for a node whose disk is too full to take a snapshot in."""
    return NotReadyError(
        f"`{url}` has no room to put `{collection}` back",
        code="QSN004",
        why=f"{why}; it needs {format_bytes(size_bytes)} for the upload and as much again to unpack it",
        fix="free space on the node, then run the same command again",
    )


def too_slow(url: str, *, doing: str, seconds: float) -> NotReadyError:
    """Return the error for a node that was waited for long enough."""
    return NotReadyError(
        f"cannot {doing}: `{url}` took too long",
        code="QSN005",
        why=f"nothing came for {format_duration(seconds)}; a proxy before the node may also have a limit of its own",
        fix="look at the node's log; it may finish nevertheless, so look which snapshots lie there before the next try",
    )


def of_upload(error: OpsError, *, collection: str, url: str, size_bytes: int) -> OpsError:
    """Return what an error means to somebody who puts a collection back; itself where it means nothing special."""
    words = (error.why or "").lower()
    if error.code == "COL007" or "larger than allowed" in words or "no space left" in words:
        return no_room(collection, url=url, size_bytes=size_bytes, why=error.why or error.message)
    if "checksum" in words and "mismatch" in words:
        return rejected(collection, url=url, why=error.why or error.message)
    return error
