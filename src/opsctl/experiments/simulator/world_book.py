"""What is the simulated marketplace like: every number of it, its usual value, and what it stands for."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any, Self

import orjson
from pydantic import Field, model_validator

from opsctl.config.load import parse_book
from opsctl.config.model import StrictModel
from opsctl.config.quantities import Share
from opsctl.core.errors import UsageError
from opsctl.evidence.model import digest_of

Positive = Annotated[float, Field(gt=0, le=1e6)]
NotNegative = Annotated[float, Field(ge=0, le=1e6)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class Choice(StrEnum):
    """How a reader chooses from a slate."""

    LOGIT = "logit"
    """One item or none: they compete with each other and with leaving (multinomial logit, as in RecSim)."""
    CASCADE = "cascade"
    """From the top, one after the other, until something is clicked or patience ends."""
    INDEPENDENT = "independent"
    """Each item by itself, as far as it is looked at; several clicks are possible."""


class Reward(StrEnum):
    """What policies learn from."""

    CLICK = "click"
    INQUIRY = "inquiry"
    """An accepted inquiry that arrives within `feedback_days`; what arrives later is lost to the learner."""


class World(StrictModel):
    """The marketplace; `world` of an experiment's `simulation` changes single numbers of it.

    Relevance of a vendor to a reader is `r = sigmoid(base + taste theta.a + quality q - price |log price - log budget| -
    distance d)`; it decides on clicks, satisfaction and inquiries. All weights are ours, set so that a random slate is
    clicked in about one session of five and the best one in more than half of them.
    """

    users: Count = 1000
    """Readers."""
    vendors: Annotated[int, Field(ge=2, le=5000)] = 300
    """Vendors, those that arrive later included."""
    dimensions: Annotated[int, Field(ge=2, le=256)] = 16
    """Of tastes and styles; nobody sees them."""
    styles: Annotated[int, Field(ge=2, le=100)] = 12
    """Clusters of vendors, and of readers."""
    cities: Annotated[int, Field(ge=1, le=100)] = 8
    """Places on a unit square."""
    style_spread: NotNegative = 0.15
    """Standard deviation of a vendor around its style, in each dimension; a style's centre has length 1."""
    taste_spread: NotNegative = 0.3
    """Standard deviation of a reader around the style that is liked, in each dimension."""
    hidden_styles: Annotated[int, Field(ge=0, le=10)] = 1
    """Further styles that a reader likes, which nothing in the reader's usual choices tells."""

    base: Annotated[float, Field(ge=-20, le=20)] = -1.6
    """Log-odds of relevance where nothing speaks for or against a vendor."""
    taste_weight: NotNegative = 2.4
    quality_weight: NotNegative = 0.6
    """Of a vendor's true quality, whose standard deviation is 1."""
    price_weight: NotNegative = 0.6
    """Of the distance between the logarithms of price and budget."""
    distance_weight: NotNegative = 1.0
    """Of the way between two cities."""
    hidden_weight: NotNegative = 1.8
    """What a hidden style adds to the log-odds: the value of serendipity."""
    clickbait_weight: NotNegative = 0.8
    """What a promising picture adds to the log-odds of a click, and to those of relevance not at all."""

    choice: Choice = Choice.LOGIT
    position_bias: NotNegative = 0.6
    """The item at place k (from 1) is looked at with k ^ -bias; not in `cascade`, where patience does that."""
    no_click: Annotated[float, Field(ge=-20, le=20)] = 2.0
    """Utility of leaving without a click: a single item is clicked with sigmoid(its utility - this) in all models."""
    patience: Share = 0.85
    """Of `cascade`: chance to look at the next item after one that was not clicked."""
    satiation: NotNegative = 0.8
    """What likeness to something seen takes from the log-odds of a click: the value of diversity."""
    remembered: Annotated[int, Field(ge=0, le=100)] = 10
    """How many opened items satiate."""
    satiation_within_slate: bool = True
    """Whether items further up in the same slate satiate, too; the best slate is then found greedily, not exactly."""

    drift: Share = 0.01
    """Share of the way to the clicked vendor that a taste goes with each click."""
    satisfaction_base: Annotated[float, Field(ge=-20, le=20)] = 1.0
    """Log-odds of satisfaction of somebody whom nothing has pleased or disappointed."""
    satisfaction_memory: Share = 0.9
    """What is left, at the next session, of what pleased and disappointed so far."""
    satisfaction_noise: NotNegative = 0.1
    clickbait_regret: NotNegative = 0.3
    """What a click on pure clickbait takes from satisfaction."""
    boredom: NotNegative = 0.03
    """What a session without a click takes from satisfaction."""
    disappointment: NotNegative = 0.5
    """What an inquiry that a vendor declines takes from satisfaction."""

    return_base: Share = 0.22
    """Mean chance, over readers, to come on a day whatever the satisfaction; it is Gamma distributed."""
    return_shape: Positive = 2.0
    """Shape of that Gamma distribution: the greater, the more alike are readers."""
    return_satisfaction: Share = 0.25
    """What full satisfaction adds to the chance to come."""
    more_sessions: NotNegative = 0.3
    """Mean number of sessions of a day after the first one."""
    most_sessions: Annotated[int, Field(ge=1, le=10)] = 3
    """Sessions of a day, at most."""

    candidates: Annotated[int, Field(ge=2, le=2000)] = 50
    """Vendors that are brought for each feed, by popularity and nearness, the same ones whichever policy acts."""
    slate: Annotated[int, Field(ge=1, le=100)] = 8
    """Vendors that are shown."""
    popularity: NotNegative = 0.6
    """Exponent of Zipf's law: how unequal vendors are in being brought."""
    locality: NotNegative = 2.0
    """How much rarer distant vendors are among what is brought: exp(-locality distance)."""
    arrivals: Share = 0.1
    """Share of the vendors that arrive after the start."""
    arrival_days: Count = 60
    """... within so many days."""

    save_rate: Share = 0.4
    """Chance to save what was clicked, times its relevance."""
    inquiry_rate: Share = 0.3
    """Chance of an inquiry after a click, times the relevance."""
    inquiry_delay_days: Positive = 1.0
    """Mean delay of an inquiry after its click; exponential."""
    reward: Reward = Reward.CLICK
    feedback_days: Annotated[int, Field(ge=1, le=30)] = 1
    """Days after which it is settled what came of a slate, and policies learn it; until then it is pending."""
    capacity: bool = False
    """Whether a vendor takes a limited number of inquiries a week; a full one is not brought to anybody any more."""
    capacity_per_user: Positive = 0.15
    """Inquiries a week that all vendors together take, for each reader."""

    reviews: NotNegative = 8.0
    """Mean number of reviews of a vendor; popular ones have more."""
    review_noise: NotNegative = 1.5
    """Standard deviation of one review around the true quality."""
    tag_noise: NotNegative = 0.25
    """How often tags and words mislead: standard deviation of the noise on the traits that they are made of."""

    nps_share: Share = 0.02
    """Chance to be asked how likely one is to recommend the service, on a day on which one comes."""
    nps_response: Share = 0.2
    """Chance that somebody without any satisfaction answers."""
    nps_response_satisfaction: Share = 0.4
    """What full satisfaction adds to that chance: those who answer are not like those who do not."""
    nps_noise: NotNegative = 1.5
    """Standard deviation of an answer from 0 to 10 around ten times the satisfaction."""

    feed_dollars: NotNegative = 0.000_02
    """Cost of a feed without any agent."""
    agent_call_dollars: NotNegative = 0.000_38
    """Cost of one agent's scores for one feed: 20 items at $0.00038, of which 95 % come from a cache."""
    latency_milliseconds: Positive = 12.0
    """Median of a feed's latency without any agent."""
    agent_milliseconds: NotNegative = 1.5
    """What each agent adds to it."""
    latency_spread: NotNegative = 0.3
    """Standard deviation of the logarithm of latency."""

    @property
    def digest(self) -> str:
        """Return the SHA-256 of all numbers of this world."""
        return digest_of(self.model_dump(mode="json"))

    @model_validator(mode="after")
    def _fits(self) -> Self:
        lasting = self.vendors - int(self.arrivals * self.vendors)
        if self.candidates > lasting:
            raise ValueError(f"{lasting} vendors from the start cannot give {self.candidates} `candidates`")
        if self.slate > self.candidates:
            raise ValueError(f"a `slate` of {self.slate} needs as many `candidates`, got {self.candidates}")
        if self.hidden_styles >= self.styles:
            raise ValueError("`hidden_styles` must leave a style that is not hidden")
        return self


def world_of(overrides: Mapping[str, Any], *, users: int | None = None) -> World:
    """Return the usual world with these numbers changed.

    Raises:
        UsageError: EXP120 with one finding for each number that is unknown or wrong.
    """
    numbers = dict(overrides) | ({} if users is None else {"users": users})
    try:
        return parse_book(orjson.dumps(numbers, default=str).decode(), World, file="world")
    except UsageError as error:
        raise UsageError(
            "the simulator's `world` is wrong",
            code="EXP120",
            findings=[replace(finding, location=None) for finding in error.findings],
            fix="mend `simulation: {world: ...}` of the experiment's book",
        ) from error
