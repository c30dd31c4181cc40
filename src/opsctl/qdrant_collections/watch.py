"""Does the new generation serve well right after the swap: a short watch that can say swap back."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from opsctl.clients.qdrant_values import Query
from opsctl.core.clock import Clock
from opsctl.core.errors import OpsError
from opsctl.qdrant_collections.measure import TOP, as_answer, sample_vectors
from opsctl.qdrant_collections.store import VectorStore
from opsctl.vectors.filters import FilterSpec
from opsctl.vectors.recall import recall
from opsctl.vectors.search import Answer

_PROBES = 20
_PERIOD_SECONDS = 0.5
_MOST_ERRORS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A search whose true answer is known."""

    query: Query
    truth: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchReport:
    """What was seen of the alias; `trouble` says why it must be swapped back, None when all was well."""

    searches: int
    errors: int
    empty: int
    recall: float
    trouble: str | None


def make_probes(store: VectorStore, *, source: str, using: str, spec: FilterSpec) -> list[Probe]:
    """Return searches with their exact answers on the filtered source; none where the source has none."""
    probes = []
    for vector in sample_vectors(store, source=source, using=using, count=_PROBES):
        query = Query(vector=vector, limit=TOP, using=using or None)
        exact = Query(vector=vector, limit=TOP, using=using or None, filter=spec.to_qdrant(), exact=True)
        truth = as_answer(store.query(source, exact))
        if truth.ids:
            probes.append(Probe(query=query, truth=truth))
    return probes


def watch_alias(
    alias: str,
    *,
    store: VectorStore,
    clock: Clock,
    probes: Sequence[Probe],
    seconds: float,
    lowest_recall: float,
) -> WatchReport:
    """Search through the alias again and again; stop at once when it is worse than what was verified."""
    began = clock.monotonic()
    searches = errors = empty = 0
    shares: list[float] = []
    trouble: str | None = None
    while trouble is None and probes:
        for probe in probes:
            searches += 1
            try:
                found = store.query(alias, probe.query)
            except OpsError as error:
                errors += 1
                trouble = f"searches fail: {error.message}" if errors > _MOST_ERRORS else None
                continue
            empty += not found.ids
            shares.append(recall(as_answer(found), probe.truth))
        trouble = trouble or _trouble(empty=empty, shares=shares, lowest_recall=lowest_recall)
        if clock.monotonic() - began + _PERIOD_SECONDS > seconds:
            break
        clock.sleep(_PERIOD_SECONDS)
    mean = fmean(shares) if shares else 0.0
    return WatchReport(searches=searches, errors=errors, empty=empty, recall=mean, trouble=trouble)


def _trouble(*, empty: int, shares: Sequence[float], lowest_recall: float) -> str | None:
    if empty:
        return f"{empty} searches found nothing, where the source has points"
    if shares and fmean(shares) < lowest_recall:
        return f"recall fell to {fmean(shares):.3f}, below {lowest_recall:.3f}"
    return None
