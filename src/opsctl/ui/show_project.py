"""How do starter files, diagnoses, explanations and settings look."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from opsctl.config.settings import Setting
from opsctl.core.checks import CheckStatus
from opsctl.project.doctor import Diagnosis
from opsctl.project.init import FileAction, StarterFile
from opsctl.ui.console import hint, note, out, print_line
from opsctl.ui.hanging import has_width, print_hanging
from opsctl.ui.places import from_here
from opsctl.ui.show_files import show_files
from opsctl.ui.table import show_table

_BLANK_LINE = re.compile(r"\n{2,}")
_LAID_OUT = re.compile(r"^([ \t]|[-*|#`>]|\d+\.)", re.MULTILINE)
"""Lines of a list, a table or an example stay as they are."""
_MARKS = {
    CheckStatus.OK: "[green]✔ ok  [/]",
    CheckStatus.WARN: "[yellow]! warn[/]",
    CheckStatus.FAIL: "[red]✘ fail[/]",
    CheckStatus.SKIP: "[dim]- skip[/]",
}


def show_starter(files: Sequence[StarterFile], *, root: Path, dry_run: bool) -> None:
    """Say what was written and what was kept."""
    words = {
        FileAction.WRITE: "would write" if dry_run else "wrote",
        FileAction.OVERWRITE: "would overwrite" if dry_run else "overwrote",
        FileAction.KEEP: "kept",
    }
    show_files([(words[file.action], str(file.path)) for file in files], column=15)
    note(f"project folder: {root}")
    hint("run `opsctl doctor` to see what this machine lacks")


def show_diagnoses(diagnoses: Sequence[Diagnosis]) -> None:
    """Print one line for each check, its fix below it."""
    from rich.markup import escape

    console = out()
    for diagnosis in diagnoses:
        result = diagnosis.result
        line = f"{_MARKS[result.status]} {diagnosis.title:<20} {escape(result.evidence)}"
        print_hanging(console, line, indent=28)
        if result.fix:
            hint_line = f"[cyan]hint:[/] {escape(result.fix)}"
            print_hanging(console, hint_line, first=7, indent=13, has_commands=True)
    failed = sum(diagnosis.result.status is CheckStatus.FAIL for diagnosis in diagnoses)
    if failed:
        hint(f"{failed} to mend; `opsctl explain {_first_failed(diagnoses)}` says more")


def show_explanation(name: str, text: str) -> None:
    """Print one explanation."""
    from rich.markup import escape

    print_line(f"{name}\n")
    for number, block in enumerate(_BLANK_LINE.split(text.strip())):
        if number:
            print_line("")
        if not has_width(out()) or _LAID_OUT.search(block):
            print_line(block)
        else:
            print_hanging(out(), escape(" ".join(block.split())), indent=0)


def show_explanations(texts: Mapping[str, str]) -> None:
    """List every code with the first line of its text."""
    for name, text in texts.items():
        first = text.strip().splitlines()[0]
        print_line(f"{name:<12} {first}")


def show_settings(settings: Sequence[Setting]) -> None:
    """Print each setting with its value and its origin."""
    from rich.markup import escape

    rows = [
        (setting.name, escape(_value_text(setting.value)), escape(from_here(setting.origin)))
        for setting in settings
    ]
    show_table(("setting", "value", "origin"), rows)


def _value_text(value: object) -> str:
    """Return a value as a book would hold it.

    >>> [_value_text(value) for value in (None, True, 30.0)]
    ['-', 'true', '30.0']
    """
    return "-" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _first_failed(diagnoses: Sequence[Diagnosis]) -> str:
    return next(item.code for item in diagnoses if item.result.status is CheckStatus.FAIL)
