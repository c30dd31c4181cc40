"""Which parts make up the stack: a new one is a module that defines `PART`, a name in `PartName`, and a line here."""

from collections.abc import Sequence

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
# What stands in for a part that no stack can do without: the key of opsctl.yaml for a server of one's own.
_OWN_SERVERS = {PartName.POSTGRES: "database.url", PartName.VECTORS: "qdrant.url"}
WATCHERS = tuple(name for name, part in PARTS.items() if part.on_demand and name is not PartName.ARCHIVER)
REQUIRED = tuple(name for name, part in PARTS.items() if part.required)


def require_installed(*names: PartName, instead: str = "") -> None:
    """Refuse parts that are wanted and that this machine cannot run: all of them at once, so that all can be installed.

    Args:
        *names: the parts.
        instead: what to do without them, where that is possible.

    Raises:
        NotReadyError: STK014 with the reasons.
    """
    missing = {name: reason for name in names if (reason := PARTS[name].missing_because()) is not None}
    if not missing:
        return
    parts = " and ".join(f"`{name}`" for name in missing)
    raise NotReadyError(
        f"{parts} {'is' if len(missing) == 1 else 'are'} not installed",
        code="STK014",
        why="; ".join(dict.fromkeys(missing.values())),
        fix=how_to_install(list(missing)) + (f", or {instead}" if instead else ""),
    )


def how_to_install(missing: Sequence[PartName]) -> str:
    """Return one line that brings all of these parts, or says what stands in for them."""
    extras = sorted({extra for name in missing if (extra := PARTS[name].extra)})
    others = [f"`{name}`" for name in missing if PARTS[name].extra is None]
    steps = [f"pip install 'opsctl[{','.join(extras)}]'"] if extras else []
    steps += [f"install {' and '.join(others)}"] if others else []
    keys = [f"`{_OWN_SERVERS[name]}`" for name in missing if name in _OWN_SERVERS]
    servers = f"{' and '.join(keys)} to {'a server' if len(keys) == 1 else 'servers'} of your own"
    return ", and ".join(steps) + (f", or set {servers}" if keys else "")


def is_installed(name: PartName) -> bool:
    """Tell whether this machine can run a part."""
    return PARTS[name].missing_because() is None
