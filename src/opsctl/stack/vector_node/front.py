"""How the front process answers HTTP: check the key, find the route, ask the node or a worker, count it."""

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable

from opsctl.core.errors import OpsError
from opsctl.stack.vector_node import answers
from opsctl.stack.vector_node.api_error import ApiError, error_body, from_engine
from opsctl.stack.vector_node.http import (
    ClientGoneError,
    FileResponse,
    Receive,
    Request,
    Response,
    Scope,
    Send,
)
from opsctl.stack.vector_node.logs import facts, logger
from opsctl.stack.vector_node.metrics import NodeMetrics
from opsctl.stack.vector_node.node import Node
from opsctl.stack.vector_node.parsing import parse_model
from opsctl.stack.vector_node.routes import Route, find_route
from opsctl.stack.vector_node.snapshot_routes import SnapshotRoutes

# The Qdrant release whose REST API this follows: that of the client's models (the client compares major and minor).
API_VERSION = "1.20.0"
_OPEN_TO_ALL = frozenset({"version", "health", "ready"})
Handler = Callable[[Request, Route], Awaitable[Response | FileResponse]]


class Front:
    """The ASGI application."""

    def __init__(self, node: Node, *, api_key: str | None) -> None:
        self._node = node
        self._api_key = api_key
        self._metrics = NodeMetrics(node.pool, version=API_VERSION)
        snapshots = SnapshotRoutes(node)
        self._handlers: dict[str, Handler] = {
            "version": self._version,
            "health": self._health,
            "ready": self._ready,
            "metrics": self._render_metrics,
            "telemetry": self._telemetry,
            "cluster": self._cluster,
            "list_collections": self._list_collections,
            "list_aliases": self._list_aliases,
            "change_aliases": self._change_aliases,
            "create": self._create,
            "delete_collection": self._delete,
            "exists": self._exists,
            "collection_aliases": self._list_aliases,
            "list_snapshots": snapshots.list,
            "create_snapshot": snapshots.create,
            "recover_snapshot": snapshots.recover,
            "upload_snapshot": snapshots.upload,
            "download_snapshot": snapshots.download,
            "delete_snapshot": snapshots.delete,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        request = Request.of(scope, receive)
        route = find_route(request.method, request.segments)
        try:
            response = await self._answer(request, route=route)
        except ClientGoneError:
            return
        await response.send(send)
        self._metrics.observe(
            method=request.method,
            endpoint=route.endpoint if route else "other",
            status=response.status,
            seconds=time.perf_counter() - started,
        )

    async def _answer(self, request: Request, *, route: Route | None) -> Response | FileResponse:
        started = time.perf_counter()
        try:
            self._check_key(request, route=route)
            async with asyncio.timeout(request.timeout_seconds):
                return await self._handle(request, route=route)
        except ClientGoneError:
            raise
        except ApiError as error:
            refusal = error
        except TimeoutError:
            refusal = ApiError(408, "Timeout error: the operation took longer than the timeout asked for")
        except OpsError as error:
            refusal = ApiError(500, f"Service internal error: {error.message}: {error.why}")
        except Exception as error:  # noqa: BLE001 - one request must not end the node
            logger.exception("a request failed", extra=facts(path="/".join(request.segments)))
            refusal = (
                from_engine(error) if isinstance(error, OSError) else ApiError(500, "Service internal error")
            )
        body = error_body(refusal.message, seconds=time.perf_counter() - started)
        return Response(status=refusal.status, body=body)

    async def _handle(self, request: Request, *, route: Route | None) -> Response | FileResponse:
        if route is None:
            raise _no_route(request)
        if not route.is_for_worker:
            return await self._handlers[route.operation](request, route)
        args = {**route.variables, "wait": request.waits}
        name = route.variables["name"]
        self._node.catalog.resolve(name)
        body = await request.body()
        answer = await self._node.ask(name, route.operation, args=args, body=body)
        return Response(status=answer.status, body=answer.body)

    def _check_key(self, request: Request, *, route: Route | None) -> None:
        if self._api_key is None or (route is not None and route.operation in _OPEN_TO_ALL):
            return
        bearer = request.headers.get(b"authorization", b"").removeprefix(b"Bearer ")
        given = request.headers.get(b"api-key", bearer)
        if not hmac.compare_digest(given, self._api_key.encode()):
            raise ApiError(401, "Unauthorized: Must provide an API key or an Authorization bearer token")

    async def _version(self, _request: Request, _route: Route) -> Response:
        body = b'{"title":"qdrant - vector search engine (opsctl vector node)","version":"%b"}'
        return Response(status=200, body=body % API_VERSION.encode())

    async def _health(self, _request: Request, _route: Route) -> Response:
        return Response(status=200, body=b"healthz check passed", content_type=b"text/plain")

    async def _ready(self, _request: Request, _route: Route) -> Response:
        if self._node.is_ready:
            return Response(status=200, body=b"all shards are ready", content_type=b"text/plain")
        return Response(status=503, body=b"some shards are not ready", content_type=b"text/plain")

    async def _render_metrics(self, _request: Request, _route: Route) -> Response:
        return Response(status=200, body=self._metrics.render(), content_type=b"text/plain; version=0.0.4")

    async def _telemetry(self, _request: Request, _route: Route) -> Response:
        figures = self._node.pool.statistics
        collections = [
            {"id": name, **figures.get(name, {})} for name in sorted(self._node.catalog.collections)
        ]
        return _result(
            {
                "id": "vector-node",
                "app": {"name": "qdrant", "version": API_VERSION},
                "collections": {
                    "number_of_collections": len(collections),
                    "collections": collections,
                },
            }
        )

    async def _cluster(self, _request: Request, _route: Route) -> Response:
        return _result({"status": "disabled"})

    async def _list_collections(self, _request: Request, _route: Route) -> Response:
        return _result({"collections": [{"name": name} for name in sorted(self._node.catalog.collections)]})

    async def _list_aliases(self, _request: Request, route: Route) -> Response:
        aliases = sorted(self._node.catalog.aliases.items())
        name = route.variables.get("name")
        target = None if name is None else self._node.catalog.resolve(name)
        return _result(
            {
                "aliases": [
                    {"alias_name": alias, "collection_name": collection}
                    for alias, collection in aliases
                    if target is None or collection == target
                ]
            }
        )

    async def _change_aliases(self, request: Request, _route: Route) -> Response:
        from qdrant_client.http import models

        await self._node.change_aliases(parse_model(models.ChangeAliasesOperation, await request.body()))
        return _result(result=True)

    async def _create(self, request: Request, route: Route) -> Response:
        answer = await self._node.create(route.variables["name"], body=await request.body())
        return Response(status=answer.status, body=answer.body)

    async def _delete(self, _request: Request, route: Route) -> Response:
        return _result(await self._node.delete(route.variables["name"]))

    async def _exists(self, _request: Request, route: Route) -> Response:
        name = route.variables["name"]
        catalog = self._node.catalog
        return _result({"exists": catalog.aliases.get(name, name) in catalog.collections})


def _result(result: object) -> Response:
    return Response(status=200, body=answers.envelope(result, seconds=0.0))


def _no_route(request: Request) -> ApiError:
    path = "/".join(request.segments)
    if request.segments[:1] == ("collections",) and len(request.segments) > 2:
        return ApiError(501, f"Not implemented: the vector node does not answer {request.method} /{path}")
    return ApiError(404, f"Not found: there is no {request.method} /{path}")
