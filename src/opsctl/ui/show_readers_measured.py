"""How do figures of readers look: each with what it is of, how it is defined, and what stands beside it."""

from collections.abc import Mapping, Sequence

from opsctl.experiments.readers.measures import DEFINITIONS, FEWEST, Measure, Subject
from opsctl.ui.console import print_line
from opsctl.ui.table import show_table

_OF = {Subject.NPS: "answers", Subject.RETENTION: "readers", Subject.RELEVANCE: "feeds"}
_WRITTEN: Mapping[Subject, str] = {
    Subject.NPS: "{:+.1f}",
    Subject.RETENTION: "{:.1%}",
    Subject.RELEVANCE: "{:.3f}",
}


def show_measures(measures: Sequence[Measure]) -> None:
    """Print a row each, and below how each is defined."""
    rows = [
        (
            str(each.subject),
            "-" if each.value is None else _WRITTEN[each.subject].format(each.value),
            f"{each.number:,} {_OF[each.subject]}",
            ("[yellow]simulated[/]" if each.simulated else "real") + ("" if each.is_told else ", too few"),
        )
        for each in measures
    ]
    show_table(("measure", "value", "of", "readers are"), rows)
    for each in measures:
        print_line(f"{each.subject}: {DEFINITIONS[each.subject]}")
        beside = ", ".join(f"{name.replace('_', ' ')} {_text(value)}" for name, value in each.figures.items())
        if beside:
            print_line(f"  beside it: {beside}")
        if each.simulated and each.subject is not Subject.RELEVANCE:
            print_line(f"  {each.real_number} real {_OF[each.subject]}; {FEWEST} would be enough")


def _text(value: object) -> str:
    if isinstance(value, list):
        return " and ".join(_text(each) for each in value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)
