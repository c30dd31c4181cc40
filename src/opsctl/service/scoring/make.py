"""Which scorer does the book ask for: the heuristic, or an endpoint behind a queue that makes batches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from opsctl.core.errors import UsageError
from opsctl.service.book import Model
from opsctl.service.resilience.breaker import CircuitBreaker
from opsctl.service.resilience.retry_budget import RetryBudget
from opsctl.service.scoring.batcher import Batcher, BatchOptions
from opsctl.service.scoring.endpoint import ModelEndpoint
from opsctl.service.scoring.guarded_model import GuardedModel
from opsctl.service.scoring.heuristic import HeuristicScorer
from opsctl.service.scoring.ports import ItemScorer, ScoredItem
from opsctl.service.scoring.prompt import PROMPT_VERSION
from opsctl.service.telemetry.meters import Meters


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelGuards:
    """What stands before the calls of an endpoint; see `GuardedModel`."""

    calls: CircuitBreaker
    quality: CircuitBreaker
    pause: Callable[[float], None]
    budget: RetryBudget | None


def make_scorer(
    model: Model, *, api_key: str | None, meters: Meters, guards: ModelGuards | None = None
) -> ItemScorer:
    """Return the scorer of the book's `model`; without guards an endpoint is always asked.

    Raises:
        UsageError: MDL001 an endpoint without an address, MDL002 a key that no HTTP header can hold.
    """
    if model.provider == "heuristic":
        return HeuristicScorer()
    if model.url is None:
        raise UsageError(
            f"provider `{model.provider}` has no address",
            code="MDL001",
            fix="set `model.url` in the service book",
        )
    if api_key is not None and not (api_key.isascii() and api_key.isprintable()):
        raise UsageError(
            "the key of the scoring model holds a character that no HTTP header can",
            code="MDL002",
            fix="set OPSCTL_MODEL_API_KEY to the key alone, without a line break",
        )
    endpoint = ModelEndpoint(
        model, api_key=api_key, meters=meters, budget=None if guards is None else guards.budget
    )
    return _BatchedScorer(model, endpoint=endpoint, guards=guards, meters=meters)


class _BatchedScorer:
    """An endpoint behind a queue."""

    def __init__(
        self, model: Model, *, endpoint: ModelEndpoint, guards: ModelGuards | None, meters: Meters
    ) -> None:
        self._id = f"{model.provider}:{model.name}:{PROMPT_VERSION}"
        self._endpoint = endpoint
        ask = endpoint.ask
        if guards is not None:
            ask = GuardedModel(endpoint, calls=guards.calls, quality=guards.quality, pause=guards.pause).ask
        self._batcher = Batcher(ask, options=BatchOptions.of(model), meters=meters)

    @property
    def scorer_id(self) -> str:
        """Return provider, model and version of the prompt."""
        return self._id

    @property
    def is_simulated(self) -> bool:
        """Tell whether the book or the endpoint itself says that it is a stand-in."""
        return self._endpoint.is_simulated

    async def score(self, items: Sequence[ScoredItem]) -> Mapping[int, float]:
        """Return what the model says of the items, those without an answer left out."""
        return await self._batcher.score(items)

    async def close(self) -> None:
        """Send what is collected, wait for what is under way, let go of connections."""
        await self._batcher.close()
        await self._endpoint.close()
