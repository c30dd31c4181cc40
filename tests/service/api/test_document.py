"""The OpenAPI document, the file in docs/, and the page for people."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.service.api.in_process import InProcessClient

from opsctl.service.api.contract import PROBLEMS
from opsctl.service.api.openapi import render_document

_DOCS = Path(__file__).parents[3] / "docs"
_WRITTEN = _DOCS / "openapi.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Give the document of the default books."""
    made: dict[str, Any] = json.loads(render_document())
    return made


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return each path with each of its operations."""
    return [(path, each) for path, methods in document["paths"].items() for each in methods.values()]


def test_the_written_document_is_that_of_the_code() -> None:
    """When this fails: `make docs`."""
    assert _WRITTEN.read_bytes() == render_document()


def test_the_contract_is_whole(document: dict[str, Any]) -> None:
    """The paths that the edge answers are in it too."""
    assert document["openapi"].startswith("3.1")
    assert list(document["paths"]) == [
        "/docs",
        "/healthz",
        "/metrics",
        "/openapi.json",
        "/readyz",
        "/v1/content/{content_id}",
        "/v1/feed/{user_id}",
        "/v1/interactions",
        "/v1/trending",
    ]


def test_every_route_under_v1_needs_a_key_and_tells_what_the_edge_answers(document: dict[str, Any]) -> None:
    """Refusals and their headers are part of the contract of each route."""
    for path, operation in operations(document):
        statuses = set(operation["responses"])
        assert statuses >= {"400", "408", "413", "414", "431", "500", "503", "504"}
        assert operation["security"] == ([{"key": []}] if path.startswith("/v1/") else [])
        assert ({"401", "403", "429"} <= statuses) == path.startswith("/v1/")


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """Schemas, headers and responses that are named are there, and none is there for nothing."""
    named = set(re.findall(r'"#/components/([^"]+)"', json.dumps(document)))
    there = {
        f"{section}/{name}"
        for section, parts in document["components"].items()
        if section != "securitySchemes"
        for name in parts
    }
    assert named == there


def test_every_refusal_is_a_problem(document: dict[str, Any]) -> None:
    """One shape for all errors."""
    for response in document["components"]["responses"].values():
        assert list(response["content"]) == ["application/problem+json"]
        assert "X-Request-Id" in response["headers"]


def test_the_page_shows_everything_and_needs_nothing_from_elsewhere(
    client: InProcessClient, document: dict[str, Any]
) -> None:
    """No script, no foreign address; every operation, code and link has its place on the page."""
    answer = client.get("/docs")

    page = answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<script" not in page
    assert not re.findall(r"""(?:src|href)=["'](?!#|/openapi\.json)""", page)
    assert not re.findall(r"url\(|@import", page)
    ids = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= ids
    assert {operation["operationId"] for _, operation in operations(document)} <= ids
    assert {kind.code.lower() for kind in PROBLEMS} <= ids


def test_the_document_is_served_as_it_is_written(client: InProcessClient, document: dict[str, Any]) -> None:
    """But for the bound of batches, which this client's book sets lower."""
    served = client.get("/openapi.json").json()
    served["components"]["schemas"]["InteractionBatch"]["properties"]["interactions"]["maxItems"] = 500
    assert served == document


def test_the_guide_has_every_code_and_header(document: dict[str, Any]) -> None:
    """`docs/api.md` is written by hand, so it could forget one."""
    guide = (_DOCS / "api.md").read_text()
    rows = [line for line in guide.splitlines() if line.startswith("| `SVC")]

    assert rows == [f"| `{kind.code}` | {kind.status} | {kind.title} | {kind.meaning} |" for kind in PROBLEMS]
    assert [name for name in document["components"]["headers"] if f"`{name}`" not in guide] == [
        "WWW-Authenticate"
    ]
