"""Which path and method mean which operation; everything else is answered 404 or 501 in Qdrant's shape."""

from dataclasses import dataclass, field

# (method, path below /collections/{name}) -> operation of the engine worker; {x} stands for one segment.
_WORKER_ROUTES = {
    ("GET", ""): "info",
    ("PATCH", ""): "patch",
    ("PUT", "index"): "create_index",
    ("DELETE", "index/{field}"): "delete_index",
    ("PUT", "points"): "upsert",
    ("POST", "points"): "retrieve",
    ("GET", "points/{id}"): "point",
    ("POST", "points/delete"): "delete",
    ("POST", "points/payload"): "set_payload",
    ("PUT", "points/payload"): "overwrite_payload",
    ("POST", "points/payload/delete"): "delete_payload",
    ("POST", "points/payload/clear"): "clear_payload",
    ("PUT", "points/vectors"): "update_vectors",
    ("POST", "points/vectors/delete"): "delete_vectors",
    ("POST", "points/batch"): "batch",
    ("POST", "points/scroll"): "scroll",
    ("POST", "points/count"): "count",
    ("POST", "points/query"): "query",
    ("POST", "points/query/batch"): "query_batch",
    ("POST", "facet"): "facet",
}
# The same for what the front does itself.
_COLLECTION_ROUTES = {
    ("PUT", ""): "create",
    ("DELETE", ""): "delete_collection",
    ("GET", "exists"): "exists",
    ("GET", "aliases"): "collection_aliases",
    ("GET", "snapshots"): "list_snapshots",
    ("POST", "snapshots"): "create_snapshot",
    ("PUT", "snapshots/recover"): "recover_snapshot",
    ("POST", "snapshots/upload"): "upload_snapshot",
    ("GET", "snapshots/{snapshot}"): "download_snapshot",
    ("DELETE", "snapshots/{snapshot}"): "delete_snapshot",
}
_NODE_ROUTES = {
    ("GET", ""): "version",
    ("GET", "healthz"): "health",
    ("GET", "livez"): "health",
    ("GET", "readyz"): "ready",
    ("GET", "metrics"): "metrics",
    ("GET", "telemetry"): "telemetry",
    ("GET", "cluster"): "cluster",
    ("GET", "collections"): "list_collections",
    ("GET", "aliases"): "list_aliases",
    ("POST", "collections/aliases"): "change_aliases",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a request means; `endpoint` is the pattern of its path, for the metrics."""

    operation: str
    endpoint: str
    is_for_worker: bool = False
    variables: dict[str, str] = field(default_factory=dict)


def find_route(method: str, segments: tuple[str, ...]) -> Route | None:
    """Return the route of a request, or None."""
    node = _NODE_ROUTES.get((method, "/".join(segments)))
    if node is not None:
        return Route(operation=node, endpoint=f"/{'/'.join(segments)}")
    if len(segments) < 2 or segments[0] != "collections":
        return None
    for table, is_for_worker in ((_COLLECTION_ROUTES, False), (_WORKER_ROUTES, True)):
        for (route_method, pattern), operation in table.items():
            variables = _match(pattern, segments[2:]) if route_method == method else None
            if variables is not None:
                endpoint = f"/collections/{{name}}/{pattern}".rstrip("/")
                return Route(
                    operation=operation,
                    endpoint=endpoint,
                    is_for_worker=is_for_worker,
                    variables=variables | {"name": segments[1]},
                )
    return None


def _match(pattern: str, segments: tuple[str, ...]) -> dict[str, str] | None:
    parts = pattern.split("/") if pattern else []
    if len(parts) != len(segments):
        return None
    variables = {}
    for part, segment in zip(parts, segments, strict=True):
        if part.startswith("{"):
            variables[part.strip("{}")] = segment
        elif part != segment:
            return None
    return variables
