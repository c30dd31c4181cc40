"""Which drills are there, and are they right: every problem of every book at once, each with its place."""

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from opsctl.chaos.book import Drill
from opsctl.chaos.check_drills import Faults, check_drill
from opsctl.chaos.registry import all_faults
from opsctl.clients.files import read_text
from opsctl.config.folder import yaml_books
from opsctl.config.load import load_book
from opsctl.core.errors import UsageError
from opsctl.core.findings import Finding, Severity
from opsctl.evidence.model import digest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedDrill:
    """A drill with the name of its file, and what changes when the book does."""

    name: str
    file: str
    drill: Drill

    @property
    def digest(self) -> str:
        """Return the SHA-256 of what the book says, comments and order of keys apart."""
        return digest_of(self.drill.model_dump(mode="json", by_alias=True))


def load_drill(path: Path, *, faults: Faults | None = None) -> NamedDrill:
    """Read one drill.

    Raises:
        UsageError: CFG003, CFG008 the book is wrong or not there; CHA010 it is right by itself, but does not fit.
    """
    made = NamedDrill(name=path.stem, file=str(path), drill=load_book(path, Drill))
    known = all_faults() if faults is None else faults
    findings = check_drill(made.drill, text=read_text(path), file=made.file, faults=known)
    if findings:
        raise _refusal(f"`{path}`", findings)
    return made


def load_drills(folder: Path, *, faults: Faults | None = None) -> tuple[NamedDrill, ...]:
    """Read every drill of a folder, by name.

    Raises:
        UsageError: CHA010 with one finding for each problem of each book, CFG008 it is no folder, CFG009 a book has a
            name that nobody can type.
    """
    drills: dict[str, NamedDrill] = {}
    findings: list[Finding] = []
    for path in yaml_books(folder, of="drills"):
        try:
            drill = load_drill(path, faults=faults)
        except UsageError as error:
            findings += error.findings or [error.as_finding()]
            continue
        if drill.name in drills:
            findings.append(_twice(drills[drill.name], drill))
        drills[drill.name] = drill
    if findings:
        raise _refusal(f"`{folder}`", findings)
    return tuple(drills.values())


def chosen(
    drills: Sequence[NamedDrill], *, names: Collection[str] = (), tags: Collection[str] = ()
) -> tuple[NamedDrill, ...]:
    """Return the drills of these names, or with one of these tags, or all where neither is given.

    Raises:
        UsageError: CHA016 there is no such drill.
    """
    known = {each.name for each in drills}
    unknown = sorted(set(names) - known)
    found = tuple(
        each
        for each in drills
        if (not names or each.name in names) and (not tags or set(tags) & set(each.drill.tags))
    )
    if unknown or not found:
        what = f"drill `{unknown[0]}`" if unknown else f"drill tagged {', '.join(sorted(tags))}"
        known_tags = {tag for each in drills for tag in each.drill.tags}
        fix = _instead(unknown[0], known) if unknown else f"tags are: {', '.join(sorted(known_tags))}"
        raise UsageError(
            f"there is no {what if known else 'drill at all'}",
            code="CHA016",
            fix=fix if known else "`opsctl init` writes the starter books",
        )
    return found


def _instead(wrong: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(wrong, known, n=1)
    return f"did you mean `{close[0]}`?" if close else "`opsctl chaos list` shows them"


def _twice(one: NamedDrill, other: NamedDrill) -> Finding:
    return Finding(
        code="CHA015",
        severity=Severity.ERROR,
        title=f"two drills are called `{one.name}`",
        evidence=f"{one.file}, {other.file}",
        fix="rename one of the files",
    )


def _refusal(what: str, findings: list[Finding]) -> UsageError:
    count = len(findings)
    return UsageError(
        f"{what} has {count} {'problem' if count == 1 else 'problems'}",
        code="CHA010",
        findings=findings,
        fix="mend the drills and run the same command again; nothing was changed",
    )
