"""What goes into the pages of experiments, and where are they written."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from opsctl.core.events import Listener
    from opsctl.ui.experiment_page import Reported


def reported(names: Sequence[str], *, listener: "Listener") -> "list[Reported]":
    """Return the experiments of these names, or all that were started, analysed; each page is a look at it.

    Raises:
        UsageError: EXP022 one was not started, or none was.
    """
    from opsctl.cli import experimenting, ledger_health
    from opsctl.cli.experiments_analyzing import look
    from opsctl.cli.study_folders import read
    from opsctl.experiments.peeks import PEEK_KIND, peeks_of
    from opsctl.ui.experiment_page import Reported

    starts = experimenting.all_starts()
    chosen = list(dict.fromkeys(names)) or sorted(starts)
    if not chosen:
        raise UsageError(
            "no experiment was simulated or started, so there is nothing to report",
            code="EXP022",
            fix="run `opsctl experiments simulate NAME`; `opsctl experiments plan` names those that there are",
        )
    studies, looks = read(chosen), ledger_health.sound_records(kind=PEEK_KIND)
    found = []
    for name in chosen:
        looked = look(name, listener=listener)
        analysis = looked.analysis
        found.append(
            Reported(
                analysis=analysis,
                units=looked.units,
                peeks=peeks_of(
                    looks, name=name, digest=analysis.subject.digest, is_simulated=bool(analysis.simulated)
                ),
                study=studies.get(name) if analysis.simulated else None,
            )
        )
    return found


def write_pages(folder: Path | None, found: "Sequence[Reported]") -> list[Path]:
    """Write a page for each, and the index."""
    from opsctl.cli import wiring
    from opsctl.clients.files import write_atomically
    from opsctl.ui.experiment_page import render_experiment_page, render_index

    place = folder or Path(wiring.settings().home) / "reports" / "experiments"
    written = []
    for each in found:
        path = place / f"{each.analysis.subject.name}.html"
        write_atomically(path, render_experiment_page(each))
        written.append(path)
    index = place / "index.html"
    write_atomically(index, render_index(found))
    return [*written, index]


def write_markdown(path: Path, found: "Sequence[Reported]") -> list[Path]:
    """Write the figures of one experiment between the marks of a page that people wrote.

    Raises:
        UsageError: EXP130 there are several experiments, or the page has no marks.
    """
    from opsctl.clients.files import read_text, write_atomically
    from opsctl.core.errors import UsageError
    from opsctl.core.marked_part import with_part
    from opsctl.ui.experiment_markdown import BEGIN, END, figures_markdown

    if len(found) != 1:
        raise UsageError(
            "a page of figures is of one experiment",
            code="EXP130",
            fix="name it: opsctl experiments report NAME --markdown FILE",
        )
    text = (
        read_text(path)
        if path.is_file()
        else f"# {found[0].analysis.subject.experiment.title}\n\n{BEGIN}\n{END}\n"
    )
    page = with_part(text, figures_markdown(found[0]), begin=BEGIN, end=END)
    if page is None:
        raise UsageError(
            f"`{path}` has no place for figures",
            code="EXP130",
            fix=f"put `{BEGIN}` and `{END}` where they belong",
        )
    write_atomically(path, page)
    return [path]
