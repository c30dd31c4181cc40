"""Would a drill notice: protections taken away on purpose, each with the drill that must go red because of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opsctl.chaos.book import Control
from opsctl.chaos.load_drills import NamedDrill
from opsctl.chaos.verdict import Aspect, DrillVerdict, Outcome
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
        felt_as: what the drill must find wrong, at least one of these; red for another reason, it has not noticed.
    """

    name: str
    drill: str
    felt_as: tuple[Aspect, ...]
    service: Mapping[str, Any] | None = None
    cache: Mapping[str, Any] | None = None
    muted: tuple[str, ...] = ()


# Without it readers fail, or wait for what does not come.
_READERS = (Aspect.AVAILABILITY, Aspect.LATENCY)

MUTANTS: Final = (
    Mutant(
        name="no tiers",
        drill="vectors_down",
        service={"resilience": {"ladder": False}},
        felt_as=(Aspect.AVAILABILITY, Aspect.EMPTY_FEEDS, Aspect.TIER),
    ),
    Mutant(
        name="no breakers",
        drill="vectors_slow",
        service={"resilience": {"breakers": False}},
        # Each reader waits for the time limit then, and nobody hears of a breaker.
        felt_as=(Aspect.ALERT, Aspect.LATENCY),
    ),
    Mutant(
        name="no sentinel",
        drill="vectors_wrong",
        service={"resilience": {"sentinel_every": "0s"}},
        felt_as=(Aspect.ALERT, Aspect.TIER),
    ),
    Mutant(name="no alert", drill="vectors_silent", muted=("vectors_unreachable",), felt_as=(Aspect.ALERT,)),
    Mutant(
        name="database may take ten seconds",
        drill="database_silent",
        service={"resilience": {"breakers": False, "ladder": False, "database": {"timeout": "10s"}}},
        felt_as=(*_READERS, Aspect.TIER),
    ),
    Mutant(
        name="keys are not trusted",
        drill="database_down",
        service={"keys": {"trusted": "0s"}},
        felt_as=_READERS,
    ),
    Mutant(
        name="the model may take ten seconds",
        drill="model_silent",
        service={"resilience": {"breakers": False}, "model": {"timeout": "10s"}},
        felt_as=(*_READERS, Aspect.TIER, Aspect.ALERT),
    ),
    Mutant(
        name="the shared cache may take ten seconds",
        drill="l2_slow",
        service={"resilience": {"breakers": False}},
        cache={"l2": {"timeout": "10s"}},
        felt_as=(*_READERS, Aspect.TIER),
    ),
    Mutant(
        name="retries without a budget",
        drill="vectors_broken_answers",
        service={"resilience": {"retry_budget": False, "breakers": False}},
        felt_as=(Aspect.ATTEMPTS,),
    ),
    Mutant(name="one worker only", drill="worker_killed", service={"workers": 1}, felt_as=_READERS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bite:
    """What a drill said of a mutant.

    Args:
        outcome: inconclusive where the drill does not hold as it is either.
        is_felt: it found wrong what must be wrong without this protection.
    """

    mutant: str
    drill: str
    outcome: Outcome
    reasons: tuple[str, ...] = ()
    is_felt: bool = False
    is_interrupted: bool = False

    @property
    def is_noticed(self) -> bool:
        """Tell whether the drill went red for the right reason; one that cannot tell has noticed nothing."""
        return self.is_felt and self.outcome in (Outcome.DEVIATED, Outcome.RESIDUE)


def bite(mutant: Mutant, verdict: DrillVerdict | None, *, plain: DrillVerdict) -> Bite:
    """Return what a drill says of a mutant; `plain` is its verdict with nothing missing, which must be that it holds."""
    if verdict is None or plain.outcome is not Outcome.HELD:
        return Bite(
            mutant=mutant.name,
            drill=mutant.drill,
            outcome=Outcome.INCONCLUSIVE,
            reasons=tuple(f"with nothing missing: {reason.text}" for reason in plain.reasons),
            is_interrupted=plain.is_interrupted,
        )
    return Bite(
        mutant=mutant.name,
        drill=mutant.drill,
        outcome=verdict.outcome,
        reasons=tuple(reason.text for reason in verdict.reasons),
        is_felt=any(reason.aspect in mutant.felt_as for reason in verdict.reasons),
        is_interrupted=verdict.is_interrupted,
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
