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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is known at one moment, replaced as a whole: a feed in the making goes on with what it began with."""

    running: tuple[_Running, ...] = ()
    made: dict[tuple[tuple[str, str], ...], Treatment] = field(default_factory=dict)

    @property
    def by_name(self) -> dict[str, Experiment]:
        return {each.name: each.experiment for each in self.running}


class Treatments:
    """The experiments that run, as one worker knows them; without any, everybody gets the book's settings."""

    def __init__(self, settings: Ranking) -> None:
        self._settings = settings
        self._now = _Known()
        self._taken: tuple[tuple[str, str, float], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the experiments that readers are assigned to."""
        return tuple(each.name for each in self._now.running)

    def take(self, running: Sequence[Started]) -> None:
        """Assign readers to these from now on; one whose settings do not fit is left out, with a line in the log."""
        taken = tuple((each.name, each.digest, each.experiment.ramp) for each in running)
        if taken == self._taken:
            return
        # in one step: it is taken in a thread, while the event loop builds feeds
        self._now = _Known(
            running=tuple(
                _Running(
                    name=each.name,
                    experiment=each.experiment,
                    assign=Assigner(each.experiment, name=each.name).assign,
                )
                for each in sorted(running, key=lambda one: one.name)
                if self._fits(each)
            )
        )
        self._taken = taken

    def of(self, user_id: int) -> Treatment:
        """Return what holds for a reader; the same for the same reader until an experiment starts, ends or is ramped up."""
        unit, now = str(user_id), self._now
        arms = tuple((each.name, arm) for each in now.running if (arm := each.assign(unit)) is not None)
        made = now.made.get(arms)
        if made is None:
            if len(now.made) >= _MOST_TREATMENTS:
                now.made.clear()
            made = now.made[arms] = self._make(arms, now.by_name)
        return made

    def of_learner(self, learner: str) -> Ranking | None:
        """Return the settings under which a learner's decisions were made; None where its experiment runs no more."""
        if learner == SHARED:
            return self._settings
        by_name, settings = self._now.by_name, self._settings
        for part in learner.split(_ACTS):
            name, _, arm = part.partition(_OF)
            if name not in by_name or arm not in by_name[name].arms:
                return None
            settings = _with(settings, by_name[name].arms[arm].settings)
        return settings

    def _make(self, arms: tuple[tuple[str, str], ...], by_name: Mapping[str, Experiment]) -> Treatment:
        settings, fitting = self._settings, dict[str, str]()
        for name, arm in arms:
            try:
                settings = _with(settings, by_name[name].arms[arm].settings)
            except ValidationError as error:
                # Each fits by itself, and not both: who is in both is not in the second, and still gets feeds.
                _log.warning(
                    "`%s` does not fit beside %s: %s", name, ", ".join(fitting), error.errors()[0]["msg"]
                )
            else:
                fitting[name] = arm
        isolated = [f"{name}{_OF}{arm}" for name, arm in fitting.items() if by_name[name].isolated_learners]
        return Treatment(settings=settings, learner=_ACTS.join(isolated) or SHARED, arms=fitting)

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
