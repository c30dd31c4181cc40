"""Where does a generation come from: the notes that travel with the collection on the server."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

KEY = "opsctl"
"""The key of the collection's metadata under which the notes stand."""


class BuildState(StrEnum):
    """How far a generation came; only a verified one may serve."""

    BUILDING = "building"
    VERIFIED = "verified"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a generation was made from, by whom, and what was proven about it.

    `beat_at` is renewed while a build runs: a fresh one means that some machine is building right now.
    `synced_at` is when the generation last held exactly the source's points.
    """

    alias: str
    source: str
    filter: Mapping[str, Any]
    plan_digest: str
    version: str
    builder: str
    created_at: str
    beat_at: str
    state: BuildState = BuildState.BUILDING
    embedding: Any = None
    watermark: Any = None
    synced_at: str | None = None
    digest: str | None = None
    points: int | None = None

    def to_metadata(self) -> dict[str, Any]:
        """Return the collection metadata that holds these notes."""
        return {KEY: asdict(self) | {"state": str(self.state), "filter": dict(self.filter)}}

    @property
    def synced_moment(self) -> datetime | None:
        """Return when the generation last held exactly the source's points."""
        return None if self.synced_at is None else datetime.fromisoformat(self.synced_at)

    @property
    def beat_moment(self) -> datetime:
        """Return when the builder last gave a sign of life."""
        return datetime.fromisoformat(self.beat_at)


def read_provenance(metadata: Mapping[str, Any]) -> Provenance | None:
    """Return the notes; None where there are none (an old server, or somebody else's collection)."""
    notes = metadata.get(KEY)
    if not isinstance(notes, Mapping):
        return None
    known = {field.name for field in fields(Provenance)}
    values = {name: value for name, value in notes.items() if name in known}
    try:
        return Provenance(**values | {"state": BuildState(values["state"])})
    except (KeyError, TypeError, ValueError):
        return None
