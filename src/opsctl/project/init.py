"""Which starter files does a new project get: written once, never over somebody's own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from opsctl.clients.files import write_atomically

_SHIPPED_SCHEMA = re.compile(r"\$schema=(?:\.\./)+src/opsctl/schemas/")


class FileAction(StrEnum):
    """What `init` does with a file."""

    WRITE = "write"
    KEEP = "keep"
    OVERWRITE = "overwrite"


@dataclass(frozen=True, slots=True, kw_only=True)
class StarterFile:
    """One file of a new project, with what is to happen to it."""

    path: str
    content: str
    action: FileAction


def plan_starter(
    *,
    root: Path,
    templates: Path,
    schemas: Path,
    scenarios: Path,
    watching: Mapping[str, Path],
    force: bool,
) -> list[StarterFile]:
    """Return every starter file with its action; a file that exists is kept unless `force`.

    The books of `watching` (alerts, dashboards, runbooks, drills, recoveries, experiments) are those that ship; what is rendered from them is not copied.
    Scenarios are the example files for Locust, which stand beside the loads. Schemas are not the user's own: they
    follow the version of opsctl, so that editors check against it.
    """
    starter = templates / "project"
    wanted = {path.relative_to(starter): path for path in sorted(starter.rglob("*")) if path.is_file()}
    files = [_planned(root, name, source, may_replace=force) for name, source in wanted.items()]
    files += [
        _planned(root, Path("ops/loads") / source.name, source, may_replace=force)
        for source in sorted(scenarios.glob("*.py"))
    ]
    files += [
        _planned(root, Path(folder) / source.name, source, may_replace=force)
        for folder, shipped in watching.items()
        for source in sorted(shipped.glob("*.yaml")) + sorted(shipped.glob("*.md"))
    ]
    files += [
        _planned(root, Path("ops/.schemas") / source.name, source, may_replace=True)
        for source in sorted(schemas.glob("*.json"))
    ]
    return files


def write_starter(files: list[StarterFile], *, root: Path) -> None:
    """Write what the plan says; the same plan twice changes nothing."""
    for file in files:
        if file.action is not FileAction.KEEP:
            write_atomically(root / file.path, file.content)


def _planned(root: Path, name: Path, source: Path, *, may_replace: bool) -> StarterFile:
    content = _with_own_schemas(source.read_text(encoding="utf-8"), name)
    target = root / name
    if not target.exists():
        action = FileAction.WRITE
    elif may_replace and target.read_bytes() != content.encode():
        action = FileAction.OVERWRITE
    else:
        action = FileAction.KEEP
    return StarterFile(path=name.as_posix(), content=content, action=action)


def _with_own_schemas(content: str, name: Path) -> str:
    """Return a shipped book with the schema's address as it is in a project, which has its own copies."""
    own = f"$schema={'../' * (len(name.parts) - 1)}ops/.schemas/"
    return _SHIPPED_SCHEMA.sub(own, content, count=1)
