"""Which experiments are there, and are their books right: every problem of every book at once, each with its place."""

import difflib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from opsctl.clients.files import read_text
from opsctl.config.folder import yaml_books
from opsctl.config.load import load_book
from opsctl.core.errors import UsageError
from opsctl.core.findings import Finding, Location, Severity
from opsctl.experiments.book import Experiment
from opsctl.experiments.registry import digest_of_book, spec_of

_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedExperiment:
    """An experiment with the name of its file, and the text of that."""

    name: str
    file: str
    experiment: Experiment
    text: str = field(repr=False)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of what the book says."""
        return digest_of_book(self.experiment)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedExperiments:
    """The books of a folder that could be read, and what is wrong with the others."""

    experiments: tuple[NamedExperiment, ...] = ()
    findings: tuple[Finding, ...] = ()


def load_experiment(path: Path) -> NamedExperiment:
    """Read one experiment.

    Raises:
        UsageError: CFG003, CFG008 the book is wrong or not there, EXP012 its name is, EXP013 it cannot be kept.
    """
    if not _NAME.fullmatch(path.stem):
        raise UsageError(
            f"`{path.name}` is no name of an experiment",
            code="EXP012",
            location=Location(file=str(path)),
            why="the name is part of the hashes that assign units, and of keys in the database",
            fix=f"rename it, such as to `{_better(path.stem)}.yaml`",
        )
    experiment = load_book(path, Experiment)
    try:
        spec_of(experiment)
    except UsageError as error:
        error.location = Location(file=str(path))
        raise
    return NamedExperiment(name=path.stem, file=str(path), experiment=experiment, text=read_text(path))


def read_experiments(folder: Path) -> LoadedExperiments:
    """Read every book of a folder, by name, whatever is wrong with the others.

    Raises:
        UsageError: CFG008 it is no folder, CFG009 a file has a name that nobody can type.
    """
    found: dict[str, NamedExperiment] = {}
    findings: list[Finding] = []
    for path in yaml_books(folder, of="experiments"):
        try:
            named = load_experiment(path)
        except UsageError as error:
            findings += error.findings or [error.as_finding()]
            continue
        if named.name in found:
            findings.append(_twice(found[named.name], named))
        else:
            found[named.name] = named
    return LoadedExperiments(experiments=tuple(found.values()), findings=tuple(findings))


def chosen(
    experiments: Sequence[NamedExperiment], names: Collection[str] = ()
) -> tuple[NamedExperiment, ...]:
    """Return the experiments of these names, or all where none is given.

    Raises:
        UsageError: EXP003 there is no such experiment.
    """
    known = {each.name for each in experiments}
    unknown = sorted(set(names) - known)
    if not known:
        raise UsageError(
            "there is no experiment at all", code="EXP003", fix="`opsctl init` writes a book to begin with"
        )
    if unknown:
        close = difflib.get_close_matches(unknown[0], known, n=1)
        raise UsageError(
            f"there is no experiment `{unknown[0]}`",
            code="EXP003",
            fix=f"did you mean `{close[0]}`?" if close else f"one of: {', '.join(sorted(known))}",
        )
    return tuple(each for each in experiments if not names or each.name in names)


def require_right(findings: Sequence[Finding], *, what: str) -> None:
    """Refuse books with errors; warnings pass.

    Raises:
        UsageError: EXP001 with all errors.
    """
    errors = [each for each in findings if each.severity is Severity.ERROR]
    if errors:
        count = len(errors)
        raise UsageError(
            f"{what} has {count} {'problem' if count == 1 else 'problems'}",
            code="EXP001",
            findings=errors,
            fix="mend the books and run the same command again; nothing was changed",
        )


def _better(stem: str) -> str:
    """Return a name that resembles one that cannot be."""
    words = re.findall(r"[a-z0-9]+", stem.lower())
    name = "_".join(words).lstrip("0123456789_")[:60]
    return name or "my_experiment"


def _twice(one: NamedExperiment, other: NamedExperiment) -> Finding:
    return Finding(
        code="EXP002",
        severity=Severity.ERROR,
        title=f"two experiments are called `{one.name}`",
        location=Location(file=other.file),
        evidence=f"{one.file}, {other.file}",
        fix="rename one of the files",
    )
