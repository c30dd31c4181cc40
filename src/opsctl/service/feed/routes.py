"""Where are a request's candidates looked for: the derived collection of its combination, then wider and wider."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from opsctl.qdrant_collections.model import CollectionsBook

DERIVED, FILTERED = "derived", "filtered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One search that may answer.

    Args:
        path: `derived` or `filtered`, as the metrics call it.
        region: the one it covers; None for all.
        category: likewise.
        level: 0 is what was asked for; each level above is wider.
    """

    collection: str
    path: str
    filter: dict[str, Any] | None
    region: str | None
    category: str | None
    level: int

    @property
    def scope(self) -> str:
        """Return what it covers in words, such as `AU photographer`, `AU`, or `everything`."""
        return " ".join(value for value in (self.region, self.category) if value is not None) or "everything"


class Routes:
    """The routes of every request, made from the collections book.

    A derived collection is *the combination's* when its filter fixes exactly one region and one category and they
    are those of the request. Its further conditions (`quality >= 0.8`) are the product's decision that this
    combination is served from its good items; what they leave too few of is topped up from the source.
    """

    def __init__(self, book: CollectionsBook, *, use_derived: bool = True) -> None:
        self.source = book.source.collection
        self._derived: dict[tuple[str, str], list[str]] = {}
        for name, derived in book.derived.items() if use_derived else ():
            conditions = derived.filter.root
            region, category = conditions.get("region"), conditions.get("category")
            if isinstance(region, str) and isinstance(category, str):
                self._derived.setdefault((region, category), []).append(name)

    def of(self, *, region: str | None, category: str | None) -> Sequence[Route]:
        """Return the routes in the order in which they are tried.

        Widening gives up the category before the region: an offer of another kind nearby can be booked, one of
        the right kind on another continent seldom.
        """
        routes = [
            Route(collection=name, path=DERIVED, filter=None, region=region, category=category, level=0)
            for name in self._derived.get((region or "", category or ""), ())
        ]
        scopes = [(region, category), (region, None), (None, None)]
        for level, (in_region, of_category) in enumerate(dict.fromkeys(scopes)):
            routes.append(self._filtered(region=in_region, category=of_category, level=level))
        return routes

    def _filtered(self, *, region: str | None, category: str | None, level: int) -> Route:
        wanted = {"region": region, "category": category}
        must = [{"key": key, "match": {"value": value}} for key, value in wanted.items() if value is not None]
        return Route(
            collection=self.source,
            path=FILTERED,
            filter={"must": must} if must else None,
            region=region,
            category=category,
            level=level,
        )
