"""How do the teeth of drills look: what was taken away, and whether the drill noticed."""

from collections.abc import Sequence

from opsctl.chaos.mutants import WANTED_SHARE, Bite, Mutant, score
from opsctl.ui.console import print_line
from opsctl.ui.table import show_table


def show_mutants(mutants: Sequence[Mutant]) -> None:
    """Print which drill must notice which missing protection."""
    show_table(("missing", "must be noticed by"), [(each.name, each.drill) for each in mutants])


def show_teeth(bites: Sequence[Bite]) -> None:
    """Print what each drill said, and the score."""
    rows = [
        (each.mutant, each.drill, "✔ noticed" if each.is_noticed else f"✘ {each.outcome}", _why(each))
        for each in bites
    ]
    show_table(("missing", "drill", "", "because"), rows)
    noticed = sum(each.is_noticed for each in bites)
    print_line(f"{noticed} of {len(bites)} noticed: {score(bites):.0%}, at least {WANTED_SHARE:.0%} wanted")


def _why(each: Bite) -> str:
    return each.reasons[0] if each.reasons else "-"
