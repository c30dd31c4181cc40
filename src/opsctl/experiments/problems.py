"""What is wrong at a place of a book of an experiment, and who may say so."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from opsctl.config.marks import MarkedDocument, locate, read_marked
from opsctl.core.findings import Finding, Severity
from opsctl.experiments.book import Experiment
from opsctl.experiments.load_experiments import NamedExperiment

BookPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What an arm cannot set, by whoever knows: the service, or a study of the simulator.

    Args:
        key: which setting, where one alone is at fault.
        message: why.
        fix: what to write instead.
    """

    key: str | None
    message: str
    fix: str | None = None


ChecksArms = Callable[[Experiment, str], Iterable[Complaint]]
"""Says what an arm of an experiment cannot set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong at a place of a book."""

    code: str
    path: BookPath
    title: str
    fix: str
    severity: Severity = Severity.ERROR
    evidence: str | None = None


ChecksBook = Callable[[Experiment], Iterable[Problem]]
"""Says what is wrong with a book, by whoever knows: of its sizes, of its simulation."""


def findings_of(problems: Iterable[Problem], *, named: NamedExperiment) -> list[Finding]:
    """Return problems with their places in the book."""
    document = read_marked(named.text, file=named.file)
    return [_finding(problem, document=document, named=named) for problem in problems]


def _finding(problem: Problem, *, document: MarkedDocument, named: NamedExperiment) -> Finding:
    line, column = document.place_of(problem.path, prefer_key=True)
    return Finding(
        code=problem.code,
        severity=problem.severity,
        title=problem.title,
        location=locate(named.text, file=named.file, line=line, column=column),
        evidence=problem.evidence,
        fix=problem.fix,
    )
