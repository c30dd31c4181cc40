"""Which filters are hot enough to plan for: those of the book, or the most frequent ones of a query log."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from opsctl.core.errors import UsageError
from opsctl.qdrant_collections.advisor.model import Combination
from opsctl.qdrant_collections.model import Budgets, CollectionsBook
from opsctl.vectors.filters import FilterSpec
from opsctl.vectors.queries import HotFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """How often a combination is asked for and rebuilt; searches are assumed where nobody said."""

    rebuilds_per_day: float = 24.0
    queries_per_second: float | None = None

    @property
    def assumed_queries_per_second(self) -> float:
        """Return the traffic to reckon with."""
        return 1.0 if self.queries_per_second is None else self.queries_per_second


def of_book(
    book: CollectionsBook, *, names: Sequence[str], aliases: Iterable[str], traffic: Traffic
) -> list[Combination]:
    """Return the derived collections of the book as combinations; each gets the whole traffic."""
    live = set(aliases)
    return [
        Combination(
            name=name,
            filter=book.derived[name].filter,
            recall_budget=book.derived[name].budgets.recall,
            p95_budget_seconds=book.derived[name].budgets.p95_seconds,
            rebuilds_per_day=traffic.rebuilds_per_day,
            queries_per_second=traffic.assumed_queries_per_second,
            is_traffic_assumed=traffic.queries_per_second is None,
            alias=name if name in live else None,
        )
        for name in names
    ]


def of_log(
    hot: Sequence[HotFilter], *, book: CollectionsBook, aliases: Iterable[str], traffic: Traffic
) -> list[Combination]:
    """Return the hot filters of a log as combinations; one that the book derives keeps its name and budgets.

    Raises:
        UsageError: COL060 when no logged query has a filter.
    """
    if not hot:
        raise UsageError(
            "no query of the log has a filter, so no collection can be derived for it",
            code="COL060",
            fix='log the filter beside each query: {"text": "...", "filter": {"region": "AU"}}',
        )
    live = set(aliases)
    by_filter = {_key(derived.filter): name for name, derived in book.derived.items()}
    combinations = []
    for number, each in enumerate(hot, start=1):
        name = by_filter.get(_key(each.filter))
        budgets = book.derived[name].budgets if name else Budgets()
        combinations.append(
            Combination(
                name=name or f"hot_{number}",
                filter=each.filter,
                recall_budget=budgets.recall,
                p95_budget_seconds=budgets.p95_seconds,
                rebuilds_per_day=traffic.rebuilds_per_day,
                queries_per_second=traffic.assumed_queries_per_second * each.share,
                is_traffic_assumed=traffic.queries_per_second is None,
                alias=name if name in live else None,
            )
        )
    return combinations


def _key(spec: FilterSpec) -> str:
    return repr(sorted(spec.model_dump(mode="json", by_alias=True, exclude_none=True).items()))
