"""Can the service hold the arms of an experiment, and which events can it tell?"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.experiments.book import Experiment
    from opsctl.experiments.problems import ChecksArms, Complaint, Problem
    from opsctl.service.book import Ranking


def event_problems(experiment: "Experiment") -> "Iterator[Problem]":
    """Yield the metrics of a book of which the service writes no event."""
    from opsctl.experiments.check_events import unwritten_events
    from opsctl.experiments.simulator.events import EventName

    return unwritten_events(
        experiment, written=service_events(), simulated=[each.value for each in EventName]
    )


def service_events() -> tuple[str, ...]:
    """Return the events that the service writes by itself: kinds of interactions."""
    from typing import get_args

    from opsctl.service.cache.policy import InteractionKind

    return get_args(InteractionKind)


def service_complaints(ranking: "Ranking", *, strictly: bool = False) -> "ChecksArms":
    """Return what says which settings of arms the service cannot hold.

    An experiment that is simulated may have settings that only the simulator knows, which looks at them itself; before a
    start nothing is let pass.
    """
    from opsctl.service.feed.treatments import SETTINGS

    def complaints(experiment: "Experiment", arm: str) -> "Iterator[Complaint]":
        unknown = [key for key in experiment.arms[arm].settings if key not in SETTINGS]
        if strictly or experiment.simulation is None:
            yield from map(_unknown_setting, unknown)
        if not unknown or not strictly:
            yield from _misfits(experiment, arm, ranking)

    return complaints


def _unknown_setting(key: str) -> "Complaint":
    import difflib

    from opsctl.experiments.problems import Complaint
    from opsctl.service.feed.treatments import SETTINGS

    close = difflib.get_close_matches(key, SETTINGS, n=1)
    return Complaint(
        key=key,
        message=f"the service cannot be told `{key}` for a reader",
        fix=f"did you mean `{close[0]}`?" if close else f"an arm may set: {', '.join(sorted(SETTINGS))}",
    )


def _misfits(experiment: "Experiment", arm: str, ranking: "Ranking") -> "Iterator[Complaint]":
    from opsctl.experiments.problems import Complaint
    from opsctl.service.feed.treatments import SETTINGS, check_settings

    wanted = {key: value for key, value in experiment.arms[arm].settings.items() if key in SETTINGS}
    try:
        check_settings(ranking, wanted, is_isolated=experiment.isolated_learners)
    except ValueError as error:
        message = str(error)
        key = next((each for each in wanted if f"`{each}`" in message or message.startswith(each)), None)
        yield Complaint(key=key, message=message)
