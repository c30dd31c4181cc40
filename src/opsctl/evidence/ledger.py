"""Where are proofs kept: an append-only file of records, each naming the hash of the one before."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fcntl import LOCK_EX, flock
from pathlib import Path

from opsctl.clients.files import append_durably, file_error, write_atomically
from opsctl.clients.special_files import require_file
from opsctl.core.clock import Clock
from opsctl.core.errors import FailedError, UsageError
from opsctl.core.findings import Finding, Location, Severity
from opsctl.evidence.chain import Verification, broken, check_head, check_link
from opsctl.evidence.lines import ends_whole, last_line
from opsctl.evidence.model import GENESIS, Evidence, Record, record_from_line


class Ledger:
    """The ledger in one folder: `ledger.jsonl` holds the records, `head` the count and the last hash.

    Every append is locked against other processes and flushed to the disk before it returns. The head is
    what shows that records were cut off at the end, which a chain alone cannot show.
    """

    def __init__(self, folder: Path, *, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._path = folder / "ledger.jsonl"
        self._head_path = folder / "head"

    def append(self, evidence: Evidence) -> Record:
        """Add a record and return it as written.

        Raises:
            FailedError: when the ledger's last record is damaged or was cut off, so that nothing sound can follow:
                a new head would hide for good what is missing.
            NotReadyError: when the disk is full or the folder cannot be written.
        """
        with self._refusals_named(doing="write"), self._locked():
            is_moved = self._mend_torn_tail()
            last = self._last_record()
            self._require_sound_end(last, is_moved=is_moved)
            record = self._chained(evidence, last=last)
            append_durably(self._path, record.to_line())
            write_atomically(self._head_path, f"{record.sequence} {record.digest}\n")
        return record

    def records(
        self, *, kind: str | None = None, subject: str | None = None, limit: int | None = None
    ) -> list[Record]:
        """Return the records of a kind (or its family, `collections`) and a subject, newest first."""
        found = [
            record
            for record in self._sound_records()
            if (kind is None or record.kind == kind or record.kind.startswith(f"{kind}."))
            and (subject is None or record.subject == subject)
        ]
        found.reverse()
        return found[:limit]

    def find(self, prefix: str) -> Record:
        """Return the record whose id or digest begins with `prefix`, or whose sequence it is.

        Raises:
            UsageError: when none does, or more than one.
        """
        matches = [
            record
            for record in self._sound_records()
            if record.id.startswith(prefix)
            or record.digest.startswith(prefix)
            or str(record.sequence) == prefix
        ]
        exact = [record for record in matches if prefix in (record.id, str(record.sequence))]
        if len(exact or matches) != 1:
            what = "no record begins" if not matches else f"{len(matches)} records begin"
            raise UsageError(
                f"{what} with `{prefix}`",
                code="EVD002",
                fix="run `opsctl evidence list` to see the ids",
            )
        return (exact or matches)[0]

    def verify(self, *, seen: Callable[[Record], None] | None = None) -> Verification:
        """Walk the chain and report every record that was changed, removed, added or torn.

        Args:
            seen: gets each whole record, the oldest first, as it is passed: a look at all of a long ledger that holds
                none of it.

        Raises:
            NotReadyError: when the ledger cannot be read.
        """
        with self._refusals_named(doing="read"):
            return self._verified(seen or _overlook)

    def _verified(self, seen: Callable[[Record], None]) -> Verification:
        findings: list[Finding] = []
        previous, sequence = GENESIS, 0
        for number, line in self._lines():
            place = Location(file=str(self._path), line=number)
            try:
                record = record_from_line(line)
            except ValueError as error:
                findings.append(broken("a line is not a whole record", place, evidence=str(error)))
                continue
            findings += check_link(record, place=place, previous=previous, sequence=sequence)
            previous, sequence = record.digest, record.sequence
            seen(record)
        findings += self._check_head(count=sequence, digest=previous)
        return Verification(records=sequence, head=previous, findings=tuple(findings))

    def _chained(self, evidence: Evidence, *, last: Record | None) -> Record:
        now = self._clock.now()
        sequence = last.sequence + 1 if last else 1
        record = Record(
            sequence=sequence,
            id=f"{now:%Y%m%dT%H%M%S}-{sequence:05d}",
            kind=evidence.kind,
            subject=evidence.subject,
            verdict=evidence.verdict,
            figures=evidence.figures,
            inputs=evidence.inputs,
            tools=evidence.tools,
            git_commit=evidence.git_commit,
            started_at=evidence.started_at,
            duration_seconds=evidence.duration_seconds,
            recorded_at=now,
            expires_at=now + evidence.valid_for,
            simulated=evidence.simulated,
            previous=last.digest if last else GENESIS,
        )
        return replace(record, digest=record.computed_digest())

    def _last_record(self) -> Record | None:
        last = last_line(self._path)
        if not last:
            return None
        try:
            return record_from_line(last)
        except ValueError as error:
            raise FailedError(
                "the last evidence record is damaged, so nothing can be chained to it",
                code="EVD001",
                location=Location(file=str(self._path)),
                why=str(error),
                fix="run `opsctl evidence verify`; restore the file from a backup, or move it away to begin anew",
            ) from error

    def _mend_torn_tail(self) -> bool:
        """Give a last line its end where the head counts it; else move it aside, and tell so.

        What a crash left without its end was never acknowledged, unless an editor took the line end away.
        """
        if not self._path.exists():
            return False
        with self._path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            if ends_whole(file, size=size):
                return False
            torn = last_line(self._path)
            is_counted = self._is_counted(torn)
            if is_counted:
                file.seek(size)
                file.write(b"\n")
                file.flush()
            else:
                append_durably(self._path.with_suffix(".torn"), torn + b"\n")
                file.truncate(size - len(torn))
            os.fsync(file.fileno())
        return not is_counted

    def _is_counted(self, line: bytes) -> bool:
        """Tell whether a line is a whole record, and the one that the head names."""
        try:
            record = record_from_line(line)
        except ValueError:
            return False
        is_whole = record.digest == record.computed_digest()
        return is_whole and not self._check_head(count=record.sequence, digest=record.digest)

    def _require_sound_end(self, last: Record | None, *, is_moved: bool) -> None:
        count, digest = (last.sequence, last.digest) if last else (0, GENESIS)
        broken = [
            each for each in self._check_head(count=count, digest=digest) if each.severity is Severity.ERROR
        ]
        if broken:
            moved = "; a last line without its end was moved to `ledger.torn`" if is_moved else ""
            raise FailedError(
                "the evidence ledger does not end where its head says, so nothing is added to it",
                code="EVD001",
                location=broken[0].location,
                why=f"{broken[0].evidence or broken[0].title}{moved}",
                fix="run `opsctl evidence verify`; restore the file from a backup, or move it away to begin anew",
            )

    def _check_head(self, *, count: int, digest: str) -> list[Finding]:
        is_there = self._head_path.exists()
        text = self._head_path.read_text(encoding="utf-8", errors="replace") if is_there else ""
        return check_head(text, place=Location(file=str(self._head_path)), count=count, digest=digest)

    def _sound_records(self) -> list[Record]:
        with self._refusals_named(doing="read"):
            return list(self._iterate())

    def _iterate(self) -> Iterator[Record]:
        for number, line in self._lines():
            try:
                yield record_from_line(line)
            except ValueError as error:
                raise FailedError(
                    "the ledger has a damaged record",
                    code="EVD001",
                    location=Location(file=str(self._path), line=number),
                    why=str(error),
                    fix="run `opsctl evidence verify`",
                ) from error

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            yield from enumerate((line for line in file if line.strip()), start=1)

    @contextmanager
    def _refusals_named(self, *, doing: str) -> Iterator[None]:
        """Turn what the system refuses into an error that names it; a folder that is a file is no empty ledger."""
        try:
            if self._folder.exists() and not self._folder.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            for path in (self._path, self._head_path, self._folder / "lock"):
                if path.exists():
                    require_file(path)  # the opening of a pipe would wait for ever
            yield
        except OSError as error:
            raise file_error(error, path=self._path, doing=doing) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("a") as lock:
            flock(lock, LOCK_EX)
            yield


def _overlook(_record: Record) -> None:
    """Do nothing with a record that is passed."""
