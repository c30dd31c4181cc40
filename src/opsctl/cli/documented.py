"""Would what the pages tell people to type work: verbs and options by the command tree, names by the books?"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.findings import Finding, Location, Severity

if TYPE_CHECKING:
    from opsctl.documentation.pages import PageCommand

# In capitals, or given by the shell: the reader puts something in its place.
_PLACEHOLDER = re.compile(r"(?![A-Z]{3}\d{3})[A-Z][A-Z0-9_]*|.*\$.*")
_OWN_BOOK = re.compile(r"^# (?:ops|alerts)/[\w/]*?(?P<name>\w+)\.yaml", re.MULTILINE)
# What is said of a command in a sentence needs neither all its arguments nor its verb.
_ENOUGH_IN_A_SENTENCE = re.compile(
    r"`\w+` is missing|`[\w ]+` needs a verb|Option '-[\w-]+' requires an argument\."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandsLook:
    """How many commands the pages tell people to type, and what is wrong with them."""

    commands: int
    findings: tuple[Finding, ...]


def check_commands(pages: Mapping[Path, str], *, root: Path) -> CommandsLook:
    """Hold every command of the pages against the command tree and the shipped books; nothing is run."""
    from opsctl.documentation.pages import commands_of

    count, findings = 0, list[Finding]()
    for path, text in pages.items():
        own = frozenset(found["name"] for found in _OWN_BOOK.finditer(text))
        for command in commands_of(text):
            count += 1
            problem = problem_of(command, own=own)
            if problem is not None:
                place = Location(file=str(path.relative_to(root)), line=command.line)
                findings.append(_finding(command, problem, place))
    return CommandsLook(commands=count, findings=tuple(findings))


def problem_of(command: "PageCommand", *, own: frozenset[str] = frozenset()) -> str | None:
    """Return why a command of a page would not work; `own` are the books that the page itself shows."""
    from opsctl.cli.command_tree import why_not

    words = list(command.words)
    problem = why_not(words)
    if problem is not None:
        is_enough = not command.is_typed and _ENOUGH_IN_A_SENTENCE.fullmatch(problem)
        return None if is_enough else problem
    return next(_unknown_names(words, own), None)


def _unknown_names(words: list[str], own: frozenset[str]) -> Iterator[str]:
    from opsctl.cli.command_tree import path_and_arguments

    path, arguments = path_and_arguments(words)
    kind = next((kind for kind, paths in _NAMES_OF.items() if " ".join(path) in paths), None)
    if kind is None:
        return
    taken = arguments[:1] if kind in _FIRST_ONLY else arguments
    for name in taken:
        if name not in own and name not in _known()[kind]() and not _PLACEHOLDER.fullmatch(name):
            yield f"there is no {kind} `{name}`"


_NAMES_OF = {
    "load": ("bench load", "bench capacity"),
    "experiment": (
        *(
            "experiments plan",
            "experiments start",
            "experiments ramp",
            "experiments stop",
            "experiments analyze",
        ),
        *("experiments simulate", "experiments report", "experiments status"),
    ),
    "drill": ("chaos run", "chaos export"),
    "fault": ("chaos fault apply", "chaos fault undo"),
    "loss": ("dr drill",),
    "collection": (
        *("collections plan", "collections rebuild", "collections verify", "collections rollback"),
        *("collections realias", "collections drift", "bench latency"),
    ),
    "alert": ("alerts prove", "alerts test"),
    "runbook": ("runbooks show", "runbooks run"),
    "code": ("explain",),
    "book": ("config schema",),
}
_FIRST_ONLY = ("experiment", "runbook")


@cache
def _known() -> Mapping[str, Callable[[], frozenset[str]]]:
    """Return what names there are of each kind, each read once and only where it is asked for."""
    return {
        "load": _books("ops/loads"),
        "experiment": _books("ops/experiments"),
        "drill": _books("ops/drills"),
        "loss": _books("ops/recoveries"),
        "fault": cache(_faults),
        "collection": cache(_collections),
        "alert": cache(_alerts),
        "runbook": cache(lambda: _alerts() | _runbooks()),
        "code": cache(_codes),
        "book": cache(_kinds_of_books),
    }


def _books(folder: str) -> Callable[[], frozenset[str]]:
    from opsctl import assets

    return cache(lambda: frozenset(path.stem for path in (assets.root() / folder).glob("*.yaml")))


def _runbooks() -> frozenset[str]:
    from opsctl import assets

    stems = [path.stem for path in (assets.root() / "docs" / "runbooks").glob("*.md")]
    return frozenset([*stems, *(stem.removeprefix("recover_") for stem in stems)])


def _faults() -> frozenset[str]:
    from opsctl.chaos.registry import all_faults

    return frozenset(all_faults())


def _collections() -> frozenset[str]:
    """Return the collections of the starter book and of the checkout's own."""
    from opsctl import assets
    from opsctl.config.load import load_book
    from opsctl.qdrant_collections.model import CollectionsBook

    paths = (assets.root() / "ops" / "collections.yaml", assets.templates() / "project/ops/collections.yaml")
    books = [load_book(path, CollectionsBook) for path in paths]
    return frozenset(name for book in books for name in book.derived)


def _alerts() -> frozenset[str]:
    from opsctl import assets
    from opsctl.alerts.compile import compile_rules
    from opsctl.alerts.load import load_alert_books
    from opsctl.alerts.target import Target

    rules = compile_rules(load_alert_books(assets.root() / "alerts"), target=Target())
    return frozenset(name for alert in rules.alerts for name in (alert.name, alert.rule))


def _codes() -> frozenset[str]:
    from opsctl.cli.explain import shipped_explanations

    codes = frozenset(shipped_explanations())
    return codes | {code.lower() for code in codes} | _faults()


def _kinds_of_books() -> frozenset[str]:
    from opsctl.cli import wiring

    return frozenset(wiring.book_models())


def _finding(command: "PageCommand", problem: str, place: Location) -> Finding:
    return Finding(
        code="DOC005",
        severity=Severity.ERROR,
        title=f"`{command.text}`: {problem}",
        location=place,
        fix="`opsctl --help` shows what there is",
    )
