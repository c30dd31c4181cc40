"""Can what the evidence ledger says be believed: told beside any list that rests on it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.evidence.model import Record

_Mark = tuple[tuple[int, int, int] | None, ...]


def tell_if_damaged() -> None:
    """Say in one line that the ledger fails its verification; nothing where it does not."""
    from opsctl.cli import wiring
    from opsctl.core.errors import OpsError
    from opsctl.core.findings import Severity
    from opsctl.ui.console import warn

    try:
        found = [each.title for each in wiring.ledger().verify().findings if each.severity is Severity.ERROR]
    except OpsError as error:
        found = [error.message]
    if found:
        warn(f"the evidence ledger is damaged: {found[0]}; `opsctl evidence verify` says more")


def require_whole() -> None:
    """Refuse to rest a verdict on a ledger that was changed: its figures may be whatever somebody wrote there.

    Raises:
        FailedError: EVD001 the chain is broken, with every finding.
    """
    from opsctl.cli import wiring
    from opsctl.core.errors import FailedError
    from opsctl.core.findings import Severity

    checked = wiring.ledger().verify()
    if checked.ok:
        return
    broken = [each for each in checked.findings if each.severity is Severity.ERROR]
    raise FailedError(
        "the evidence ledger does not verify, so its figures count for nothing",
        code="EVD001",
        why=f"{len(broken)} {'place is' if len(broken) == 1 else 'places are'} broken, the first: {broken[0].title}",
        findings=broken,
        fix="run `opsctl evidence verify`; restore the ledger from a backup, or move it away and measure anew",
    )


def sound_records(*, kind: str | None = None) -> "list[Record]":
    """Return the records of a kind, the newest first, of a ledger that is whole; errors as of `require_whole`."""
    from opsctl.cli import wiring

    require_whole()
    return wiring.ledger().records(kind=kind)


class WatchedLedger:
    """The ledger for whoever looks again and again: its chain is walked when the files have changed, and not at each look.

    To hash all records takes some eight times as long as to read them. An edit that puts size and time back is seen by
    the next look after an append, by `opsctl evidence verify`, and by SEC013.
    """

    def __init__(self) -> None:
        self._whole: _Mark | None = None

    def records(self, *, kind: str | None = None) -> "Sequence[Record]":
        """Return the records of a kind, the newest first; errors as of `require_whole`."""
        from opsctl.cli import wiring

        mark = _mark()
        if mark != self._whole:
            require_whole()
            self._whole = mark
        return wiring.ledger().records(kind=kind)


def _mark() -> _Mark:
    """Return what changes when the files do."""
    from opsctl.cli import wiring

    folder = wiring.settings().home / "evidence"
    files = [folder / name for name in ("ledger.jsonl", "head")]
    found = [file.stat() if file.exists() else None for file in files]
    return tuple(each and (each.st_ino, each.st_size, each.st_mtime_ns) for each in found)
