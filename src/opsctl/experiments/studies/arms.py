"""What does each arm of a book do in the simulator: its policy, its space of items, the agents it pays for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, ValidationError

from opsctl.config.model import StrictModel
from opsctl.config.quantities import Share
from opsctl.core.errors import UsageError
from opsctl.experiments.book import Experiment
from opsctl.experiments.learners.model import Items, Policy
from opsctl.experiments.learners.policies import make_policy
from opsctl.experiments.simulator.market import Market
from opsctl.experiments.simulator.noise import population_generator
from opsctl.experiments.simulator.ranking_policy import FOUR_AGENTS, RankingPolicy
from opsctl.experiments.simulator.run import Plan, run_days
from opsctl.experiments.simulator.treatment import Treatment, WarmUp
from opsctl.experiments.studies.spaces import Space, Spaces, Stand
from opsctl.ranking.defaults import DIVERSITY, EXPLORATION_SHARE, PROPENSITY_FLOOR

AgentName = Literal["discovery", "quality", "archivist", "serendipity", "engagement_forecaster", "custom"]


class ArmSettings(StrictModel):
    """Settings of an arm that mean something in the simulator; those of the service's `ranking` mean the same as there."""

    learner: Literal["ranking", "random", "greedy", "epsilon_greedy", "beta_ts", "linear_ts", "epinet_ts"] = (
        "ranking"
    )
    """Who chooses: the service's ranking, or a policy of its own."""
    embedding: Space = Space.WORDS
    """In which space items are seen."""
    forgetting: Share = 1.0
    """Of `beta_ts` and `linear_ts`: how much of what was learned still counts after a batch, where tastes drift; 1 forgets nothing."""
    agents: Annotated[tuple[AgentName, ...], Field(min_length=1)] = FOUR_AGENTS  # type: ignore[assignment]
    custom_weights: dict[str, float] | None = None
    exploration_share: Share = EXPLORATION_SHARE
    diversity: Share = DIVERSITY
    propensity_floor: Annotated[float, Field(ge=0, le=0.2)] = PROPENSITY_FLOOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The arms of a book in one market, and what they need to be made anew for each run.

    Args:
        settings: by arm.
        warm_up: settings of what all get before the start.
        spaces: all spaces that the arms see items in; made once, because they learn no more.
    """

    experiment: Experiment
    market: Market
    settings: Mapping[str, ArmSettings]
    warm_up: ArmSettings
    spaces: Spaces

    @property
    def stands(self) -> tuple[Stand, ...]:
        """Return what stands in for what is not installed."""
        return self.spaces.stands

    @property
    def teaches(self) -> bool:
        """Tell whether all arms learn from the warm-up."""
        simulation = self.experiment.simulation
        return simulation is not None and simulation.teaches

    def treatments(self) -> dict[str, Treatment]:
        """Return arms whose learners have learned nothing."""
        return {name: self.treatment(name, each) for name, each in self.settings.items()}

    def plan(self, *, with_oracle: bool = True) -> Plan:
        """Return how long a run lasts, and what comes before."""
        simulation = self.experiment.simulation
        assert simulation is not None  # noqa: S101 - `prepare` refuses others
        return Plan(
            days=simulation.days,
            warm_up=WarmUp(
                days=simulation.warm_up_days,
                treatment=self.treatment("warm_up", self.warm_up),
                teaches=simulation.teaches,
            ),
            with_oracle=with_oracle,
        )

    def treatment(self, name: str, settings: ArmSettings) -> Treatment:
        """Return an arm whose learner has learned nothing."""
        items = self.spaces.items(settings.embedding)
        policy = self._policy(name, settings, items=items)
        calls = len(settings.agents) if settings.learner == "ranking" else 0
        return Treatment(policy=policy, items=items, agent_calls=calls)

    def _policy(self, name: str, settings: ArmSettings, *, items: Items) -> Policy:
        if settings.learner == "ranking":
            return RankingPolicy(
                self.market.observables,
                agents=settings.agents,
                custom_weights=settings.custom_weights,
                exploration_share=settings.exploration_share,
                diversity=settings.diversity,
                propensity_floor=settings.propensity_floor,
                name=name,
            )
        # the same first weights for all that have a network: arms differ in how they explore, and in nothing else
        return make_policy(
            settings.learner,
            items=items,
            generator=population_generator(self.market.seed, "first weights"),
            forgetting=settings.forgetting,
        )


def check_arms(experiment: Experiment) -> dict[str, ArmSettings]:
    """Return what each arm does, in the order of the book.

    Raises:
        UsageError: EXP125 the settings of an arm mean nothing here.
    """
    beneath = experiment.simulation.service if experiment.simulation else {}
    return {name: _settings(name, beneath | arm.settings) for name, arm in experiment.arms.items()}


def prepare(experiment: Experiment, market: Market) -> Prepared:
    """Return the arms of a book in this market, with everything trained that learns from the warm-up alone.

    Raises:
        UsageError: EXP125 the settings of an arm mean nothing here, EXP126 there is nothing to train with, EXP127 the book
            says nothing of a simulation.
    """
    if experiment.simulation is None:
        raise UsageError(
            "the book says nothing of a simulation",
            code="EXP127",
            fix="add `simulation: {users: 1000, days: 14}`",
        )
    settings = check_arms(experiment)
    simulation = experiment.simulation
    warm_up = settings[experiment.control]
    if simulation.warm_up is not None:
        warm_up = _settings("warm_up", simulation.service | simulation.warm_up)
    spaces = Spaces(market, generator=population_generator(market.seed, "trained space"))
    prepared = Prepared(
        experiment=experiment, market=market, settings=settings, warm_up=warm_up, spaces=spaces
    )
    if any(each.embedding is Space.TWO_TOWER for each in settings.values()):
        _train(prepared)
    return prepared


def _train(prepared: Prepared) -> None:
    """Let the warm-up pass once, by itself, and learn from what readers chose: no arm's readers teach anything.

    The days pass the same way again in each run, because chance in them is the same.
    """
    simulation = prepared.experiment.simulation
    assert simulation is not None  # noqa: S101
    treatment = prepared.treatment("warm_up", prepared.warm_up)
    plan = Plan(days=0, warm_up=WarmUp(days=simulation.warm_up_days, treatment=treatment), with_oracle=False)
    nobody = np.full(prepared.market.world.users, -1)
    idle = {"idle": Treatment(policy=_idle(treatment), items=treatment.items)}
    prepared.spaces.learn_from(run_days(prepared.market, idle, nobody, plan=plan))


def _idle(treatment: Treatment) -> Policy:
    """Return a policy for an arm that nobody is in."""
    return make_policy("random", items=treatment.items, generator=np.random.Generator(np.random.PCG64(0)))


def _settings(name: str, wanted: Mapping[str, Any]) -> ArmSettings:
    try:
        return ArmSettings.model_validate(dict(wanted))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        known = ", ".join(sorted(ArmSettings.model_fields))
        raise UsageError(
            f"arm `{name}`: `{where}`: {first['msg']}",
            code="EXP125",
            why="the simulator does not know what to do with it",
            fix=f"settings of a simulated arm: {known}",
        ) from error
