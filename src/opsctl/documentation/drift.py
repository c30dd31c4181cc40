"""Is each page that is rendered from the code still what the code renders?"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from opsctl.core.findings import Finding, Location, Severity


class State(StrEnum):
    """What came out; `unknown` is where what renders a page is not installed."""

    SAME = "same"
    DRIFTED = "drifted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """A file that the code renders: its path in the checkout, what renders it, and the command that writes it anew."""

    path: str
    render: Callable[[], str]
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How a rendered file compares: the first line that differs, or why nobody can tell."""

    page: Generated
    state: State
    line: int | None = None
    why: str | None = None


def compare(pages: Sequence[Generated], *, read: Callable[[str], str | None]) -> Iterator[Compared]:
    """Compare each page with what stands in its file; `read` gives None where there is no file."""
    for page in pages:
        try:
            wanted = page.render()
        except ImportError as error:
            yield Compared(page=page, state=State.UNKNOWN, why=str(error))
            continue
        yield _compared(page, wanted=wanted, held=read(page.path))


def drift_findings(compared: Sequence[Compared]) -> tuple[Finding, ...]:
    """Return what is to be said of pages that are not, or may not be, what the code renders."""
    return tuple(_finding(each) for each in compared if each.state is not State.SAME)


def _compared(page: Generated, *, wanted: str, held: str | None) -> Compared:
    if held is None:
        return Compared(page=page, state=State.DRIFTED, why="the file is not there")
    if held == wanted:
        return Compared(page=page, state=State.SAME)
    ours, theirs = held.split("\n"), wanted.split("\n")
    differs = [at for at, (one, other) in enumerate(zip(ours, theirs, strict=False)) if one != other]
    return Compared(
        page=page,
        state=State.DRIFTED,
        line=1 + (differs[0] if differs else min(len(ours), len(theirs)) - 1),
        why="the code renders another line" if differs else "one has more lines than the other",
    )


def _finding(each: Compared) -> Finding:
    is_unknown = each.state is State.UNKNOWN
    return Finding(
        code="DOC008" if is_unknown else "DOC004",
        severity=Severity.WARNING if is_unknown else Severity.ERROR,
        title=f"whether `{each.page.path}` is what the code renders cannot be told"
        if is_unknown
        else f"`{each.page.path}` is not what the code renders",
        location=Location(file=str(Path(each.page.path)), line=each.line),
        evidence=each.why,
        fix="make setup" if is_unknown else each.page.remedy,
    )
