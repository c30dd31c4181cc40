"""What a check or a book has to say: a finding with a stable code, a place and a way to mend it."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is; `error` and above make the verdict bad."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place in a text file; line and column count from 1, `source` is the line itself."""

    file: str
    line: int | None = None
    column: int | None = None
    source: str | None = None

    def __str__(self) -> str:
        parts = [self.file, self.line, self.column]
        return ":".join(str(part) for part in parts if part is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that somebody should know: what, where, the evidence, and how to mend it."""

    code: str
    severity: Severity
    title: str
    location: Location | None = None
    evidence: str | None = None
    fix: str | None = None
