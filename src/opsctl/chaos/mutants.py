"""Would a drill notice: protections taken away on purpose, each with the drill that must go red because of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opsctl.chaos.book import Control
from opsctl.chaos.load_drills import NamedDrill
from opsctl.chaos.verdict import DrillVerdict, Outcome
from opsctl.core.errors import UsageError

WANTED_SHARE: Final = 0.9
"""At least this part of the mutants must be noticed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One protection that is missing.

    Args:
        name: what is missing.
        drill: the drill that must go red.
        service: what changes in the service's book.
        cache: what changes in the caches' book.
        muted: alerts whose way is closed.
    """

    name: str
    drill: str
    service: Mapping[str, Any] | None = None
    cache: Mapping[str, Any] | None = None
    muted: tuple[str, ...] = ()


MUTANTS: Final = (
    Mutant(name="no tiers", drill="vectors_down", service={"resilience": {"ladder": False}}),
    Mutant(name="no breakers", drill="vectors_slow", service={"resilience": {"breakers": False}}),
    Mutant(name="no sentinel", drill="vectors_wrong", service={"resilience": {"sentinel_every": "0s"}}),
    Mutant(name="no alert", drill="vectors_silent", muted=("vectors_unreachable",)),
    Mutant(
        name="database may take ten seconds",
        drill="database_silent",
        service={"resilience": {"breakers": False, "ladder": False, "database": {"timeout": "10s"}}},
    ),
    Mutant(name="keys are not trusted", drill="database_down", service={"keys": {"trusted": "0s"}}),
    Mutant(
        name="the model may take ten seconds",
        drill="model_silent",
        service={"resilience": {"breakers": False}, "model": {"timeout": "10s"}},
    ),
    Mutant(
        name="the shared cache may take ten seconds",
        drill="l2_slow",
        service={"resilience": {"breakers": False}},
        cache={"l2": {"timeout": "10s"}},
    ),
    Mutant(
        name="retries without a budget",
        drill="vectors_broken_answers",
        service={"resilience": {"retry_budget": False, "breakers": False}},
    ),
    Mutant(name="one worker only", drill="worker_killed", service={"workers": 1}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bite:
    """What a drill said of a mutant."""

    mutant: str
    drill: str
    outcome: Outcome
    reasons: tuple[str, ...] = ()

    @property
    def is_noticed(self) -> bool:
        """Tell whether the drill went red; one that cannot tell has noticed nothing."""
        return self.outcome in (Outcome.DEVIATED, Outcome.RESIDUE)


def bite(mutant: Mutant, verdict: DrillVerdict) -> Bite:
    """Return what a verdict means for a mutant."""
    return Bite(
        mutant=mutant.name,
        drill=mutant.drill,
        outcome=verdict.outcome,
        reasons=tuple(reason.text for reason in verdict.reasons),
    )


def score(bites: Sequence[Bite]) -> float:
    """Return the part of the mutants that was noticed; nothing for none."""
    return sum(each.is_noticed for each in bites) / len(bites) if bites else 0.0


def plain_drill(mutant: Mutant, drills: Sequence[NamedDrill]) -> NamedDrill:
    """Return the drill of a mutant.

    Raises:
        UsageError: CHA016 there is no such drill, or it is a control, whose verdict is turned around already.
    """
    for named in drills:
        if named.name == mutant.drill and named.drill.control is Control.NONE:
            return named
    raise UsageError(
        f"the drill `{mutant.drill}` of the mutant `{mutant.name}` is not there",
        code="CHA016",
        fix="`opsctl init` writes the starter books",
    )
