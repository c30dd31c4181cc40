"""How is a site built: MkDocs in a process of its own, and what it warns of."""

import os
import re
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from opsctl.clients.programs import run_program
from opsctl.core.errors import NotReadyError

_SECONDS = 600.0
_WARNING = re.compile(r"^(?:WARNING|ERROR) +-? *(?P<text>.+)$")
# MkDocs ends with it whenever it was strict and had warned: the warnings stand there already.
_SUM = re.compile(r"Aborted with \d+ warnings? in strict mode!")


@dataclass(frozen=True, slots=True, kw_only=True)
class MkdocsAnswer:
    """How a build ended: whether there is a site, what was warned of, and all that was printed."""

    is_built: bool
    warnings: tuple[str, ...]
    text: str


def require_mkdocs() -> None:
    """Raise where MkDocs or its theme is missing.

    Raises:
        NotReadyError: DOC001.
    """
    missing = [name for name in ("mkdocs", "material") if find_spec(name) is None]
    if missing:
        raise NotReadyError(
            "the site of the documentation cannot be built: MkDocs with its theme Material is not installed",
            code="DOC001",
            why=f"there is no package `{missing[0]}` in {sys.prefix}",
            fix="pip install --group docs, or make setup, in a checkout",
        )


def mkdocs_versions() -> dict[str, str]:
    """Return the versions of what builds the site."""
    found = {}
    for name in ("mkdocs", "mkdocs-material"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def build_site(config: Path, *, out: Path) -> MkdocsAnswer:
    """Build the site of a configuration into a folder, which is emptied first; it is strict where the book says so.

    Raises:
        NotReadyError: PRC001 Python cannot be started again, PRC004 it comes to no end.
    """
    words = ("-m", "mkdocs", "build", "--config-file", str(config), "--site-dir", str(out))
    done = run_program(
        [sys.executable, *words],
        seconds=_SECONDS,
        folder=config.parent,
        # The theme's advertisement of its successor is no warning about our pages.
        environment={**os.environ, "NO_MKDOCS_2_WARNING": "1", "NO_COLOR": "1"},
        joins_outputs=True,
    )
    text = done.plain_stdout
    return MkdocsAnswer(is_built=done.code == 0, warnings=tuple(_warnings(text)), text=text)


def _warnings(text: str) -> list[str]:
    """Return each warning with the lines that belong to it, such as the pages of which it warns."""
    found = list[str]()
    for line in text.splitlines():
        match = _WARNING.match(line)
        if match:
            found.append(match["text"])
        elif found and line.startswith("  "):
            found[-1] += f" {line.strip()}"
    return [each for each in found if not _SUM.fullmatch(each)]
