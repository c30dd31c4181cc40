"""What is a runbook: headings, and numbered steps of which each has a command."""

from dataclasses import dataclass

HEADINGS = ("Meaning", "Impact", "Diagnosis", "Mitigation")
STUB = "<!-- stub"
CHANGES = "# changes:"
"""Stands above a command that changes something, and says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: `number` counts through the whole runbook, from 1; `line` is where its command begins."""

    number: int
    section: str
    text: str
    command: str
    line: int

    @property
    def changes(self) -> str | None:
        """Return what the command changes; None where it only looks."""
        first = self.command.splitlines()[0] if self.command else ""
        return first.removeprefix(CHANGES).strip() if first.startswith(CHANGES) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading and its line."""

    text: str
    line: int
    has_body: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """One file; `name` is that of its rule."""

    name: str
    file: str
    text: str
    headings: tuple[Heading, ...]
    steps: tuple[Step, ...]
    links: tuple[tuple[str, int], ...]

    def of_section(self, section: str) -> tuple[Step, ...]:
        """Return the steps below a heading."""
        return tuple(step for step in self.steps if step.section == section)
