"""What is the contract: the OpenAPI 3.1 document of edge and API together, and the routes that show it."""

from functools import cache
from typing import Any, Final

import orjson
from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from opsctl.service.api.contract import (
    EDGE_PATHS,
    HEADERS,
    IF_NONE_MATCH,
    NOT_MODIFIED,
    REFUSALS,
    SECURITY_SCHEME,
    SUCCESS_HEADERS,
    TAGS,
    described,
)
from opsctl.service.api.docs_page import render_page
from opsctl.service.api.outgoing import HealthAnswer, ProblemAnswer
from opsctl.service.api.requests import SCHEMA_ADDRESS
from opsctl.service.book import ServiceBook
from opsctl.service.cache.policy import CacheBook

VERSION: Final = "1.0.0"
"""Of the contract, not of the program."""


def add_document_routes(api: FastAPI, *, book: ServiceBook, cache_book: CacheBook) -> None:
    """Add `/openapi.json` and `/docs`."""

    @cache
    def page() -> bytes:
        # Few ask for it, and rendering it takes longer than everything else at the start.
        return render_page(api.state.document).encode()

    @api.get(
        "/openapi.json",
        operation_id="getOpenApi",
        tags=["state"],
        responses={
            200: {
                "description": "The document.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            }
        },
    )
    async def get_openapi_document() -> Response:
        """Return this document."""
        return Response(orjson.dumps(api.state.document), media_type="application/json")

    @api.get(
        "/docs",
        operation_id="getDocs",
        tags=["state"],
        response_class=Response,
        responses={200: {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}}},
    )
    async def get_docs() -> Response:
        """Return this document as a page for people; it needs nothing from elsewhere."""
        return Response(page(), media_type="text/html", headers=_PAGE_HEADERS)

    api.state.document = make_document(api, book=book, cache_book=cache_book)


_PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
}


def make_document(api: FastAPI, *, book: ServiceBook, cache_book: CacheBook) -> dict[str, Any]:
    """Return the OpenAPI document of an application that has its routes."""
    document = get_openapi(
        title=api.title,
        version=VERSION,
        openapi_version="3.1.0",
        description=described(book=book, cache_book=cache_book),
        routes=api.routes,
    )
    document["servers"] = [{"url": "/"}]
    document["tags"] = TAGS
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for path in document["paths"].values():
        for operation in path.values():
            _name_body(operation, schemas)
    for own in ("HTTPValidationError", "ValidationError"):
        # FastAPI's shape of an error; ours is a problem.
        schemas.pop(own, None)
    _, more = models_json_schema(
        [(model, "serialization") for model in (HealthAnswer, ProblemAnswer)], ref_template=SCHEMA_ADDRESS
    )
    schemas |= more["$defs"]
    document["paths"] |= EDGE_PATHS
    feed = document["paths"]["/v1/feed/{user_id}"]["get"]
    for address, path in document["paths"].items():
        for operation in path.values():
            _complete(operation, is_protected=address.startswith("/v1/"))
    feed["parameters"].append(IF_NONE_MATCH)
    feed["responses"] = dict(sorted((feed["responses"] | {"304": NOT_MODIFIED}).items()))
    components |= {
        "schemas": dict(sorted(schemas.items())),
        "headers": HEADERS,
        "responses": {refusal.name: refusal.document() for refusal in REFUSALS},
        "securitySchemes": {"key": SECURITY_SCHEME},
    }
    document["paths"] = dict(sorted(document["paths"].items()))
    return document


def _name_body(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Move the schema of a body, and those inside it, to where they have names."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content["schema"]
        schemas |= schema.pop("$defs", {}) | {schema["title"]: schema}
        content["schema"] = {"$ref": SCHEMA_ADDRESS.format(model=schema["title"])}


def _complete(operation: dict[str, Any], *, is_protected: bool) -> None:
    """Add what the edge does in front of every route: keys, limits, refusals, headers."""
    operation["security"] = [{"key": []}] if is_protected else []
    for parameter in operation.get("parameters", []):
        _tidy(parameter)
    responses = operation["responses"]
    # FastAPI's own shape of a refused parameter; ours is among the refusals.
    responses.pop("422", None)
    for status, response in responses.items():
        response["description"] = _DESCRIPTIONS.get(status, "Done.")
        names = SUCCESS_HEADERS["*"] + SUCCESS_HEADERS.get(f"{operation['operationId']} {status}", [])
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    for refusal in REFUSALS:
        if refusal.belongs_to(operation, is_protected=is_protected):
            responses[str(refusal.status)] = {"$ref": f"#/components/responses/{refusal.name}"}
    operation["responses"] = dict(sorted(responses.items()))


def _tidy(parameter: dict[str, Any]) -> None:
    """Say of a parameter what holds on the wire: it is left out, never null, and described once."""
    schema = parameter["schema"]
    parameter["example"] = schema.pop("examples")[0]
    for repeated in ("title", "description"):
        schema.pop(repeated, None)
    if "anyOf" in schema:
        schema |= schema.pop("anyOf")[0]


_DESCRIPTIONS: Final = {"200": "As asked.", "201": "Made.", "204": "Removed."}
