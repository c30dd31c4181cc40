"""On which collections are the strategies measured: the source, and scratch copies of it or of a sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opsctl.clients.qdrant_values import CollectionState, PointId
from opsctl.qdrant_collections.advisor.model import Combination, Cost, collection_bytes
from opsctl.vectors.arms import Arm
from opsctl.vectors.scratch import Copy, CopyPlan, ScratchCopies, index_schemas
from opsctl.vectors.strategies import SEGMENT_FIELD, Strategy, arm, segment_filter, segmenter

PREFIX = "opsctl_plan__"

_POSTING_BYTES = 8  # of one point in a keyword index: the offset in both directions


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The collections that every combination is measured on.

    Args:
        planner: the source itself, or an indexed copy of a sample of it.
        unindexed: a copy without payload indexes.
        composite: a copy with one composite key field for each combination.
        points: what each of them holds.
        ids: the sample; None when everything is measured.
    """

    planner: str
    unindexed: Copy
    composite: Copy
    points: int
    ids: Sequence[PointId] | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


def prepare_ground(
    copies: ScratchCopies,
    *,
    source: str,
    state: CollectionState,
    combinations: Sequence[Combination],
    ids: Sequence[PointId] | None,
) -> Ground:
    """Build the copies that all combinations share."""
    planner = source
    if ids is not None:
        plan = CopyPlan(name="planner", source=source, ids=ids, indexes=index_schemas(state))
        planner = copies.make(plan).collection
    unindexed = copies.make(CopyPlan(name="no_index", source=source, ids=ids))
    fields = {each.name: f"{SEGMENT_FIELD}_{number}" for number, each in enumerate(combinations)}
    composite = copies.make(
        CopyPlan(
            name="composite",
            source=source,
            ids=ids,
            indexes=dict.fromkeys(fields.values(), "keyword"),
            add=_keys_of(combinations, fields),
        )
    )
    return Ground(
        planner=planner,
        unindexed=unindexed,
        composite=composite,
        points=unindexed.points,
        ids=ids,
        fields=fields,
    )


def build_derived(copies: ScratchCopies, combination: Combination, *, ground: Ground, source: str) -> Copy:
    """Build the derived collection of a combination from the same points, to measure it and what it costs."""
    return copies.make(
        CopyPlan(
            name=f"derived_{combination.name}",
            source=source,
            ids=ground.ids,
            filter=combination.filter.to_qdrant(),
        )
    )


def arms_of(combination: Combination, *, ground: Ground, derived: str) -> tuple[Arm, ...]:
    """Return the five arms, the derived collection last, so that it is its own control."""
    spec, segment_field = combination.filter, ground.fields[combination.name]
    places = {
        Strategy.NO_INDEX: ground.unindexed.collection,
        Strategy.PLANNER: ground.planner,
        Strategy.ACORN: ground.planner,
        Strategy.COMPOSITE: ground.composite.collection,
        Strategy.DERIVED: derived,
    }
    return tuple(
        arm(strategy, collection=place, spec=spec, segment_field=segment_field)
        for strategy, place in places.items()
    )


def costs_of(
    combination: Combination, *, ground: Ground, derived: Copy, dimension: int
) -> dict[Strategy, Cost]:
    """Return what each strategy costs beside the source as it is."""
    label = segment_filter(combination.filter, field=ground.fields[combination.name])
    text_bytes = len(str(next(iter(label.root.values()))))
    composite_bytes = ground.points * float(text_bytes + _POSTING_BYTES)
    derived_bytes = collection_bytes(
        points=derived.points, dimension=dimension, payload_bytes=derived.payload_bytes
    )
    nothing = Cost(memory_bytes=0, build_seconds=None)
    return {
        Strategy.NO_INDEX: nothing,
        Strategy.PLANNER: nothing,
        Strategy.ACORN: nothing,
        Strategy.COMPOSITE: Cost(memory_bytes=composite_bytes, build_seconds=ground.composite.build_seconds),
        Strategy.DERIVED: Cost(memory_bytes=derived_bytes, build_seconds=derived.build_seconds),
    }


def _keys_of(combinations: Sequence[Combination], fields: Mapping[str, str]) -> Any:
    segmenters = [(fields[each.name], segmenter(each.filter)) for each in combinations]

    def keys(payload: Mapping[str, Any]) -> dict[str, Any]:
        return {name: segments(payload) for name, segments in segmenters}

    return keys
