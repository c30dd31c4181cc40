"""How does a rendered deployment look: what changed, how many files each part has, and who looked at them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from opsctl.ui.console import hint, out, print_line
from opsctl.ui.show_rendered import Changed, show_rendered
from opsctl.ui.table import show_table

_SIGNS = {"good": "[green]✔[/]", "refused": "[red]✘[/]", "could not tell": "[yellow]?[/]"}


class Looked(Protocol):
    """What a checker said (`deploy.checking.Looked`)."""

    @property
    def part(self) -> str: ...  # noqa: D102

    @property
    def checker(self) -> str: ...  # noqa: D102

    @property
    def subject(self) -> str: ...  # noqa: D102

    @property
    def answer(self) -> str: ...  # noqa: D102

    @property
    def said(self) -> tuple[str, ...]: ...  # noqa: D102


def show_render(
    changes: Sequence[Changed],
    files: Mapping[str, int],
    looked: Sequence[Looked],
    *,
    folder: Path,
    is_written: bool,
) -> None:
    """Print what differed, then the table of parts and checkers."""
    from opsctl.ui.places import from_here

    show_rendered(changes, files=sum(files.values()), folder=folder, is_written=is_written)
    print_line("")
    show_checks(files, looked)
    if is_written and changes:
        hint(
            f"commit `{from_here(str(folder))}` with the book; docs/guides tells the first deploy of each part"
        )


def show_checks(files: Mapping[str, int], looked: Sequence[Looked]) -> None:
    """Print a row for each part and checker, then everything that was refused or not known."""
    from rich.markup import escape

    rows = []
    for part, count in files.items():
        of_part = [each for each in looked if each.part == part]
        for place, checker in enumerate(dict.fromkeys(each.checker for each in of_part)):
            answers = [each.answer for each in of_part if each.checker == checker]
            first = (f"{part}", str(count)) if place == 0 else ("", "")
            rows.append((*first, checker, *_counted(answers)))
    show_table(("part", "files", "checked by", "", "result"), rows)
    for each in looked:
        if each.answer == "refused":
            print_line("")
            out().print(
                f"[red]✘[/] {escape(each.subject)}: refused by {escape(each.checker)}",
                highlight=False,
                soft_wrap=True,
            )
            for line in each.said:
                out().print(f"    {escape(line)}", highlight=False, soft_wrap=True)
    for why in dict.fromkeys(each.said[0] for each in looked if each.answer == "could not tell"):
        print_line(f"? could not tell: {why}")


def _counted(answers: Sequence[str]) -> tuple[str, str]:
    worst = next((each for each in ("refused", "could not tell") if each in answers), "good")
    count = sum(each == worst for each in answers)
    total = len(answers)
    return _SIGNS[worst], f"{count} of {total} {worst}" if worst != "good" else f"{total} good"
