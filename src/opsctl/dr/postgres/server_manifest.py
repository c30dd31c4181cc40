"""What does PostgreSQL's own manifest say of a base backup, and is it whole."""

import hashlib
import json
import re
from dataclasses import dataclass

from opsctl.core.errors import FailedError

_SYSTEM = re.compile(rb'"System-Identifier": (\d+)')
_RANGES = b'"WAL-Ranges"'
_CHECKSUM = b'"Manifest-Checksum"'
# The identifier stands in the second line.
_BEGINNING_BYTES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerManifest:
    """What is needed of a `backup_manifest`; the system's identifier is in there from PostgreSQL 17 on."""

    system_identifier: str | None
    timeline: int
    start_lsn: str
    end_lsn: str


def read_server_manifest(data: bytes) -> ServerManifest:
    """Check a `backup_manifest` by its own digest, and return what it says.

    The list of files is not parsed: a large cluster has millions, and `pg_verifybackup` is the one to read it.

    Raises:
        FailedError: DRC023 when it is damaged.
    """
    at = data.rfind(_CHECKSUM)
    if at < 0:
        raise _damaged("it has no end")
    try:
        told = json.loads(b"{" + data[at:])["Manifest-Checksum"]
        ranges_at = data.rindex(_RANGES, 0, at)
        ranges = json.loads(b"{" + data[ranges_at:at].rstrip().rstrip(b",") + b"}")["WAL-Ranges"]
        timelines = [int(each["Timeline"]) for each in ranges]
        places = [(str(each["Start-LSN"]), str(each["End-LSN"])) for each in ranges]
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged("its end cannot be read") from error
    if told != hashlib.sha256(data[:at]).hexdigest():
        raise _damaged("its digest differs")
    if len(ranges) != 1:
        raise _damaged(f"it spans {len(ranges)} timelines, as only a backup of a standby can")
    system = _SYSTEM.search(data[:_BEGINNING_BYTES])
    return ServerManifest(
        system_identifier=system[1].decode() if system else None,
        timeline=timelines[0],
        start_lsn=places[0][0],
        end_lsn=places[0][1],
    )


def _damaged(why: str) -> FailedError:
    return FailedError(
        "the manifest of a base backup is damaged",
        code="DRC023",
        why=why,
        fix="restore from another backup: opsctl dr list",
    )
