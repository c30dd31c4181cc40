"""What is to be known of the candidates of one feed before they can be ranked: facts, vectors and attention at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from opsctl.ranking.model import Candidates
from opsctl.service.feed.attention import AttentionOfItems
from opsctl.service.feed.features import Point, gather_candidates
from opsctl.service.feed.items import FactsOfItems, VectorsOfItems
from opsctl.service.feed.together import both
from opsctl.service.feed.values import Attention, Retrieved, Vector
from opsctl.store.content_writes import ItemFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The candidates with their facts by id; `note` says what is missing."""

    candidates: Candidates
    facts: Mapping[int, ItemFacts]
    note: str = ""


class ContentOfFeed:
    """Brings together what is known of items.

    Args:
        now: seconds since 1970.
    """

    def __init__(
        self,
        *,
        facts: FactsOfItems,
        vectors: VectorsOfItems,
        attention: AttentionOfItems,
        dimension: int,
        now: Callable[[], float],
    ) -> None:
        self._facts = facts
        self._vectors = vectors
        self._attention = attention
        self._dimension = dimension
        self._now = now

    async def of(
        self,
        retrieved: Retrieved,
        *,
        searched_with: Vector,
        usual_price_usd: float | None,
    ) -> Content:
        """Return the candidates among what was retrieved: those that are published, and still are what was looked for.

        An item that moved to another region stands in a derived collection until it is built anew, and for some
        seconds in the source; the facts know better.

        Args:
            retrieved: ids, and the vectors that came along with the search; the others come from L2.
            searched_with: from where the candidates are looked at.
            usual_price_usd: of the reader.
        """
        ids, found = retrieved.ids, retrieved.vectors
        missing = [item for item in ids if item not in found]
        (facts, vectors), (attention, note) = await both(
            both(self._facts.of(ids), self._vectors.of(missing)), self._attention.of(ids)
        )
        known = [facts[item] for item in ids if item in facts and retrieved.fits(facts[item])]
        point = Point(vector=searched_with, usual_price_usd=usual_price_usd, now_seconds=self._now())
        return Content(
            candidates=self._candidates(known, {**vectors, **found}, attention=attention, point=point),
            facts={item.content_id: item for item in known},
            note=note,
        )

    def _candidates(
        self,
        facts: Sequence[ItemFacts],
        vectors: Mapping[int, Vector],
        *,
        attention: Mapping[int, Attention],
        point: Point,
    ) -> Candidates:
        # An item that has no vector yet is near to nothing, and may be shown all the same.
        matrix = np.zeros((len(facts), self._dimension), dtype=np.float32)
        for row, item in enumerate(facts):
            vector = vectors.get(item.content_id)
            if vector is not None:
                matrix[row] = vector
        return gather_candidates(facts, vectors=matrix, attention=attention, point=point)
