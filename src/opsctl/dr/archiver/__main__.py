"""The archiver as a process: `python -m opsctl.dr.archiver --url URL --repository PLACE --spool FOLDER`.

The database's password comes from `--password-file` or OPSCTL_DATABASE_PASSWORD, the keys of a bucket from their own
variables. It needs no key that could open a backup: recipients are public.
"""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from opsctl.clients.open_repository import open_repository
from opsctl.clients.postgres import DatabaseAddress
from opsctl.clients.postgres_programs import PostgresPrograms
from opsctl.clients.sealing import Sealing
from opsctl.core.clock import SystemClock
from opsctl.core.errors import OpsError
from opsctl.dr.archiver.run import run_archiver
from opsctl.dr.archiver.settings import (
    MOST_WAITING_BYTES,
    SHIP_EVERY_SECONDS,
    SLOT,
    ArchivePlace,
    ArchiverSettings,
)
from opsctl.dr.vault import Vault

_PASSWORD_VARIABLE = "OPSCTL_DATABASE_PASSWORD"  # noqa: S105 - the name of a variable


def main() -> None:
    """Archive until SIGTERM or SIGINT; the exit code tells whether everything received is in the repository."""
    chosen = _parse()
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    try:
        is_shipped = _run(chosen, over)
    except OpsError as error:
        sys.stderr.write(f"{error.code} {error.message}: {error.why}\n")
        sys.exit(error.exit_code.value)
    sys.exit(0 if is_shipped else 1)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--password-file", type=Path)
    parser.add_argument("--repository", required=True)
    parser.add_argument("--recipient", action="append", default=[])
    parser.add_argument("--level", type=int, default=1)
    parser.add_argument("--spool", type=Path, required=True)
    parser.add_argument("--programs", type=Path)
    parser.add_argument("--slot", default=SLOT)
    parser.add_argument("--every", type=float, default=SHIP_EVERY_SECONDS)
    parser.add_argument("--most-waiting-bytes", type=int, default=MOST_WAITING_BYTES)
    return parser.parse_args()


def _run(chosen: argparse.Namespace, over: threading.Event) -> bool:
    repository = open_repository(chosen.repository, secrets=os.environ)
    sealing = Sealing(recipients=tuple(chosen.recipient), level=chosen.level)
    return run_archiver(
        ArchiverSettings(
            spool=chosen.spool,
            slot=chosen.slot,
            ship_every_seconds=chosen.every,
            most_waiting_bytes=chosen.most_waiting_bytes,
        ),
        address=_address(chosen),
        programs=PostgresPrograms(folder=chosen.programs),
        place=ArchivePlace(vault=Vault(repository, sealing), discard=repository.delete),
        over=over,
        clock=SystemClock(),
    )


def _address(chosen: argparse.Namespace) -> DatabaseAddress:
    if chosen.password_file is not None:
        return DatabaseAddress.with_password_file(chosen.url, password_file=chosen.password_file)
    return DatabaseAddress(url=chosen.url, password=os.environ.get(_PASSWORD_VARIABLE))


if __name__ == "__main__":
    main()
