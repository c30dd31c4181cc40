"""Which parts make up the stack: a new one is a module that defines `PART`, a name in `PartName`, and a line here."""

from opsctl.core.errors import NotReadyError
from opsctl.stack import (
    alertmanager,
    archiver,
    exporter,
    pgbouncer,
    postgres,
    prometheus,
    service,
    sink_part,
    vectors,
)
from opsctl.stack.model import Part, PartName

PARTS: dict[PartName, Part] = {
    part.name: part
    for part in (
        postgres.PART,
        vectors.PART,
        pgbouncer.PART,
        service.PART,
        exporter.PART,
        sink_part.PART,
        alertmanager.PART,
        prometheus.PART,
        archiver.PART,
    )
}
# What stands in for a part that no stack can do without.
_SERVERS = {PartName.POSTGRES: "database.url", PartName.VECTORS: "qdrant.url"}
WATCHERS = tuple(name for name, part in PARTS.items() if part.on_demand and name is not PartName.ARCHIVER)
REQUIRED = tuple(name for name, part in PARTS.items() if part.required)


def require_installed(name: PartName) -> None:
    """Refuse a part that is wanted and that this machine cannot run.

    Raises:
        NotReadyError: STK014 with the reason.
    """
    part = PARTS[name]
    reason = part.missing_because()
    if reason is None:
        return
    fix = f"pip install 'opsctl[{part.extra}]'" if part.extra else "install it"
    fix += (
        f", or set `{_SERVERS[name]}` to a server of your own"
        if name in _SERVERS
        else ", or leave it out: it is optional"
    )
    raise NotReadyError(f"`{name}` is not installed", code="STK014", why=reason, fix=fix)


def is_installed(name: PartName) -> bool:
    """Tell whether this machine can run a part."""
    return PARTS[name].missing_because() is None
