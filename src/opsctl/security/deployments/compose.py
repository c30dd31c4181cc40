"""What is weak in a compose file?"""

from collections.abc import Iterator
from typing import Any

from opsctl.security.deployments.common import BIND_SERVICE, Weakness, image_weakness, literal_secrets

# PostgreSQL, PgBouncer, Qdrant, Redis, Prometheus, Alertmanager, Grafana: none of them has business on a network.
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
    yield from (
        f"port {port} is published on every address" for port in _published(service) if port in _INNER_PORTS
    )


def _of_the_host(service: dict[str, Any]) -> Iterator[str]:
    if service.get("privileged"):
        yield "it is `privileged`: root on the machine"
    for key in ("network_mode", "pid", "ipc"):
        if service.get(key) == "host":
            yield f"`{key}: host` shares the machine's own"
    for volume in service.get("volumes") or ():
        source = volume.get("source", "") if isinstance(volume, dict) else str(volume).partition(":")[0]
        if "docker.sock" in source:
            yield "it has Docker's socket, which is root on the machine"


def _environment(given: Any) -> dict[str, object]:
    if isinstance(given, dict):
        return dict(given)
    pairs = (str(each).partition("=") for each in given or ())
    return {name: value for name, _, value in pairs}


def _published(service: dict[str, Any]) -> Iterator[str]:
    """Yield the ports inside of a container that are published on every address of the machine."""
    for port in service.get("ports") or ():
        if isinstance(port, dict):
            if port.get("published") and port.get("host_ip") in (None, "", "0.0.0.0", "::"):  # noqa: S104 - read, not bound
                yield str(port.get("target"))
            continue
        parts = str(port).partition("/")[0].rsplit(":", 2)
        if len(parts) < 3 or parts[0] in ("0.0.0.0", "[::]", ""):  # noqa: S104 - read, not bound
            yield parts[-1]
