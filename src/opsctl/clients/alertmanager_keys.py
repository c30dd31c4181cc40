"""Is Alertmanager's program of this machine too old for a file: a key that it never heard of says nothing against the file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

# From Alertmanager's own changelog. Whoever renders another young key adds it here.
_SINCE: Mapping[str, tuple[int, int]] = {
    "api_url_file": (0, 22),
    "auth_password_file": (0, 25),
    "routing_key_file": (0, 25),
    "url_file": (0, 26),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TooOld:
    """A program that is older than a key of the file.

    Args:
        program: such as `amtool`.
        version: what it says that it is.
        key: the youngest that it does not know.
        since: the version of Alertmanager that brought it.
    """

    program: str
    version: str
    key: str
    since: str

    def __str__(self) -> str:
        return f"{self.program} {self.version} does not know `{self.key}`, which Alertmanager has since {self.since}"

    @property
    def fix(self) -> str:
        """Return what to do."""
        return f"install Alertmanager {self.since} or newer, with its amtool: https://prometheus.io/download"


def too_old_for(text: str, *, program: str, version: str) -> TooOld | None:
    """Return why a program of a version cannot judge a configuration; None where it can, or names no version.

    >>> config = "receivers: [{name: a, webhook_configs: [{url_file: secret}]}]"
    >>> str(too_old_for(config, program="amtool", version="0.25.0"))
    'amtool 0.25.0 does not know `url_file`, which Alertmanager has since 0.26'
    >>> too_old_for(config, program="amtool", version="0.26.0") is None
    True
    """
    numbers = _numbers(version)
    if numbers is None:
        return None
    unknown = [key for key in set(_keys(yaml.safe_load(text))) if _SINCE.get(key, numbers) > numbers]
    if not unknown:
        return None
    youngest = max(unknown, key=lambda key: (_SINCE[key], key))
    since = ".".join(map(str, _SINCE[youngest]))
    return TooOld(program=program, version=version, key=youngest, since=since)


def _numbers(version: str) -> tuple[int, int] | None:
    parts = version.split(".")
    if len(parts) < 2 or not (parts[0].isdecimal() and parts[1].isdecimal()):
        return None
    return int(parts[0]), int(parts[1])


def _keys(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield str(key)
            yield from _keys(value)
    elif isinstance(node, list):
        for value in node:
            yield from _keys(value)
