"""How the stack is brought up: what does not run is started, what runs is left alone, and each part is ready."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from opsctl.clients.processes import ProcessPlan, start, stop
from opsctl.core.clock import Clock
from opsctl.core.errors import NotReadyError
from opsctl.core.events import Listener, PhaseFinished, PhaseStarted
from opsctl.stack.exchange import require_whole
from opsctl.stack.lock import changing_stack
from opsctl.stack.logs import put_aside_when_large, size_bytes, tail_lines
from opsctl.stack.model import (
    STARTING_ORDER,
    PartName,
    PartSpec,
    PartStatus,
    Place,
    StackState,
    StackStep,
    log_path,
    pid_path,
)
from opsctl.stack.record import read_process, read_stack_record, runs, write_stack_record
from opsctl.stack.spec import PARTS, REQUIRED, is_installed, require_installed
from opsctl.stack.status import stack_status

_POLL_SECONDS = 0.05
_RETRY_PAUSE_SECONDS = 0.5
_LOG_LINES = 15
_GRACE_SECONDS = 10.0


def plan_start(home: Path, *, only: Sequence[PartName] = ()) -> tuple[StackStep, ...]:
    """Return what `start_stack` would do now."""
    actions = {
        PartStatus.RUNNING: "keep",
        PartStatus.STOPPED: "start",
        PartStatus.CRASHED: "restart",
        PartStatus.NOT_INSTALLED: "skip",
    }
    state = stack_status(home)
    return tuple(
        StackStep(name=name, action=actions[state.part(name).status])
        for name in STARTING_ORDER
        if name in only or (not only and not PARTS[name].on_demand)
    )


def start_stack(
    home: Path,
    *,
    listener: Listener,
    clock: Clock,
    only: Sequence[PartName] = (),
    borrowed: bool = False,
    project: Path | None = None,
) -> StackState:
    """Start what does not run, wait until every chosen part is ready, and return the stack's state.

    Args:
        home: the project's `.opsctl` folder.
        listener: hears a phase for every part that is started.
        clock: measures the deadlines.
        only: the parts wanted; all that this machine can run when empty.
        project: the folder of opsctl.yaml, remembered for the ranking service.
        borrowed: the caller stops the stack again; a later `start_stack` without it keeps the stack up.

    Raises:
        NotReadyError: STK020 when a part ends or stays unready; the last lines of its log are in `why`.
            STK014 when a part that was named, or that no stack can do without, is not installed.
        RefusedError: FIL002 when another `up` or `down` does not come to its end. STK016 when a restore was killed
            while it exchanged the data.
    """
    home = home.resolve()  # the processes get these paths and work in other folders
    require_installed(*(only or REQUIRED), instead="name only parts that are" if only else "")
    with changing_stack(home, what="starting the stack", listener=listener, clock=clock):
        require_whole(home)
        start_parts(home, listener=listener, clock=clock, only=only, borrowed=borrowed, project=project)
    return stack_status(home)


def start_parts(
    home: Path,
    *,
    listener: Listener,
    clock: Clock,
    only: Sequence[PartName] = (),
    borrowed: bool = False,
    project: Path | None = None,
) -> None:
    """Start what does not run, for whoever holds the stack's lock, and wait until every chosen part is ready.

    Raises:
        NotReadyError: STK020 when a part ends or stays unready.
    """
    record = read_stack_record(home)
    is_running = any(runs(home, name) for name in STARTING_ORDER)
    borrowed = borrowed and (record.borrowed or not is_running)
    write_stack_record(home, replace(record, borrowed=borrowed, project=project or record.project))
    for name in _chosen(only):
        _ensure_part(home, name, listener=listener, clock=clock)


def _chosen(only: Sequence[PartName]) -> tuple[PartName, ...]:
    if only:
        return tuple(name for name in STARTING_ORDER if name in only)
    return tuple(name for name in STARTING_ORDER if not PARTS[name].on_demand and is_installed(name))


def _ensure_part(home: Path, name: PartName, *, listener: Listener, clock: Clock) -> None:
    began = clock.monotonic()
    place = read_stack_record(home).places.get(name)
    if place is not None and runs(home, name):
        running = PARTS[name].specify(home, place)
        _await_ready(home, running, log_offset=_log_size(home, name), clock=clock)
        running.finish()
        return
    listener(PhaseStarted(subject=name, phase="start"))
    # A leader that crashed may have left children, and those may hold its port and its files.
    if read_process(home, name) is not None:
        stop(
            pid_path(home, name),
            grace_seconds=_GRACE_SECONDS,
            stop_signal=PARTS[name].stop_signal,
            clock=clock,
        )
    spec = _start_with_retries(home, name, recorded=place, clock=clock)
    spec.finish()
    listener(
        PhaseFinished(
            subject=name,
            phase="start",
            duration_seconds=clock.monotonic() - began,
            figures={"port": str(spec.place.port)} if spec.place.port else {},
        )
    )


def _start_with_retries(home: Path, name: PartName, *, recorded: Place | None, clock: Clock) -> PartSpec:
    """Start a part, again while its log names a trouble that passes by itself."""
    deadline: float | None = None
    while True:
        part = PARTS[name]
        spec = part.specify(home, part.plan_place(home, recorded))
        deadline = deadline if deadline is not None else clock.monotonic() + spec.deadline_seconds
        log_offset = _spawn(home, spec)
        try:
            _await_ready(home, spec, log_offset=log_offset, clock=clock)
        except NotReadyError as error:
            stop(
                pid_path(home, name),
                grace_seconds=_GRACE_SECONDS,
                stop_signal=PARTS[name].stop_signal,
                clock=clock,
            )
            said = error.why or ""
            if clock.monotonic() > deadline or not any(words in said for words in spec.passing_troubles):
                raise
            clock.sleep(_RETRY_PAUSE_SECONDS)
        else:
            return spec


def _spawn(home: Path, spec: PartSpec) -> int:
    """Start the process and return where in the log its own lines begin."""
    record = read_stack_record(home)
    write_stack_record(home, replace(record, places={**record.places, spec.name: spec.place}))
    spec.prepare()
    put_aside_when_large(log_path(home, spec.name))
    log_offset = _log_size(home, spec.name)
    start(
        ProcessPlan(
            argv=spec.argv,
            cwd=spec.place.data_dir,
            log_path=log_path(home, spec.name),
            pid_path=pid_path(home, spec.name),
            environment=spec.environment,
            account=spec.place.account,
        )
    )
    return log_offset


def _log_size(home: Path, name: PartName) -> int:
    return size_bytes(log_path(home, name))


def _await_ready(home: Path, spec: PartSpec, *, log_offset: int, clock: Clock) -> None:
    deadline = clock.monotonic() + spec.deadline_seconds
    while (reason := spec.not_ready_because()) is not None or not runs(home, spec.name):
        if not runs(home, spec.name):
            raise _start_failure(home, spec, what="ended while starting", reason=None, log_offset=log_offset)
        if clock.monotonic() >= deadline:
            what = f"was not ready within {spec.deadline_seconds:g} s"
            raise _start_failure(home, spec, what=what, reason=reason, log_offset=log_offset)
        clock.sleep(_POLL_SECONDS)


def _start_failure(
    home: Path, spec: PartSpec, *, what: str, reason: str | None, log_offset: int
) -> NotReadyError:
    path = log_path(home, spec.name)
    lines = tail_lines(path, count=_LOG_LINES, from_offset=log_offset)
    parts = [reason] if reason else []
    parts += [f"last lines of `{path}`:", *lines] if lines else [f"`{path}` is empty"]
    return NotReadyError(
        f"`{spec.name}` {what}",
        code="STK020",
        why="\n".join(parts),
        fix=f"run `opsctl stack logs {spec.name}`, mend the cause, then `opsctl stack up`",
    )
