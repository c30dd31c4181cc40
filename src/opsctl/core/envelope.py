"""The one JSON document that `--json` prints: schema, verdict, data, findings and meta."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from opsctl.core.findings import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """Who made the document, when, and how long it took."""

    version: str
    started_at: datetime
    duration_seconds: float
    host: str = field(default_factory=platform.node)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a command says to a program; `schema` such as `opsctl.stack.status/v1` names the shape of `data`."""

    schema: str
    ok: bool
    data: Any
    findings: Sequence[Finding] = ()
    meta: Meta
