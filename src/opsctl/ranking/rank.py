"""How do candidates become a slate: agents score, the policy weighs, MMR spreads, an arm explores."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from opsctl.ranking.agents import Agent, make_agents
from opsctl.ranking.arms import arm_priority
from opsctl.ranking.diversity import choose_diverse
from opsctl.ranking.features import among, on_exact_grid
from opsctl.ranking.model import (
    ArmsState,
    Candidates,
    Floats,
    PolicyState,
    RankingOptions,
    RankingState,
    Reader,
    Slate,
)
from opsctl.ranking.policy import sample_logits, softmax
from opsctl.ranking.thompson import Choice, choose_arm

Indices = NDArray[np.intp]


def rank(
    candidates: Candidates,
    reader: Reader,
    *,
    state: RankingState,
    options: RankingOptions,
    seed: int,
    agents: Sequence[Agent] | None = None,
) -> Slate:
    """Return the slate of a reader; the same arguments give the same slate bit for bit.

    Cosines are exact on any machine (`features.on_exact_grid`); the last bits of exp and log are those of the processor
    and NumPy at hand, so replays from elsewhere are compared with a tolerance (`replay.slate_differences`).

    Candidates are put in the order of their ids first, so their order never matters and the lower id wins a tie. What
    the reader hid is left out. What the reader met before may be shown again (many come back before they decide), but
    no arm explores it. Everything that is drawn comes from PCG64 of the seed, in this order: the agents' logits, the
    number of exploration positions and, where there are any, the arms' posteriors and the arm.

    Args:
        candidates: what may be shown, n items; n may be 0.
        reader: for whom.
        state: what was learned; it must know all agents of `options`.
        options: the book's choices.
        seed: not below 0; a new one for each feed, logged with it.
        agents: those of `options`, in whatever the caller measures them with; None makes them.

    Raises:
        ValueError: ids are not distinct, or state and options do not fit each other or the context.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    candidates = _showable(candidates, reader)
    reader = replace(reader, history=on_exact_grid(reader.history))
    agents = _those_of(options, agents)
    logits = _sample_logits(state.policy, options.agents, reader, generator)
    weights = softmax(logits)
    scores = np.array([agent.score(candidates, reader) for agent in agents])
    total = np.minimum(np.maximum((weights[:, None] * scores).sum(axis=0), 0.0), 1.0)
    size = min(options.limit, len(candidates.ids))
    ranked = choose_diverse(total, candidates.vectors, count=size, diversity=options.diversity)
    order, explored, choice = _explore(
        ranked, candidates, reader, arms=state.arms, options=options, generator=generator
    )
    return Slate(
        ids=tuple(candidates.ids[order].tolist()),
        scores=tuple(total[order].tolist()),
        agent_scores={
            name: tuple(row[order].tolist()) for name, row in zip(options.agents, scores, strict=True)
        },
        explored=explored,
        arm=choice.arm if choice else None,
        propensity=choice.propensity if choice else None,
        weights=dict(zip(options.agents, weights.tolist(), strict=True)),
        logits=dict(zip(options.agents, logits.tolist(), strict=True)),
        seed=seed,
        arms_version=state.arms.version,
        policy_version=state.policy.version,
    )


def exploration_positions(size: int, *, share: float, generator: np.random.Generator) -> tuple[int, ...]:
    """Return which positions of a slate explore, ascending; `share` of them on average, spread evenly.

    Raises:
        ValueError: `share` lies outside [0, 1].
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the exploration share must lie in [0, 1], got {share}")
    count = min(size, int(size * share + generator.random()))
    return tuple((2 * number + 1) * size // (2 * count) for number in range(count))


def _those_of(options: RankingOptions, agents: Sequence[Agent] | None) -> Sequence[Agent]:
    """Return the agents of the options: those given, or new ones."""
    agents = agents or make_agents(options.agents, options.custom_weights)
    if tuple(agent.name for agent in agents) != tuple(options.agents):
        raise ValueError(f"these agents are not those of the options: {', '.join(options.agents)}")
    return agents


def _showable(candidates: Candidates, reader: Reader) -> Candidates:
    """Return the candidates that the reader did not hide, by id, in fresh arrays of one layout."""
    order = np.argsort(candidates.ids, kind="stable")
    ids = candidates.ids[order]
    if len(ids) > 1 and not (ids[1:] > ids[:-1]).all():
        raise ValueError("the candidates' ids are not distinct")
    if reader.hidden:
        order = order[~among(ids, reader.hidden)]
    return Candidates(
        ids=candidates.ids[order],
        vendors=candidates.vendors[order],
        vectors=on_exact_grid(candidates.vectors[order]),
        features=np.ascontiguousarray(candidates.features[order]),
    )


def _sample_logits(
    policy: PolicyState, agents: tuple[str, ...], reader: Reader, generator: np.random.Generator
) -> Floats:
    """Return one logit of each agent; the draws are those of the policy's own order of agents."""
    missing = [name for name in agents if name not in policy.agents]
    if missing:
        raise ValueError(f"the policy does not know agent `{missing[0]}`")
    drawn = sample_logits(policy, context=reader.context, generator=generator)[0]
    logits: Floats = drawn[[policy.agents.index(name) for name in agents]]
    return logits


def _explore(
    ranked: Indices,
    candidates: Candidates,
    reader: Reader,
    *,
    arms: ArmsState,
    options: RankingOptions,
    generator: np.random.Generator,
) -> tuple[Indices, tuple[int, ...], Choice | None]:
    """Return the slate's indices, which of its positions an arm filled, and the choice of the arm where there are any.

    Of `size = min(limit, candidates)` positions, `e` explore: `size x exploration_share`, whose fraction is made good by
    chance (a feed of 5 with a share of 0.1 explores one position in every second feed). They are spread evenly, position
    `floor((j + 0.5) size / e)` for j = 0 .. e - 1, and hold what the arm prefers among what the rest does not show.
    Where too few unseen candidates are left, the later of these positions are filled like all others.
    """
    size = len(ranked)
    positions = exploration_positions(size, share=options.exploration_share, generator=generator)
    if not positions:
        return ranked, (), None
    choice = choose_arm(arms, floor=options.propensity_floor, generator=generator)
    shown = ranked[: size - len(positions)]
    brought = _bring(choice.arm, candidates, reader, shown=shown, count=len(positions))
    explored = positions[: len(brought)]
    kept = np.ones(len(candidates.ids), np.bool_)
    kept[brought] = False
    order = _interleave(ranked[kept[ranked]], brought, positions=explored, size=size)
    return order, explored, choice if explored else None


def _bring(arm: str, candidates: Candidates, reader: Reader, *, shown: Indices, count: int) -> Indices:
    """Return the candidates that an arm likes best, without what is shown and what the reader has met before."""
    barred = among(candidates.ids, reader.seen)
    barred[shown] = True
    priority = np.where(barred, -np.inf, arm_priority(arm, candidates, reader))
    best = np.argsort(-priority, kind="stable")[:count]
    return best[~barred[best]]


def _interleave(ranked: Indices, brought: Indices, *, positions: tuple[int, ...], size: int) -> Indices:
    """Return a slate of `size` indices with `brought` at these positions and `ranked` at all others."""
    order = np.empty(size, np.intp)
    explores = np.zeros(size, np.bool_)
    explores[list(positions)] = True
    order[explores] = brought
    order[~explores] = ranked[: size - len(positions)]
    return order
