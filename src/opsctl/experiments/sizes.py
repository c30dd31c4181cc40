"""Are there enough units for what an experiment wants to find?"""

from collections.abc import Iterator

from opsctl.experiments.book import Experiment
from opsctl.experiments.check_experiments import Problem


def size_problems(experiment: Experiment) -> Iterator[Problem]:
    """Yield what of an experiment would probably be missed."""
    yield from ()
