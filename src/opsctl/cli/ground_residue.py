"""What is left of faults on a ground: looked for everywhere where one could leave something."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from opsctl.cli.ground_helpers import BURDEN, WATCHDOG

if TYPE_CHECKING:
    from opsctl.cli.proving_ground import ProvingGround

_STOPPED = "T"
_ANSWER_SECONDS = 5.0
# Who silences in a control drill: `chaos_stage.muted`.
_CONTROL = "opsctl chaos"
_LEFT_TABLES = "select relname from pg_class where relkind = 'r' and relname like '%\\_before'"


def residue(ground: "ProvingGround") -> tuple[str, ...]:
    """Return each thing that is left, in a few words; nothing where all is as it was."""
    return (
        *(f"lease of {lease.fault}" for lease in ground.leases.all()),
        *(f"toxic on the line to {line}" for line in ground.lines.spoiled()),
        *_helpers(ground),
        *_down(ground),
        *_stopped(ground),
        *_limited(ground),
        *_edited(ground),
        *_silenced(ground),
        *_in_database(ground),
    )


def _helpers(ground: "ProvingGround") -> Iterator[str]:
    living = ground.helpers.living()
    yield from (f"process {name}" for name in living if name.startswith(BURDEN))
    if WATCHDOG not in living:
        yield "the watchdog is gone, so nobody takes back what is left"


def _down(ground: "ProvingGround") -> Iterator[str]:
    from opsctl.stack.record import read_stack_record, runs

    for part in sorted(read_stack_record(ground.home).places):
        if not runs(ground.home, part):
            yield f"{part} is down"


def _silenced(ground: "ProvingGround") -> Iterator[str]:
    """Name silences, but for those of a control drill, which is held within them."""
    import httpx

    from opsctl.stack.model import PartName
    from opsctl.stack.record import read_stack_record

    place = read_stack_record(ground.home).places.get(PartName.ALERTMANAGER)
    if place is None:
        return
    url = f"http://127.0.0.1:{place.port}/api/v2/silences"
    try:
        silences = httpx.get(url, timeout=_ANSWER_SECONDS, trust_env=False).raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        yield f"which silences Alertmanager holds is not known: {type(error).__name__}"
        return
    for silence in silences:
        if silence["status"]["state"] != "expired" and silence["createdBy"] != _CONTROL:
            yield f"silence {silence['id']} by {silence['createdBy']}"


def _stopped(ground: "ProvingGround") -> Iterator[str]:
    from opsctl.clients.procfs import read_stat
    from opsctl.stack.model import PartName
    from opsctl.stack.record import read_process

    for part in PartName:
        record = read_process(ground.home, part)
        if record is None or record.pid is None:
            continue
        for pid in (record.pid, *ground.children_of(record.pid)):
            stat = read_stat(pid)
            if stat is not None and stat.state == _STOPPED:
                yield f"stopped process {pid} of {part}"


def _limited(ground: "ProvingGround") -> Iterator[str]:
    import resource

    for process in ground.service_processes():
        for name, kind in (("files", resource.RLIMIT_NOFILE), ("bytes", resource.RLIMIT_FSIZE)):
            try:
                soft, hard = resource.prlimit(process.pid, kind)
            except ProcessLookupError:
                continue  # it ended meanwhile
            # Python's own processes raise the limit of files to the hard one or leave ours; bytes are never limited.
            if (kind == resource.RLIMIT_FSIZE and soft != hard) or (
                kind == resource.RLIMIT_NOFILE and soft < min(hard, _usual_files())
            ):
                yield f"limit of {name} of process {process.pid}"


def _usual_files() -> int:
    import resource

    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _edited(ground: "ProvingGround") -> Iterator[str]:
    for folder, _, names in os.walk(ground.home / "stack"):
        yield from (f"changed file {folder}/{name}" for name in names if name.endswith(".before"))


def _in_database(ground: "ProvingGround") -> Iterator[str]:
    from opsctl.cli.ground_database import HOLDING
    from opsctl.core.errors import OpsError

    try:
        tables = ground.query(_LEFT_TABLES)
        held = ground.query("select count(*) from pg_stat_activity where application_name = %s", HOLDING)
    except OpsError as error:
        yield f"what the database holds is not known: {error.code}"
        return
    yield from (f"table {row[0]}" for row in tables)
    if held and held[0][0]:
        yield f"{held[0][0]} open transactions"
