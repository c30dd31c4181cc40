"""Can the simulator run a book: arms, warm-up and world, each problem at its place."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from opsctl.experiments.book import Experiment
from opsctl.experiments.problems import Problem
from opsctl.experiments.simulator.world_book import World
from opsctl.experiments.studies.arms import ArmSettings


def simulation_problems(experiment: Experiment) -> Iterator[Problem]:
    """Yield what the simulator would refuse; nothing of a book that is not simulated."""
    simulation = experiment.simulation
    if simulation is None:
        return
    for name, arm in experiment.arms.items():
        yield from _misfits(arm.settings, ArmSettings, path=("arms", name, "settings"))
    yield from _misfits(simulation.service, ArmSettings, path=("simulation", "service"))
    if simulation.warm_up is not None:
        yield from _misfits(simulation.warm_up, ArmSettings, path=("simulation", "warm_up"))
    yield from _misfits({"users": simulation.users, **simulation.world}, World, path=("simulation", "world"))


def _misfits(
    wanted: Mapping[str, Any], model: type[BaseModel], *, path: tuple[str, ...]
) -> Iterator[Problem]:
    try:
        model.model_validate(dict(wanted))
    except ValidationError as error:
        for detail in error.errors():
            place = (*path, *detail["loc"][:1])
            yield Problem(
                code="EXP037",
                path=place,
                title=f"`{'.'.join(str(part) for part in place)}`: {_told(detail['msg'])}",
                fix=_fix(str(place[-1]), model),
            )


def _told(message: str) -> str:
    """Return pydantic's sentence in the form of ours."""
    if message == "Extra inputs are not permitted":
        return "the simulator does not know it"
    message = message.removeprefix("Value error, ")
    return message[0].lower() + message[1:]


def _fix(key: str, model: type[BaseModel]) -> str:
    known = sorted(model.model_fields)
    close = difflib.get_close_matches(key, known, n=1)
    if key not in known and close:
        return f"did you mean `{close[0]}`?"
    return f"there are: {', '.join(known)}"
