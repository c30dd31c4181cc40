"""What does a feed that was built tell: metrics, facts for the request's line, and the decision that learning needs."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from opsctl.metrics import service as metrics
from opsctl.ranking.agents import Agent
from opsctl.ranking.model import Candidates, Floats, Reader, Slate
from opsctl.service.model import Feed
from opsctl.service.telemetry.facts import AgentFacts, FeedFacts, note_feed
from opsctl.service.telemetry.meters import Meters
from opsctl.store.decisions import Decision


class TimedAgent:
    """An agent that notes how long it took."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self.seconds = 0.0

    @property
    def name(self) -> str:
        """The agent's name."""
        return self._agent.name

    def score(self, candidates: Candidates, reader: Reader) -> Floats:
        """Return the agent's scores."""
        began = time.perf_counter()
        scores = self._agent.score(candidates, reader)
        self.seconds = time.perf_counter() - began
        return scores


def tell_feed(
    feed: Feed, *, slate: Slate, agents: Sequence[TimedAgent], is_simulated: bool, meters: Meters
) -> None:
    """Count a feed, and note it for the request's line."""
    size = len(feed.items)
    meters.count(metrics.FEEDS, feed.tier, feed.segment)
    meters.count(metrics.SHOWN, by=size)
    # An empty one is counted where it is known whether that is a failure: by the API.
    if size:
        meters.observe(metrics.FEED_QUALITY, value=sum(item.quality for item in feed.items) / size)
    if slate.arm is not None:
        meters.count(metrics.THOMPSON_PLAYS, slate.arm)
        meters.count(metrics.EXPLORED, slate.arm, by=len(slate.explored))
    for agent in agents:
        meters.observe(metrics.AGENT_SECONDS, agent.name, value=agent.seconds)
        meters.observe_each(metrics.AGENT_SCORE, agent.name, values=slate.agent_scores[agent.name])
    note_feed(
        FeedFacts(
            feed_id=feed.feed_id,
            size=size,
            tier=feed.tier,
            segment=feed.segment,
            exploration_share=len(slate.explored) / size if size else 0.0,
            arm=slate.arm,
            agents=_agent_facts(agents, slate=slate),
            is_simulated=is_simulated,
        )
    )


def tell_lower_tier(feed: Feed, *, meters: Meters) -> None:
    """Count a feed that no agent ranked, and note it for the request's line."""
    size = len(feed.items)
    meters.count(metrics.FEEDS, feed.tier, feed.segment)
    meters.count(metrics.FEEDS_DEGRADED, feed.tier, feed.reason or "")
    meters.count(metrics.SHOWN, by=size)
    if size:
        meters.observe(metrics.FEED_QUALITY, value=sum(item.quality for item in feed.items) / size)
    note_feed(
        FeedFacts(feed_id=feed.feed_id, size=size, tier=feed.tier, segment=feed.segment, reason=feed.reason)
    )


def decision_of(feed: Feed, *, slate: Slate, context: Floats, decided_at: datetime, learner: str) -> Decision:
    """Return what is logged of a feed; those of one segment are compared with each other."""
    return Decision(
        feed_id=feed.feed_id,
        user_id=feed.user_id,
        decided_at=decided_at,
        content_ids=slate.ids,
        explored=slate.explored,
        bucket=feed.segment,
        arm=slate.arm,
        propensity=slate.propensity,
        arms_version=slate.arms_version,
        policy_version=slate.policy_version,
        logits=slate.logits,
        context=tuple(context.tolist()),
        learner=learner,
    )


def _agent_facts(agents: Sequence[TimedAgent], *, slate: Slate) -> Mapping[str, AgentFacts]:
    size = max(1, len(slate.ids))
    return {
        agent.name: AgentFacts(
            mean_score=sum(slate.agent_scores[agent.name]) / size, duration_seconds=agent.seconds
        )
        for agent in agents
    }
