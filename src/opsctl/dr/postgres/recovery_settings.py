"""How is a server told to which point it is to recover?"""

import os
import shlex
from datetime import UTC
from pathlib import Path

from opsctl.clients.postgres_programs import PostgresPrograms
from opsctl.dr.postgres.rebuild import Rebuilt, version_number
from opsctl.dr.postgres.target import AtLsn, AtName, AtTime, Latest, Target
from opsctl.dr.postgres.wal import format_lsn
from opsctl.dr.postgres.wal_tail import WalTail, read_tail

# What is copied was unpacked and checked by us a moment ago: where that fails it is this machine, not the backup.
NO_COPY = 200


# A position right after a page's header and one right before it are the same place.
HEADER_BYTES = 40


def tail_of(rebuilt: Rebuilt, *, programs: PostgresPrograms) -> WalTail | None:
    """Return where the archived log ends; None where nothing was archived."""
    programs.require_same("pg_waldump", server_version=version_number(rebuilt.chain.newest))
    return read_tail(
        programs,
        rebuilt.wal,
        segments=rebuilt.chain.segments,
        segment_bytes=rebuilt.chain.archive.segment_bytes,
    )


def recovery_settings(rebuilt: Rebuilt, *, tail: WalTail | None) -> dict[str, str]:
    """Return how the server is told where to stop."""
    folder = shlex.quote(str(rebuilt.wal)).replace("%", "%%")
    # 1 says that there is no such file; above 128 ends the recovery, which must not go on without a file that is there.
    fetch = f'test -e {folder}/%f || exit 1; cp -- {folder}/%f "%p" || exit {NO_COPY}'
    return {
        "restore_command": fetch,
        "recovery_target_timeline": str(rebuilt.chain.lineage.timeline),
        "recovery_target_action": "promote",
        **_target_settings(rebuilt.chain.target, tail=tail),
    }


def _target_settings(target: Target, *, tail: WalTail | None) -> dict[str, str]:
    match target:
        case Latest():
            return {}
        case AtTime(time):
            at = f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00"
            return {"recovery_target_time": at, "recovery_target_inclusive": "on"}
        case AtName(name):
            return {"recovery_target_name": name}
        case AtLsn(lsn):
            if tail is not None and tail.last_record < lsn <= tail.end + HEADER_BYTES:
                # PostgreSQL stops at the first record behind the target. There is none, and all before it is wanted.
                return {}
            return {"recovery_target_lsn": format_lsn(lsn), "recovery_target_inclusive": "off"}


def signal_recovery(data: Path, *, programs: PostgresPrograms) -> None:
    """Tell the server that it is to recover."""
    path = data / "recovery.signal"
    path.touch(mode=0o600)
    if programs.account is not None:
        os.chown(path, programs.account.uid, programs.account.gid)
