"""What one rebuild carries from step to step: its plan, its checkpoint, and its notes on the server."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from opsctl import __version__
from opsctl.clients.qdrant_values import CollectionState
from opsctl.qdrant_collections.checkpoint import Outcome, RangeState, RebuildState, Step
from opsctl.qdrant_collections.difference import Sides
from opsctl.qdrant_collections.model import CollectionsBook
from opsctl.qdrant_collections.options import RebuildOptions
from opsctl.qdrant_collections.phases import Surroundings
from opsctl.qdrant_collections.preflight import RebuildPlan, builder_name
from opsctl.qdrant_collections.provenance import BuildState, Provenance
from opsctl.qdrant_collections.source import embedding_of, watermark_of

_BEAT_SECONDS = 60.0
_SAVE_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class Job:
    """One rebuild under way."""

    here: Surroundings
    book: CollectionsBook
    plan: RebuildPlan
    options: RebuildOptions
    state: RebuildState
    source: CollectionState
    copied_now: int = 0
    """Points copied by this run; a resumed rebuild copied the others before."""
    source_digest: str = ""
    """The digest of the source's side at the last delta pass."""
    _beat: float = field(default_factory=time.monotonic)
    _saved: float = 0.0

    @property
    def alias(self) -> str:
        """Return the name of the derived collection."""
        return self.plan.alias

    @property
    def generation(self) -> str:
        """Return the collection that is being built."""
        return self.state.generation

    @property
    def sides(self) -> Sides:
        """Return what is compared."""
        return Sides(source=self.plan.source, target=self.generation, filter=self.plan.derived.filter)

    def finish(self, step: Step, figures: Mapping[str, Any]) -> None:
        """Remember durably that a step is behind."""
        self.save(
            done=(*(each for each in self.state.done if each is not step), step),
            figures=self.state.figures | {str(step): dict(figures)},
        )

    def end(self, outcome: Outcome) -> None:
        """Remember durably how the rebuild ended."""
        self.save(outcome=outcome)

    def save(self, **changes: Any) -> None:
        """Replace parts of the checkpoint, durably."""
        self.state = replace(self.state, **changes)
        self.here.checkpoints.save(self.state)

    def move_range(self, index: int, moved: RangeState) -> None:
        """Take in how far a range came; the checkpoint is written about once a second, and when a range ends."""
        ranges = (*self.state.ranges[:index], moved, *self.state.ranges[index + 1 :])
        self.state = replace(self.state, ranges=ranges)
        now = time.monotonic()
        if moved.is_done or now - self._saved > _SAVE_SECONDS:
            self._saved = now
            self.save()

    def beat(self) -> None:
        """Give other machines a sign of life, once a minute."""
        now = time.monotonic()
        if now - self._beat > _BEAT_SECONDS:
            self._beat = now
            self.note(state=BuildState.BUILDING)

    def note(self, **changes: Any) -> None:
        """Write the notes that travel with the collection, where the server can keep any."""
        if self.plan.features.has_metadata:
            notes = replace(self.provenance(), **changes)
            self.here.store.update_collection(self.generation, {"metadata": notes.to_metadata()})

    def provenance(self) -> Provenance:
        """Return the notes as they are at the beginning, with a fresh sign of life."""
        return Provenance(
            alias=self.alias,
            source=self.plan.source,
            filter=self.plan.derived.filter.model_dump(mode="json", by_alias=True, exclude_none=True),
            plan_digest=self.plan.digest,
            version=__version__,
            builder=builder_name(),
            created_at=self.state.started_at,
            beat_at=self.here.clock.now().isoformat(),
            embedding=embedding_of(self.source),
            watermark=watermark_of(self.source),
        )
