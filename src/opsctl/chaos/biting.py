"""Do drills notice what is missing: each drill as it is, which must hold, then with a protection taken away."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from opsctl.chaos.load_drills import NamedDrill
from opsctl.chaos.mutants import Bite, Mutant, bite, plain_drill
from opsctl.chaos.verdict import DrillVerdict, Outcome

Hold = Callable[[NamedDrill, Mutant | None], DrillVerdict]
"""Holds a drill with a mutant, or as it is."""


def bites(mutants: Iterable[Mutant], drills: Sequence[NamedDrill], *, hold: Hold) -> Iterator[Bite]:
    """Yield what each drill says of its mutant, until one is interrupted; each drill is held once as it is before."""
    plain: dict[str, DrillVerdict] = {}
    for mutant in mutants:
        named = plain_drill(mutant, drills)
        if named.name not in plain:
            plain[named.name] = hold(named, None)
        before = plain[named.name]
        # A drill that is red anyway would notice everything.
        mutated = hold(named, mutant) if before.outcome is Outcome.HELD else None
        found = bite(mutant, mutated, plain=before)
        yield found
        if found.is_interrupted:
            return
