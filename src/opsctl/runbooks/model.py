"""What is a runbook: headings, and numbered steps of which each has a command."""

import re
from dataclasses import dataclass

from opsctl.core.findings import Location

HEADINGS = ("Meaning", "Impact", "Diagnosis", "Mitigation")
STUB = "<!-- stub"
CHANGES = "# changes:"
"""Stands above a command that changes something, and says what."""
UNSAID = "its runbook does not say what"
README = "README.md"
OVER = "Over"
"""The heading, not required, below which stands how to know that it is over."""
VARIABLES = frozenset({"SERVICE_URL", "PROMETHEUS_URL", "ALERTMANAGER_URL", "SINK_URL", "DATABASE_URL"})
"""What a step may use; each is there while the thing that it names runs."""
ASKED = frozenset({"POINT", "OFFSITE", "IDENTITY", "FOLDER"})
"""What a step may use, too, and only a person knows: it is set before, as in `POINT=2026-11-29T12:00:00Z opsctl runbooks run`."""
RECOVERS = "recover_"
"""The runbook of a loss is named so, with the name of its book behind it."""

_VARIABLE = re.compile(r"\$\{?(?P<name>[A-Z][A-Z0-9_]*)")
_ASSIGNED = re.compile(
    r"(?:^|[;&|\s])(?:export\s+|local\s+|read\s+(?:-r\s+)?|for\s+)?(?P<name>[A-Z][A-Z0-9_]*)(?==|\s+in\s)"
)
_SINGLE_QUOTED = re.compile(r"'[^']*'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a runbook.

    Args:
        number: counts through the whole runbook, from 1.
        listed: the number that stands before its text; None where there is none.
        section: the heading above it.
        text: what is said before the command.
        command: what bash would be given.
        line: where the command begins.
        is_changing: the command itself shows that it changes something, or hides what it does, and nobody said so.
    """

    number: int
    section: str
    text: str
    command: str
    line: int
    listed: int | None = None
    is_changing: bool = False

    @property
    def changes(self) -> str | None:
        """Return what the command changes; None where it only looks."""
        return UNSAID if self.mark is None and self.is_changing else self.mark

    @property
    def mark(self) -> str | None:
        """Return what the runbook says that the command changes; None where it says nothing."""
        first = self.command.partition("\n")[0]
        return first.removeprefix(CHANGES).strip() if first.startswith(CHANGES) else None

    @property
    def variables(self) -> frozenset[str]:
        """Return the variables that the command needs from outside.

        >>> sorted(Step(number=1, section="", text="", line=1, command='A=1; curl "$SERVICE_URL/$A"').variables)
        ['SERVICE_URL']
        """
        seen = _SINGLE_QUOTED.sub("''", self.command)
        return frozenset(_VARIABLE.findall(seen)) - frozenset(_ASSIGNED.findall(seen))


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading, its line, and what a link to it is called, as GitHub makes it."""

    text: str
    line: int
    anchor: str
    has_body: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where a link leads, as it is written, and its line."""

    target: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """What the text itself has wrong, and its line."""

    title: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """One file; `name` is that of its rule, or of the loss that it mends with `recover_` before it."""

    name: str
    file: str
    text: str
    headings: tuple[Heading, ...]
    steps: tuple[Step, ...]
    links: tuple[Link, ...]
    flaws: tuple[Flaw, ...] = ()

    def of_section(self, section: str) -> tuple[Step, ...]:
        """Return the steps below a heading."""
        return tuple(step for step in self.steps if step.section == section)

    def text_of(self, section: str) -> str:
        """Return the words below a heading, up to the next one; nothing where there is no such heading."""
        lines = self.text.splitlines()
        for position, heading in enumerate(self.headings):
            if heading.text == section:
                following = self.headings[position + 1 :]
                end = following[0].line - 1 if following else len(lines)
                return " ".join(line.strip() for line in lines[heading.line : end] if line.strip())
        return ""

    @property
    def anchors(self) -> frozenset[str]:
        """Return what links to this file may have behind `#`."""
        return frozenset(heading.anchor for heading in self.headings)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFacts:
    """What a runbook says of its rule and must not say otherwise.

    Args:
        name: of the rule in the book.
        file: of its runbook.
        summary: what stands on the pager.
        severities: of its alerts, each once.
        receivers: who is told, each once.
        panel: `dashboard/panel` that shows it.
        fault: by which it is proven; None where there is none.
        undrilled: why not.
    """

    name: str
    file: str
    summary: str
    severities: tuple[str, ...]
    receivers: tuple[str, ...]
    panel: str
    fault: str | None = None
    undrilled: str | None = None

    @property
    def row(self) -> str:
        """Return the row of facts below the title of the runbook."""
        told = ", ".join(self.receivers) or "nobody; it is shown"
        proof = f"fault `{self.fault}`; `opsctl alerts prove {self.name}` makes it on a stack of its own"
        drill = proof if self.fault else f"none: {self.undrilled}"
        return f"| {', '.join(self.severities)} | {told} | `{self.panel}` | {drill} |"

    @property
    def index_row(self) -> str:
        """Return the row of the rule in README.md."""
        return f"| [{self.name}]({self.file}) | {', '.join(self.severities)} | {self.summary} |"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryFacts:
    """What a runbook says of the loss that it mends and must not say otherwise.

    Args:
        name: of the book.
        title: what is lost, in a few words.
        loses: what is destroyed in its drill.
        meanwhile: what goes on at that moment; None where nothing does.
        alert: that tells of it; None where somebody has to notice.
        book: where it is written.
    """

    name: str
    title: str
    loses: tuple[str, ...]
    book: Location
    meanwhile: str | None = None
    alert: str | None = None

    @property
    def file(self) -> str:
        """Return the name of its runbook.

        >>> RecoveryFacts(name="all", title="All is lost", loses=("database",), book=Location(file="all.yaml")).file
        'recover_all.md'
        """
        return f"{RECOVERS}{self.name}.md"

    @property
    def row(self) -> str:
        """Return the row of facts below the title of the runbook."""
        told = f"alert `{self.alert}`" if self.alert else "no alert; somebody has to notice"
        drill = f"`opsctl dr drill {self.name}` loses it on a stack of its own, and does what stands below Mitigation"
        return f"| {self._lost} | {told} | {drill} |"

    @property
    def index_row(self) -> str:
        """Return the row of the loss in README.md."""
        return f"| [{self.file.removesuffix('.md')}]({self.file}) | {self._lost} | {self.title}. |"

    @property
    def _lost(self) -> str:
        return ", ".join(self.loses) + (f"; {self.meanwhile}" if self.meanwhile else "")
