"""The page of every call of the API."""

import json
from pathlib import Path

from opsctl.documentation.openapi_page import render_openapi

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENT = json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))


def test_the_written_page_is_that_of_the_document():
    """`make docs` writes it anew."""
    assert (DOCS / "openapi.md").read_text(encoding="utf-8") == render_openapi(DOCUMENT)


def test_everything_of_the_document_is_on_the_page():
    """Each call, parameter, body, field, header and problem."""
    page = render_openapi(DOCUMENT)
    calls = [
        (path, method, call) for path, item in DOCUMENT["paths"].items() for method, call in item.items()
    ]

    assert len(calls) > 5
    assert all(f"### {method.upper()} {path}\n" in page for path, method, _ in calls)
    assert all(
        f"| `{each['name']}` | {each['in']} |" in page
        for *_, call in calls
        for each in call.get("parameters", ())
    )
    for name, schema in DOCUMENT["components"]["schemas"].items():
        section = page.partition(f"### {name}\n")[2].partition("\n### ")[0]
        assert all(f"| `{field}` |" in section for field in schema.get("properties", {})), name
    for kind in ("headers", "responses"):
        assert all(name in page for name in DOCUMENT["components"][kind])


def test_a_bar_or_a_line_break_in_a_text_does_not_break_the_table():
    """Whatever a description says."""
    document = {
        "info": {"version": "1", "description": "d"},
        "paths": {
            "/a": {
                "get": {
                    "description": "What.",
                    "parameters": [
                        {"name": "x", "in": "query", "schema": {"type": "string"}, "description": "a | b\nc"}
                    ],
                    "responses": {"200": {"description": "well"}},
                }
            }
        },
        "components": {},
    }

    assert "| `x` | query | string | a \\| b c |" in render_openapi(document)
