"""How is something restored: the plan, the site where it happens, and an older backup where the newest is damaged."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.cli.dr_restore_places import LIVE, require_free, require_outside
from opsctl.cli.dr_way import Asked, Way, way_to
from opsctl.core.errors import FailedError, OpsError, RefusedError

if TYPE_CHECKING:
    from opsctl.core.events import Listener
    from opsctl.dr.plan import RestorePlan
    from opsctl.dr.restore import RestoreReport, Site

_SHIPPING_TURNS, _POLL_SECONDS = 2.0, 0.2
# What says that a backup itself is not what it was; anything else would go wrong with every other one, too.
_DAMAGED = frozenset(
    {"DRC001", "DRC002", "DRC003", "DRC022", "DRC023", "DRC029", "DRC034", "DRC048", "REP003"}
)
_NOT_REACHED = "DRC031"


def plan(way: Way, *, into: str) -> "RestorePlan":
    """Return what the restore would take.

    Raises:
        RefusedError: DRC068 it cannot go there, DRC078 vectors alone cannot.
    """
    from opsctl.dr.plan import plan_restore

    if into != LIVE and way.chain is None:
        raise RefusedError(
            "vectors alone can only be restored beside their database",
            code="DRC078",
            fix="opsctl dr restore --only vectors --into live --confirm NAME; or leave --only away",
        )
    if into != LIVE:
        require_outside(Path(into), repository=way.vault.place)
    return plan_restore(
        way.chain,
        target=way.target,
        vectors=None if way.from_truth else way.newest,
        into=into,
        replaces=[str(path) for path in _replaced(into, only_vectors=way.chain is None)],
        left_out=way.left_out,
    )


def restore(asked: Asked, *, into: str, listener: "Listener") -> "RestoreReport":
    """Bring everything back, and hand it over where nothing speaks against it.

    What another one left that was killed while it handed over is taken back first.

    A backup that turns out to be damaged, or newer than the restore point of that name, is left out, and the next older
    one that leads to the point taken instead, unless one was named.

    Raises:
        RefusedError: FIL002 the live stack is being restored already.
        OpsError: the last of those that were tried is damaged, too, or something else went wrong; the target is as it was.
    """
    from opsctl.cli import dr_place, wiring
    from opsctl.stack.taking_back import take_back_killed

    if into != LIVE:
        return _restore(asked, into=into, listener=listener)
    with dr_place.restoring(what="a restore"):
        take_back_killed(wiring.settings().home, listener=listener, clock=wiring.clock())
        _await_archiver()
        return _restore(asked, into=into, listener=listener)


def _restore(asked: Asked, *, into: str, listener: "Listener") -> "RestoreReport":
    from opsctl.cli import wiring
    from opsctl.core.events import Noted
    from opsctl.dr.restore import Step
    from opsctl.dr.restore import restore as run

    without = [*asked.without]
    while True:
        way = way_to(replace(asked, without=tuple(without)))
        try:
            with _site(way, into=into, listener=listener) as site:
                report = run(
                    site,
                    backup_id=way.newest.backup_id,
                    target=way.target,
                    clock=wiring.clock(),
                    listener=listener,
                    skip=() if way.chain is not None else (Step.DATABASE,),
                )
        except FailedError as error:
            trouble = _trouble(error, asked)
            if trouble is None or not _has_other(way, asked, without):
                raise
            message = (
                f"{way.newest.backup_id} {trouble} ({error.code} {error.message}); going on with an older one"
            )
            listener(Noted(subject="restore", message=message))
            without.append(way.newest.backup_id)
            continue
        _write_down(report)
        return report


def _trouble(error: FailedError, asked: Asked) -> str | None:
    """Return what an error says against the backup alone; None where another one would not help."""
    from opsctl.dr.postgres.target import AtName

    if asked.backup is not None:
        return None
    if error.code in _DAMAGED:
        return "is damaged"
    # A name does not tell when it was given: that is known only when the log has been replayed.
    is_name = isinstance(asked.target, AtName)
    return "is newer, or the log ends before" if is_name and error.code == _NOT_REACHED else None


def _await_archiver() -> None:
    """Let an archiver that runs ship what it has received: it is what is newest of a server that is gone."""
    from opsctl.cli import dr_place, wiring
    from opsctl.core.units import parse_duration
    from opsctl.core.waiting import wait_until
    from opsctl.stack.model import PartName
    from opsctl.stack.record import runs

    def has_shipped() -> bool:
        status = dr_place.archiver_status()
        return status is None or not status.waiting_bytes

    wait_until(
        has_shipped,
        clock=wiring.clock(),
        seconds=_SHIPPING_TURNS * parse_duration(dr_place.book().schedule.ship_every),
        poll_seconds=_POLL_SECONDS,
        may_come=lambda: runs(wiring.settings().home, PartName.ARCHIVER),
    )


def _has_other(way: Way, asked: Asked, without: "Sequence[str]") -> bool:
    """Tell whether there is a way without this backup."""
    try:
        way_to(replace(asked, without=(*without, way.newest.backup_id)))
    except OpsError:
        return False
    return True


def _write_down(report: "RestoreReport") -> None:
    """Keep what was done, for whoever asks later how long it took."""
    import json
    from dataclasses import asdict

    from opsctl.cli import dr_place, wiring
    from opsctl.clients.files import write_atomically

    path = dr_place.notes_folder() / "restores" / f"{wiring.clock().now():%Y%m%dT%H%M%SZ}.json"
    write_atomically(path, json.dumps(asdict(report), default=str, indent=1) + "\n")


@contextmanager
def _site(way: Way, *, into: str, listener: "Listener") -> "Iterator[Site]":
    from opsctl.cli import wiring
    from opsctl.cli.dr_hand_over import FolderSite
    from opsctl.cli.dr_live_sites import LiveSite, VectorsSite
    from opsctl.cli.dr_scratch import RESTORE, scratch_home
    from opsctl.clients.files import read_text
    from opsctl.stack.model import password_file

    how: dict[str, Any] = {
        "chain": way.chain,
        "manifest": way.newest,
        "vault": way.vault,
        "listener": listener,
        "from_truth": way.from_truth,
    }
    if into != LIVE:
        yield FolderSite(Path(into), **how)
        return
    home = wiring.settings().home
    secret = password_file(home)
    # Whoever talks to the database goes on with the password that they have.
    password = read_text(secret).strip() if secret.is_file() else None
    stamp = f"{wiring.clock().now():%Y%m%dT%H%M%SZ}"
    kind = LiveSite if way.chain is not None else VectorsSite
    with scratch_home(RESTORE, token=stamp, listener=listener) as scratch:
        yield kind(home, scratch=scratch, stamp=stamp, password=password, **how)


def _replaced(into: str, *, only_vectors: bool) -> Iterator[Path]:
    from opsctl.cli import wiring
    from opsctl.stack.model import PartName
    from opsctl.stack.record import read_stack_record

    if into == LIVE:
        places = read_stack_record(wiring.settings().home).places
        for name in (PartName.VECTORS,) if only_vectors else (PartName.POSTGRES, PartName.VECTORS):
            if name in places and places[name].data_dir.exists():
                yield places[name].data_dir
        return
    require_free(Path(into))
