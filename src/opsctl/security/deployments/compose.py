"""What is weak in a compose file?"""

from collections.abc import Iterator
from typing import Any

from opsctl.security.addresses import is_local
from opsctl.security.deployments.common import (
    BIND_SERVICE,
    Weakness,
    filled,
    folder_weakness,
    image_weakness,
    literal_secrets,
)

# PostgreSQL, PgBouncer, Qdrant, Redis, Prometheus, Alertmanager, Grafana: none of them has business on a network.
_EVERY = frozenset({"", "0.0.0.0", "::", "[::]", "*"})  # noqa: S104 - read, not bound
_INNER_PORTS = frozenset({"5432", "6432", "6333", "6334", "6335", "6379", "9090", "9093", "3000"})


def compose_weaknesses(document: dict[str, Any]) -> Iterator[Weakness]:
    """Yield what is weak in each service."""
    for name, service in (document.get("services") or {}).items():
        for title in _of(service or {}):
            yield Weakness(name, f"service `{name}`: {title}")


def _of(service: dict[str, Any]) -> Iterator[str]:
    weakness = image_weakness(str(service["image"])) if service.get("image") else None
    if weakness:
        yield weakness
    user = str(service.get("user") or "").partition(":")[0]
    if user in ("", "0", "root"):
        yield "it runs as root, or does not say as whom: `user:`"
    if service.get("read_only") is not True:
        yield "its root can be written to: `read_only: true`"
    if "ALL" not in [str(each).upper() for each in service.get("cap_drop") or ()]:
        yield "it keeps rights of root: `cap_drop: [ALL]`"
    added = [str(each) for each in service.get("cap_add") or ()]
    if given := [each for each in added if each.upper().removeprefix("CAP_") != BIND_SERVICE]:
        yield f"it is given rights of root: `cap_add: [{', '.join(given)}]`"
    if not any("no-new-privileges" in str(each) for each in service.get("security_opt") or ()):
        yield "it can gain rights: `security_opt: [no-new-privileges:true]`"
    yield from _of_the_host(service)
    yield from literal_secrets(_environment(service.get("environment")))
    yield from _ports(service)


def _of_the_host(service: dict[str, Any]) -> Iterator[str]:
    if _is_set(service.get("privileged")):
        yield "it is `privileged`: root on the machine"
    for key in ("network_mode", "pid", "ipc", "uts", "cgroup", "userns_mode"):
        if filled(str(service.get(key) or "")) == "host":
            yield f"`{key}: host` shares the machine's own"
    if service.get("devices"):
        yield "it is given devices of the machine: `devices:`"
    for option in service.get("security_opt") or ():
        if str(option).replace("=", ":").partition(":")[2] in ("unconfined", "disable"):
            yield f"`security_opt: [{option}]` takes away what holds it in"
    for volume in service.get("volumes") or ():
        found = folder_weakness(_source(volume))
        if found:
            yield found


def _is_set(value: object) -> bool:
    return value is not None and filled(str(value)).lower() not in ("", "false", "no", "off")


def _source(volume: Any) -> str:
    """Return what is mounted; the name of a variable may hold a colon: `${SOCKET:-/var/run/docker.sock}:/d.sock`."""
    given = volume.get("source") if isinstance(volume, dict) else volume
    text = filled(str(given or ""))
    return text if isinstance(volume, dict) else text.partition(":")[0]


def _environment(given: Any) -> dict[str, object]:
    if isinstance(given, dict):
        return dict(given)
    pairs = (str(each).partition("=") for each in given or ())
    return {name: value for name, _, value in pairs}


def _ports(service: dict[str, Any]) -> Iterator[str]:
    """Yield which inner ports are published where other machines can reach them, and on what."""
    for port in service.get("ports") or ():
        host, inner = _long(port) if isinstance(port, dict) else _short(filled(str(port)))
        reached = "every address" if host in _EVERY else f"`{host}`"
        if not is_local(host or "every"):
            yield from (f"port {each} is published on {reached}" for each in _inner(inner))


def _long(port: dict[str, Any]) -> tuple[str, str]:
    return filled(str(port.get("host_ip") or "")), filled(str(port.get("target")))


def _short(port: str) -> tuple[str, str]:
    """Return address and inner port of `127.0.0.1:5432:5432/tcp`; without an address it is every one."""
    parts = port.partition("/")[0].rsplit(":", 2)
    return (parts[0] if len(parts) == 3 else ""), parts[-1]


def _inner(port: str) -> Iterator[str]:
    """Yield the ports of a number or a range that have no business on a network; nobody knows what a variable is."""
    first, _, last = port.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal():
        yield f"`{port}`"
        return
    yield from sorted(each for each in _INNER_PORTS if int(first) <= int(each) <= int(last or first))
