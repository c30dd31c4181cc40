"""Which experiments is a reader in, and what is different in the feeds of that reader?"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from opsctl.experiments.assignment import Assigner
from opsctl.experiments.book import Experiment
from opsctl.experiments.registry import Started
from opsctl.service.book import Ranking
from opsctl.store.learning import SHARED

SETTINGS = frozenset(
    {
        "agents",
        "arms",
        "candidates",
        "custom_weights",
        "diversity",
        "exploration_share",
        "propensity_floor",
    }
)
"""Keys of `ranking` that an arm may set: what is decided for each feed. The others belong to the whole service."""
LEARNED = frozenset({"agents", "arms"})
"""Those whose states are learned: arms that differ in them cannot share a learner."""

_ACTS, _OF = "+", "/"
_MOST_TREATMENTS = 4096

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What holds for a reader.

    Args:
        settings: how the feed is ranked.
        learner: whose states choose, and which states the decision teaches.
        arms: the reader's arm by experiment.
    """

    settings: Ranking
    learner: str = SHARED
    arms: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    name: str
    experiment: Experiment
    assign: Callable[[str], str | None]


class Treatments:
    """The experiments that run, as one worker knows them; without any, everybody gets the book's settings."""

    def __init__(self, settings: Ranking) -> None:
        self._settings = settings
        self._running: tuple[_Running, ...] = ()
        self._known: tuple[tuple[str, str, float], ...] = ()
        self._made: dict[tuple[tuple[str, str], ...], Treatment] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Return the experiments that readers are assigned to."""
        return tuple(each.name for each in self._running)

    def take(self, running: Sequence[Started]) -> None:
        """Assign readers to these from now on; one whose settings do not fit is left out, with a line in the log."""
        known = tuple((each.name, each.digest, each.experiment.ramp) for each in running)
        if known == self._known:
            return
        self._running = tuple(
            _Running(
                name=each.name,
                experiment=each.experiment,
                assign=Assigner(each.experiment, name=each.name).assign,
            )
            for each in sorted(running, key=lambda one: one.name)
            if self._fits(each)
        )
        self._made = {}
        self._known = known

    def of(self, user_id: int) -> Treatment:
        """Return what holds for a reader; the same for the same reader until an experiment starts, ends or is ramped up."""
        unit = str(user_id)
        arms = tuple((each.name, arm) for each in self._running if (arm := each.assign(unit)) is not None)
        made = self._made.get(arms)
        if made is None:
            if len(self._made) >= _MOST_TREATMENTS:
                self._made.clear()
            made = self._made[arms] = self._make(arms)
        return made

    def of_learner(self, learner: str) -> Ranking | None:
        """Return the settings under which a learner's decisions were made; None where its experiment runs no more."""
        if learner == SHARED:
            return self._settings
        by_name = {each.name: each.experiment for each in self._running}
        settings = self._settings
        for part in learner.split(_ACTS):
            name, _, arm = part.partition(_OF)
            if name not in by_name or arm not in by_name[name].arms:
                return None
            settings = _with(settings, by_name[name].arms[arm].settings)
        return settings

    def _make(self, arms: tuple[tuple[str, str], ...]) -> Treatment:
        by_name = {each.name: each.experiment for each in self._running}
        settings = self._settings
        for name, arm in arms:
            settings = _with(settings, by_name[name].arms[arm].settings)
        isolated = [f"{name}{_OF}{arm}" for name, arm in arms if by_name[name].isolated_learners]
        return Treatment(settings=settings, learner=_ACTS.join(isolated) or SHARED, arms=dict(arms))

    def _fits(self, each: Started) -> bool:
        """Tell whether the service can do what each arm wants: an arm that fails would lose its readers."""
        try:
            for arm in each.experiment.arms.values():
                check_settings(self._settings, arm.settings, is_isolated=each.experiment.isolated_learners)
        except ValueError as error:
            _log.warning("experiment `%s` is left out: %s", each.name, error)
            return False
        return True


def check_settings(settings: Ranking, wanted: Mapping[str, object], *, is_isolated: bool) -> None:
    """Refuse what no arm may set.

    Args:
        settings: of the book.
        wanted: those of the arm.
        is_isolated: whether each arm has learners of its own.

    Raises:
        ValueError: a key is unknown or belongs to the whole service, a value does not fit, or arms that would share a
            learner differ in what is learned.
    """
    unknown = sorted(set(wanted) - SETTINGS)
    if unknown:
        raise ValueError(f"an arm cannot set `{unknown[0]}`; it can set {', '.join(sorted(SETTINGS))}")
    learned = sorted(LEARNED & set(wanted))
    if learned and not is_isolated:
        raise ValueError(f"an arm that sets `{learned[0]}` needs `isolated_learners: true`")
    try:
        _with(settings, wanted)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{where}: {first['msg']}" if where else first["msg"]) from error


def _with(settings: Ranking, wanted: Mapping[str, object]) -> Ranking:
    return Ranking.model_validate(settings.model_dump() | dict(wanted)) if wanted else settings
