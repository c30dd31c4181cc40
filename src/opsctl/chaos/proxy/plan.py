"""Which lines does a proxy process stand in: read from JSON, and never past this machine's own loopback."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Any

HOST = "127.0.0.1"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_PLAN_KEYS = frozenset({"control_port", "proxies"})
_PROXY_KEYS = frozenset({"name", "listen_host", "listen_port", "upstream", "protocol"})


class Protocol(StrEnum):
    """What a line speaks: messages of HTTP are followed, anything else is bytes."""

    HTTP = "http"
    TCP = "tcp"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyPlan:
    """One line; a port of 0 is any free one."""

    name: str
    listen_host: str = HOST
    listen_port: int
    upstream_host: str
    upstream_port: int
    protocol: Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPlan:
    """What one process does."""

    control_port: int
    proxies: tuple[ProxyPlan, ...]


def read_plan(text: str) -> ServerPlan:
    """Read a plan.

    Raises:
        ValueError: it is none, with what is wrong in words.
    """
    document = _object(json.loads(text), what="the configuration", keys=_PLAN_KEYS)
    listed = document.get("proxies")
    if not isinstance(listed, list) or not listed:
        raise ValueError("`proxies` is to be a list with at least one line")
    proxies = tuple(_proxy(each) for each in listed)
    names = [each.name for each in proxies]
    if len(set(names)) < len(names):
        raise ValueError("two proxies have the same name")
    return ServerPlan(control_port=_port(document.get("control_port"), of="control_port"), proxies=proxies)


def _proxy(value: Any) -> ProxyPlan:
    values = _object(value, what="a proxy", keys=_PROXY_KEYS)
    name = values.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(f"`name` of a proxy is {name!r}, not lower-case letters, digits, `-` and `_`")
    host, _, port = str(values.get("upstream", "")).rpartition(":")
    plan = ProxyPlan(
        name=name,
        listen_host=_loopback(values.get("listen_host", HOST), of=f"`listen_host` of `{name}`"),
        listen_port=_port(values.get("listen_port"), of=f"listen_port of {name}"),
        upstream_host=_loopback(host, of=f"`upstream` of `{name}`"),
        upstream_port=_port(int(port) if port.isdecimal() else port, of=f"upstream of {name}", least=1),
        protocol=_protocol(values.get("protocol"), name=name),
    )
    if plan.listen_port == plan.upstream_port:
        raise ValueError(f"`{name}` would be its own upstream")
    return plan


def _object(value: Any, *, what: str, keys: frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is to be an object of JSON")  # noqa: TRY004 - a wrong file, as any other
    if unknown := sorted(value.keys() - keys):
        raise ValueError(f"{what} has no `{unknown[0]}`; it has: {', '.join(sorted(keys))}")
    return value


def _port(value: Any, *, of: str, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 65_535:
        raise ValueError(f"`{of}` is {value!r}, not a port")
    return value


def _loopback(value: Any, *, of: str) -> str:
    """Return a host of this machine: a fault injector that others could reach, or point at others, is a weapon."""
    host = HOST if value == "localhost" else str(value).strip("[]")
    try:
        is_ours = ip_address(host).is_loopback
    except ValueError:
        is_ours = False
    if not is_ours:
        raise ValueError(f"{of} is {value!r}, not loopback; write 127.0.0.1")
    return host


def _protocol(value: Any, *, name: str) -> Protocol:
    if value not in list(Protocol):
        raise ValueError(f"`protocol` of `{name}` is {value!r}, not one of `http`, `tcp`")
    return Protocol(value)
