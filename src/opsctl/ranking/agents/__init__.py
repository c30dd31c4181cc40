"""Who judges candidates, each from its own point of view: the agents' Protocol and their makers by name."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from opsctl.ranking.agents.archivist import Archivist
from opsctl.ranking.agents.custom import Custom
from opsctl.ranking.agents.discovery import Discovery
from opsctl.ranking.agents.engagement_forecaster import EngagementForecaster
from opsctl.ranking.agents.quality import Quality
from opsctl.ranking.agents.serendipity import Serendipity
from opsctl.ranking.model import Candidates, Floats, Reader


class Agent(Protocol):
    """A point of view on the candidates; it holds no state and draws nothing at random."""

    @property
    def name(self) -> str:
        """The name by which books, policies and logs know the agent."""
        ...

    def score(self, candidates: Candidates, reader: Reader) -> Floats:
        """Return a score of each candidate, shape (n,), finite and within [0, 1] whatever is unknown (NaN)."""
        ...


def make_agents(names: Sequence[str], custom_weights: Mapping[str, float] | None = None) -> tuple[Agent, ...]:
    """Return the agents of these names in this order.

    Args:
        names: names as in the service's book, such as `discovery`.
        custom_weights: for the agent `custom`, a weight by feature name.

    Raises:
        ValueError: a name is unknown or stands twice, or `custom` has no usable weights.
    """
    if len(set(names)) != len(names):
        raise ValueError(f"an agent stands twice in {list(names)}")
    return tuple(_make_agent(name, custom_weights or {}) for name in names)


def _make_agent(name: str, custom_weights: Mapping[str, float]) -> Agent:
    match name:
        case "discovery":
            return Discovery()
        case "quality":
            return Quality()
        case "archivist":
            return Archivist()
        case "serendipity":
            return Serendipity()
        case "engagement_forecaster":
            return EngagementForecaster()
        case "custom":
            return Custom(weights=custom_weights)
        case _:
            raise ValueError(f"no agent is called `{name}`")
