"""What a collection answers to a read: records, scored points, counts, facets."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opsctl.stack.vector_node import answers
from opsctl.stack.vector_node.api_error import ApiError
from opsctl.stack.vector_node.convert_filter import engine_filter
from opsctl.stack.vector_node.convert_options import check_limit, order_by, payload_selector
from opsctl.stack.vector_node.convert_query import engine_query
from opsctl.stack.vector_node.parsing import parse_model, refuse_shard_key

if TYPE_CHECKING:
    import qdrant_edge as edge

Read = Callable[[Any, dict[str, Any], bytes], bytes]


def _count(engine: "edge.EdgeShard", _args: dict[str, Any], body: bytes) -> bytes:
    import qdrant_edge as edge
    from qdrant_client.http import models

    asked = parse_model(models.CountRequest, body or b"{}")
    refuse_shard_key(asked.shard_key)
    request = edge.CountRequest(exact=asked.exact is not False, filter=engine_filter(asked.filter))
    started = time.perf_counter()
    count = engine.count(request)
    return answers.envelope({"count": count}, seconds=time.perf_counter() - started)


def _scroll(engine: "edge.EdgeShard", _args: dict[str, Any], body: bytes) -> bytes:
    import qdrant_edge as edge
    from qdrant_client.http import models

    asked = parse_model(models.ScrollRequest, body or b"{}")
    refuse_shard_key(asked.shard_key)
    request = edge.ScrollRequest(
        offset=asked.offset,
        limit=check_limit(asked.limit),
        filter=engine_filter(asked.filter),
        with_payload=payload_selector(asked.with_payload, default=True),
        with_vector=asked.with_vector or False,
        order_by=None if asked.order_by is None else order_by(asked.order_by),
    )
    started = time.perf_counter()
    records, offset = engine.scroll(request)
    seconds = time.perf_counter() - started
    return answers.envelope({"points": answers.records(records), "next_page_offset": offset}, seconds=seconds)


def _retrieve(engine: "edge.EdgeShard", _args: dict[str, Any], body: bytes) -> bytes:
    from qdrant_client.http import models

    asked = parse_model(models.PointRequest, body)
    refuse_shard_key(asked.shard_key)
    selector = payload_selector(asked.with_payload, default=True)
    started = time.perf_counter()
    records = engine.retrieve(asked.ids, selector, asked.with_vector or False)
    seconds = time.perf_counter() - started
    return answers.envelope(answers.records(records), seconds=seconds)


def _point(engine: "edge.EdgeShard", args: dict[str, Any], _body: bytes) -> bytes:
    text: str = args["id"]
    started = time.perf_counter()
    records = engine.retrieve([int(text) if text.isdecimal() else text], True, True)  # noqa: FBT003 - positional in the engine
    seconds = time.perf_counter() - started
    if not records:
        raise ApiError(404, f"Not found: Point with id {text} does not exists!")
    return answers.envelope(answers.record(records[0]), seconds=seconds)


def _query(engine: "edge.EdgeShard", _args: dict[str, Any], body: bytes) -> bytes:
    from qdrant_client.http import models

    request = engine_query(parse_model(models.QueryRequest, body), engine=engine)
    started = time.perf_counter()
    found = engine.query(request)
    seconds = time.perf_counter() - started
    return answers.envelope(answers.scored_points(found), seconds=seconds)


def _query_batch(engine: "edge.EdgeShard", _args: dict[str, Any], body: bytes) -> bytes:
    import qdrant_edge as edge
    from qdrant_client.http import models

    asked = parse_model(models.QueryRequestBatch, body)
    requests = [engine_query(each, engine=engine) for each in asked.searches]
    started = time.perf_counter()
    found = engine.query_batch(edge.QueryBatchRequest(requests))
    seconds = time.perf_counter() - started
    return answers.envelope([answers.scored_points(each) for each in found], seconds=seconds)


def _facet(engine: "edge.EdgeShard", _args: dict[str, Any], body: bytes) -> bytes:
    import qdrant_edge as edge
    from qdrant_client.http import models

    asked = parse_model(models.FacetRequest, body)
    refuse_shard_key(asked.shard_key)
    request = edge.FacetRequest(
        asked.key,
        limit=check_limit(asked.limit),
        exact=asked.exact or False,
        filter=engine_filter(asked.filter),
    )
    started = time.perf_counter()
    found = engine.facet(request)
    seconds = time.perf_counter() - started
    hits = [{"value": hit.value, "count": hit.count} for hit in found.hits]
    return answers.envelope({"hits": hits}, seconds=seconds)


READS: dict[str, Read] = {
    "count": _count,
    "scroll": _scroll,
    "retrieve": _retrieve,
    "point": _point,
    "query": _query,
    "query_batch": _query_batch,
    "facet": _facet,
}
