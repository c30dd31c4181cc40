"""Which files of the checkout are rendered from the code, and by what?"""

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsctl.documentation.drift import Generated


def generated_pages() -> "tuple[Generated, ...]":
    """Return every file that `make docs` and `make schemas` write."""
    from opsctl.cli import wiring
    from opsctl.cli.reference import render_reference
    from opsctl.documentation.drift import Generated

    pages = {
        "docs/commands.md": render_reference,
        "docs/metrics.md": _metrics,
        "docs/openapi.json": _openapi_document,
        "docs/openapi.md": _openapi_page,
        "docs/assignment-vectors.json": _vectors,
    }
    schemas = {
        f"src/opsctl/schemas/{name}.json": partial(wiring.schema_text, name) for name in wiring.book_models()
    }
    return (
        *(Generated(path=path, render=render, remedy="make docs") for path, render in pages.items()),
        *(Generated(path=path, render=render, remedy="make schemas") for path, render in schemas.items()),
    )


def _metrics() -> str:
    from opsctl.metrics.reference import render_reference

    return render_reference()


def _openapi_document() -> str:
    from opsctl.service.api.openapi import render_document

    return render_document().decode()


def _openapi_page() -> str:
    """Return the page of what the code renders now, not of the committed document: both may be old together."""
    import json

    from opsctl.documentation.openapi_page import render_openapi

    return render_openapi(json.loads(_openapi_document()))


def _vectors() -> str:
    from opsctl.experiments.vectors import rendered

    return rendered()
