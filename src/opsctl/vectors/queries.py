"""Which queries does a measurement ask: seeded mixtures of stored vectors, or the lines of a query log."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from opsctl.clients.files import read_text
from opsctl.core.errors import NotReadyError, UsageError
from opsctl.core.findings import Finding, Location, Severity
from opsctl.vectors.filters import FilterSpec
from opsctl.vectors.search import PointId

if TYPE_CHECKING:
    import numpy as np

Embed = Callable[[list[str]], Sequence[Sequence[float]]]

_MOST_FINDINGS = 20
_WEIGHTS = (0.5, 0.8)  # of the first vector of a mixture: near it, and clearly not it


class VectorPool(Protocol):
    """Anything that stored vectors can be drawn from."""

    def point_ids(self, collection: str) -> Iterable[PointId]:
        """Yield the id of every point."""
        ...

    def vectors(self, collection: str, ids: Sequence[PointId]) -> Sequence[Sequence[float]]:
        """Return the vectors of these points, in any order; points that have gone are left out."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class QuerySet:
    """The query vectors of a run, where they come from, and the digest that two runs must share."""

    vectors: tuple[tuple[float, ...], ...]
    origin: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedQuery:
    """One line of a query log: a vector or a text, and the filter that came with it."""

    vector: tuple[float, ...] | None
    text: str | None
    filter: FilterSpec | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HotFilter:
    """A filter of a query log with its share of all logged queries."""

    filter: FilterSpec
    queries: int
    share: float


def sample_queries(pool: VectorPool, collection: str, *, count: int, seed: int) -> QuerySet:
    """Return `count` mixtures of two stored vectors each, drawn uniformly by id and reproducible by `seed`.

    A stored vector itself would be a query whose first answer is known and infinitely near; its graph search
    is easier than a real one. A mixture of two lies between real points, as a real request does, and keeps the
    shape of the data (the zeros of hashed text, the cone of a language model), which added noise would not.

    Raises:
        NotReadyError: BEN010 when fewer than two points are there.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    ids = sorted(pool.point_ids(collection), key=lambda point: (isinstance(point, str), point))
    if len(ids) < 2:
        raise NotReadyError(
            f"`{collection}` holds {len(ids)} points, too few to draw queries from",
            code="BEN010",
            fix="fill it first: opsctl catalog generate",
        )
    drawn = random.choice(len(ids), size=min(len(ids), 2 * count), replace=False)
    stored = np.asarray(pool.vectors(collection, [ids[index] for index in drawn]), dtype=np.float32)
    # `vectors` may answer in any order: sort, so that the seed alone decides.
    stored = stored[np.lexsort(stored.T[::-1])]
    pairs = np.array([random.choice(len(stored), size=2, replace=False) for _ in range(count)])
    weights = random.uniform(*_WEIGHTS, size=(count, 1)).astype(np.float32)
    mixed = weights * stored[pairs[:, 0]] + (1 - weights) * stored[pairs[:, 1]]
    mixed = _rescaled(mixed, lengths=np.linalg.norm(stored[pairs], axis=2).mean(axis=1))
    return query_set(mixed, origin=f"{count} mixtures of two stored vectors, seed {seed}")


def query_set(vectors: "Sequence[Sequence[float]] | np.ndarray", *, origin: str) -> QuerySet:
    """Return a query set with the digest of its vectors as 32-bit floats."""
    import numpy as np

    matrix = np.ascontiguousarray(vectors, dtype=np.float32)
    shape = f"{matrix.shape[0]}x{matrix.shape[1]}:".encode()
    return QuerySet(
        vectors=tuple(tuple(row) for row in matrix.tolist()),
        origin=origin,
        digest=hashlib.sha256(shape + matrix.tobytes()).hexdigest(),
    )


def read_query_log(path: Path) -> list[LoggedQuery]:
    """Read a JSONL query log: `{"vector": [...], "filter": {...}}` or `{"text": "...", "filter": {...}}`.

    Raises:
        UsageError: BEN011 with one finding for each bad line (the first twenty), also for an empty log.
    """
    queries: list[LoggedQuery] = []
    findings: list[Finding] = []
    # not `splitlines`: U+2028 and its like may stand inside of a text in JSON
    for number, line in enumerate(read_text(path).replace("\r\n", "\n").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            queries.append(_parse(line))
        except ValueError as error:
            findings.append(_bad_line(path, number, line, error))
    if not queries and not findings:
        findings.append(_bad_line(path, 1, "", ValueError("the log has no lines")))
    if findings:
        raise UsageError(
            f"`{path}` has {len(findings)} bad {'line' if len(findings) == 1 else 'lines'}",
            code="BEN011",
            findings=findings[:_MOST_FINDINGS],
            fix='every line is an object such as {"text": "wedding photos", "filter": {"region": "AU"}}',
        )
    return queries


def queries_of_log(
    log: Sequence[LoggedQuery], *, path: Path, dimension: int, embed: Embed | None, count: int
) -> QuerySet:
    """Return the first `count` vectors of a log; texts are embedded, vectors must have the dimension.

    Raises:
        UsageError: BEN012 for a wrong dimension, or for texts where nothing can embed them.
    """
    chosen = list(log[:count])
    texts = [query.text for query in chosen if query.vector is None and query.text is not None]
    if texts and embed is None:
        raise UsageError(
            f"`{path}` has lines of text, and nothing to embed them with",
            code="BEN012",
            fix="log vectors, or set `embedding.kind` in opsctl.yaml",
        )
    embedded = iter(embed(texts) if embed is not None and texts else [])
    vectors = [query.vector if query.vector is not None else tuple(next(embedded)) for query in chosen]
    for number, vector in enumerate(vectors, start=1):
        if len(vector) != dimension:
            raise UsageError(
                f"query {number} of `{path}` has {len(vector)} dimensions, the collection {dimension}",
                code="BEN012",
                fix="embed the queries with the model of the collection",
            )
    return query_set(vectors, origin=f"{len(vectors)} queries of `{path.name}`")


def hot_filters(log: Sequence[LoggedQuery], *, most: int) -> list[HotFilter]:
    """Return the most frequent filters of a log, the hottest first; the order of conditions does not matter."""
    texts = Counter(
        json.dumps(query.filter.model_dump(by_alias=True, exclude_none=True), sort_keys=True)
        for query in log
        if query.filter is not None
    )
    ordered = sorted(texts.items(), key=lambda item: (-item[1], item[0]))[:most]
    return [
        HotFilter(filter=FilterSpec.model_validate(json.loads(text)), queries=number, share=number / len(log))
        for text, number in ordered
    ]


def _parse(line: str) -> LoggedQuery:
    body: Any = json.loads(line)
    if not isinstance(body, dict):
        raise ValueError("a line must be an object")  # noqa: TRY004 - a wrong value of the log, not of the code
    unknown = body.keys() - {"vector", "text", "filter"}
    if unknown:
        raise ValueError(f"unknown key `{min(unknown)}`")
    vector, text = body.get("vector"), body.get("text")
    if (vector is None) == (text is None):
        raise ValueError("a line needs either `vector` or `text`")
    if vector is not None and not _is_vector(vector):
        raise ValueError("`vector` must be a list of finite numbers")
    if text is not None and not (isinstance(text, str) and text.strip()):
        raise ValueError("`text` must be words")
    spec = FilterSpec.model_validate(body["filter"]) if body.get("filter") else None
    numbers = None if vector is None else tuple(float(number) for number in vector)
    return LoggedQuery(vector=numbers, text=text, filter=spec)


def _is_vector(value: Any) -> bool:
    # Not NaN, and below the largest 32-bit float: infinity and overflow are refused with one test.
    return (
        isinstance(value, list)
        and bool(value)
        and all(type(number) in (int, float) and abs(number) < 3.4e38 for number in value)
    )


def _bad_line(path: Path, number: int, line: str, error: Exception) -> Finding:
    details = getattr(error, "errors", None)
    title = details(include_url=False)[0]["msg"] if callable(details) else str(error)
    return Finding(
        code="BEN011",
        severity=Severity.ERROR,
        title=title,
        location=Location(file=str(path), line=number, column=1, source=line[:200]),
    )


def _rescaled(mixed: "np.ndarray", *, lengths: "np.ndarray") -> "np.ndarray":
    """Return the rows at the given lengths: a mean of two unit vectors is shorter than either."""
    import numpy as np

    own = np.linalg.norm(mixed, axis=1)
    factors = np.where(own > 0, lengths / np.where(own > 0, own, 1), 1)
    return np.asarray(mixed * factors[:, None], dtype=np.float32)
