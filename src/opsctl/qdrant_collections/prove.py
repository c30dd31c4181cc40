"""Is what serves right now as good as it was when it was swapped in?"""

from opsctl.qdrant_collections.checkpoint import Step
from opsctl.qdrant_collections.drift import live_sides
from opsctl.qdrant_collections.model import CollectionsBook
from opsctl.qdrant_collections.phases import Surroundings, phase
from opsctl.qdrant_collections.verify import Verification, verify_generation

_QUERIES = 300


def verify_live(
    alias: str, *, book: CollectionsBook, here: Surroundings, queries: int = _QUERIES
) -> Verification:
    """Verify the live generation of a derived collection by the same checks that a rebuild uses."""
    sides = live_sides(alias, book=book, here=here)
    with phase(here, subject=alias, name=Step.VERIFY) as figures:
        found = verify_generation(
            sides,
            store=here.store,
            clock=here.clock,
            using=book.source.vector or "",
            budgets=book.derived[alias].budgets,
            queries=queries,
        )
        figures.update(verdict="passed" if found.ok else "failed", **found.figures())
    return found
