"""How are faults made by hand: on a ground that another process holds until it is ended."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from opsctl.chaos.model import Fault
    from opsctl.cli.proving_ground import ProvingGround
    from opsctl.core.events import Listener

_POLL_SECONDS = 1.0
_LONGEST_SECONDS = 24 * 3600.0


def hold_ground(listener: "Listener") -> None:
    """Keep a ground until somebody ends this process, which is how it is meant to end."""
    from opsctl.core.events import Noted

    try:
        _hold(listener)
    except KeyboardInterrupt:
        gone = "ended; it is gone, and every fault with it"
        listener(Noted(subject="proving ground", message=gone))


def _hold(listener: "Listener") -> None:
    from opsctl.cli import wiring
    from opsctl.cli.chaos_stage import open_stage
    from opsctl.core.events import Noted

    with open_stage(listener) as stage:
        ground = stage.ground
        _mark(ground).parent.mkdir(parents=True, exist_ok=True)
        _mark(ground).touch()
        ready = f"ready; in another terminal: opsctl chaos fault apply vectors_refused, opsctl --project {ground.root} status"
        listener(Noted(subject="proving ground", message=ready))
        while True:
            wiring.clock().sleep(_POLL_SECONDS)


def apply_by_hand(fault: str, parameters: Mapping[str, object], *, seconds: float) -> None:
    """Make a fault on the ground that another process holds.

    Raises:
        NotReadyError: CHA065 nobody holds one, or the fault needs the process that does.
        UsageError: FLT000 there is no such fault.
    """
    from opsctl.chaos.registry import fault_named

    made = fault_named(fault)
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise UsageError(
            f"a fault cannot be made for {seconds:g} s",
            code="CHA065",
            fix="give a time of at most a day, such as `--for 2m`",
        )
    _refuse_odd_parameters(made, parameters)
    _refuse_what_would_do_nothing(fault)
    ground = _held_ground()
    ground.leases.take(fault, seconds=seconds)
    try:
        made.apply(ground, **parameters)
    except BaseException:  # Ctrl-C as well: half a fault is none that anybody wants
        made.undo(ground)
        ground.leases.end(fault)
        raise


def undo_by_hand(fault: str) -> bool:
    """Take a fault back on the ground that another process holds; tell whether a lease of it was there."""
    from opsctl.chaos.registry import fault_named

    made, ground = fault_named(fault), _held_ground()
    was_held = ground.leases.holds(fault)
    made.undo(ground)
    ground.leases.end(fault)
    return was_held


def _mark(ground: "ProvingGround") -> "Path":
    """Return the file that says that this ground is there for faults by hand, and no drill is held on it."""
    return ground.home / "chaos" / "by_hand"


def _refuse_odd_parameters(made: "Fault", parameters: Mapping[str, object]) -> None:
    from opsctl.chaos.check_drills import parameter_complaint

    complaint = parameter_complaint(made, parameters)
    if complaint:
        raise UsageError(
            complaint, code="CHA017", fix="give it as JSON, such as `--with '{\"how_many\": 1}'`"
        )


def _refuse_what_would_do_nothing(fault: str) -> None:
    from opsctl.chaos.registry import needs_of_holder
    from opsctl.core.errors import NotReadyError

    needs = needs_of_holder(fault)
    if needs:
        raise NotReadyError(
            f"`{fault}` cannot be made by hand",
            code="CHA065",
            why=f"it needs {needs}, which would end with this command: the fault would not be there",
            fix="hold a drill of it: opsctl chaos run DRILL (`opsctl chaos list` shows them)",
        )


def _held_ground() -> "ProvingGround":
    from opsctl.cli import wiring
    from opsctl.cli.ground_helpers import WATCHDOG
    from opsctl.cli.proving_ground import ProvingGround
    from opsctl.core.errors import NotReadyError

    ground = ProvingGround(wiring.settings().home / "proving", clock=wiring.clock())
    if WATCHDOG in ground.helpers.living() and not _mark(ground).exists():
        raise NotReadyError(
            "the ground is held for drills or proofs, which a fault by hand would spoil",
            code="CHA065",
            fix="wait until they are over, then in another terminal: opsctl chaos ground",
        )
    if WATCHDOG not in ground.helpers.living():
        raise NotReadyError(
            "nobody holds a ground on which a fault could be made",
            code="CHA065",
            why="faults are never made on the project's own stack",
            fix="in another terminal: opsctl chaos ground",
        )
    return ground
