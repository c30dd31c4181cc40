"""What is asked of every container, in whichever language it is described?"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_SECRET_NAME = re.compile(
    r"(?:PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIALS?|(?:API|ACCESS|PRIVATE)_?KEY|DSN)$", re.IGNORECASE
)
# `${NAME}` and `${NAME:?message}` leave the value to whoever starts it; a default after `:-` stands in the file.
_REFERENCE = re.compile(r"\$\{?\w+(?::?\?[^}]*)?\}?$")

# `${NAME:-value}` and `${NAME-value}`: what stands there where nobody says otherwise.
_DEFAULT = re.compile(r"\$\{\w+:?-(?P<value>[^{}]*)\}")
# Who can write there, or ask there, is root on the machine.
_FOLDERS = (
    "/",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/proc",
    "/root",
    "/run",
    "/sys",
    "/usr",
    "/var",
    "/var/run",
)
_BELOW = ("/proc/", "/sys/", "/dev/", "/var/lib/docker", "/var/lib/kubelet", "/etc/kubernetes")
_SOCKET = re.compile(r"(?:docker|containerd|crio|podman)\.sock$")

BIND_SERVICE = "NET_BIND_SERVICE"
"""The one right that a container may be given back: to listen below port 1024."""


class Weakness(NamedTuple):
    """One thing that is wrong with a container, and the name of what it is about."""

    about: str
    title: str


def image_weakness(image: str) -> str | None:
    """Return why an image may be another one tomorrow; None where it has a tag or a digest."""
    if "@sha256:" in image or image == "scratch" or image.startswith("$"):
        return None
    name, _, tag = image.rpartition("/")[2].partition(":")
    if not tag or tag == "latest":
        return f"image `{image}` has no fixed tag: `{name}` may be another program tomorrow"
    return None


def filled(text: str) -> str:
    """Return a text of a compose file with the defaults of its variables, also of one inside of another.

    >>> filled("${BIND:-${ALL-0.0.0.0}}:5432"), filled("${BIND}:5432")
    ('0.0.0.0:5432', '${BIND}:5432')
    """
    while (once := _DEFAULT.sub(lambda found: found["value"], text)) != text:
        text = once
    return text


def folder_weakness(source: str) -> str | None:
    """Return why what is mounted from the machine gives it away; None where it does not."""
    path = source.rstrip("/") or "/"
    if _SOCKET.search(path):
        name = "Docker's socket" if path.endswith("docker.sock") else f"the socket `{source}`"
        return f"it has {name}, which is root on the machine"
    if source.startswith("/") and (path in _FOLDERS or path.startswith(_BELOW)):
        return f"it has `{source}` of the machine"
    return None


def literal_secrets(environment: dict[str, object]) -> Iterator[str]:
    """Yield why variables hold a secret as it is: whoever can look at the container reads it."""
    for name, value in environment.items():
        text = "" if value is None else str(value)
        if text and _SECRET_NAME.search(name) and _REFERENCE.fullmatch(text) is None:
            yield f"variable `{name}` holds a secret; use a file below /run/secrets, and `{name}_FILE`"
