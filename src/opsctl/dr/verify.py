"""Is a backup whole, and does it come back: its bytes, its log, and a restore of it beside everything that runs.

Any doubt is a bad verdict. An exit code of some program proves nothing by itself, and neither does a backup that was
made without a complaint.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from opsctl.clients.files import says_no_room
from opsctl.clients.repository import GONE
from opsctl.core.clock import Clock
from opsctl.core.errors import FailedError, NotReadyError, OpsError
from opsctl.core.events import Listener, PhaseFinished, PhaseStarted
from opsctl.core.exit_codes import ExitCode
from opsctl.core.findings import Finding, Severity
from opsctl.dr.manifest import SealedFile
from opsctl.dr.restore import Done, RestoreReport

# Another engine, another minor version of it, another embedding model, another length of its vectors.
_OF_THIS_HOST = {"DRC043", "DRC044", "DRC045", "DRC046"}


class Depth(StrEnum):
    """How far a verification goes."""

    STORED = "stored"
    """Every stored byte is hashed; no key is needed, and nothing is restored."""
    RESTORED = "restored"
    """Also, everything is restored into a scratch folder and compared with what the manifest says."""


class VerifyStep(StrEnum):
    """What a verification does before it restores."""

    STORED = "stored bytes"


class CheckedVault(Protocol):
    """The part of `dr.vault.Vault` that reads what is stored."""

    def check_stored(self, file: SealedFile, *, listener: Listener) -> None:
        """Compare what is stored with its digest."""
        ...

    def check_named(self, key: str) -> int:
        """Compare a small thing with the digest in its key, and return its size."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Everything of a backup that is stored.

    Args:
        files: its own and those of its parents.
        named: keys of the manifests that name them, and of whatever else is kept under its own digest.
        lost: what ought to be there, and is not even named any more.
        is_superseded: tells of one of these keys that is gone whether something took its place meanwhile.
    """

    files: Sequence[SealedFile]
    named: Sequence[str]
    lost: Sequence[Finding] = ()
    is_superseded: Callable[[str], bool] = lambda _key: False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckDone:
    """A step of the verification itself."""

    step: VerifyStep
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What a verification found; it is good only where there is no doubt at all."""

    backup_id: str
    depth: Depth
    started_at: datetime
    stored_bytes: int
    steps: tuple[Done | CheckDone, ...]
    doubts: tuple[Finding, ...]

    @property
    def is_good(self) -> bool:
        """Tell whether nothing speaks against the backup."""
        return not self.doubts

    @property
    def is_of_this_host(self) -> bool:
        """Tell whether it is only the engine or the settings here that do not fit: on another host it may be good."""
        return bool(self.doubts) and all(doubt.code in _OF_THIS_HOST for doubt in self.doubts)

    @property
    def seconds(self) -> float:
        """Return how long it took."""
        return sum(done.seconds for done in self.steps)


def verify(
    backup_id: str,
    *,
    contents: Contents,
    vault: CheckedVault,
    trial: Callable[[], RestoreReport] | None,
    clock: Clock,
    listener: Listener,
) -> VerifyReport:
    """Verify a backup with everything that it builds on.

    Args:
        backup_id: its name.
        contents: everything of it that is stored.
        vault: where they are.
        trial: restores it where nobody is disturbed; None goes no deeper than the stored bytes.
        clock: measures.
        listener: hears of bytes and phases.

    Raises:
        NotReadyError: what was to be verified could not be reached, or this machine has no room: no verdict.
    """
    started_at, began = clock.now(), clock.monotonic()
    doubts: list[Finding] = [*contents.lost]
    stored_bytes = sum(file.stored_bytes for file in contents.files)
    for key in contents.named:
        with _as_doubt(doubts):
            stored_bytes += _named_bytes(key, contents=contents, vault=vault)
    doubts += _stored(backup_id, files=contents.files, vault=vault, clock=clock, listener=listener)
    steps: list[Done | CheckDone] = [
        CheckDone(step=VerifyStep.STORED, seconds=clock.monotonic() - began),
    ]
    is_tried = trial is not None and not doubts
    if trial is not None and is_tried:
        with _as_doubt(doubts):
            report = trial()
            steps += report.steps
            doubts += report.doubts
    return VerifyReport(
        backup_id=backup_id,
        depth=Depth.RESTORED if is_tried else Depth.STORED,
        started_at=started_at,
        stored_bytes=stored_bytes,
        steps=tuple(steps),
        doubts=tuple(doubts),
    )


def unreadable(backup_id: str, *, why: str, clock: Clock) -> VerifyReport:
    """Return the report on a backup whose manifest is damaged: nothing else of it can be told."""
    doubt = Finding(
        code="DRC063",
        severity=Severity.ERROR,
        title=f"the manifest of `{backup_id}` is damaged, so nothing of it can be told",
        evidence=why,
        fix="look whether another copy is whole: opsctl dr verify --offsite; then make a new backup: opsctl dr backup --full",
    )
    return VerifyReport(
        backup_id=backup_id,
        depth=Depth.STORED,
        started_at=clock.now(),
        stored_bytes=0,
        steps=(),
        doubts=(doubt,),
    )


def _named_bytes(key: str, *, contents: Contents, vault: CheckedVault) -> int:
    """Return the size of a small thing that is what its key says; 0 where another has taken its place."""
    try:
        return vault.check_named(key)
    except FailedError as error:
        if error.code == GONE and contents.is_superseded(key):
            return 0
        raise


def _stored(
    backup_id: str, *, files: Sequence[SealedFile], vault: CheckedVault, clock: Clock, listener: Listener
) -> Iterator[Finding]:
    """Yield a finding for each file whose stored bytes are not those that were put."""
    began, total = clock.monotonic(), sum(file.stored_bytes for file in files)
    listener(PhaseStarted(subject=backup_id, phase="check", total=total, unit="bytes"))
    for file in files:
        found: list[Finding] = []
        with _as_doubt(found):
            vault.check_stored(file, listener=listener)
        yield from found
    took = clock.monotonic() - began
    listener(PhaseFinished(subject=backup_id, phase="check", duration_seconds=took, figures={"bytes": total}))


def _no_room(error: OpsError) -> NotReadyError:
    return NotReadyError(
        "there was no room left to try the backup",
        code="DRC039",
        why=f"{error.message}: {error.why}",
        fix="free some space, then verify again: df -h",
    )


@contextmanager
def _as_doubt(doubts: list[Finding]) -> Iterator[None]:
    """Turn what speaks against the backup into a doubt; what only kept us from looking goes through.

    Raises:
        NotReadyError: nobody answers, or there is no room; that says nothing about the backup.
    """
    try:
        yield
    except NotReadyError:
        raise
    except OpsError as error:
        if error.exit_code is ExitCode.USAGE:
            raise  # no key, a bad book
        if says_no_room(error.why or ""):
            raise _no_room(error) from error
        doubts.append(error.as_finding())
