"""How does a template become a file: nothing undefined, nothing unquoted, no difference from run to run."""

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from opsctl import assets

if TYPE_CHECKING:
    from jinja2 import Environment

HEADER = "rendered by opsctl from ops/deploy.yaml; do not edit"


def render(template: str, values: Mapping[str, object]) -> str:
    """Return the text of a template below `templates/deploy`, such as `compose/compose.yaml`."""
    return _environment().get_template(f"{template}.j2").render({"header": HEADER, **values})


def quoted(value: object) -> str:
    """Return a value as JSON, which every reader of YAML takes for the same.

    >>> quoted("a: b")
    '"a: b"'
    """
    return json.dumps(value, ensure_ascii=False)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(assets.templates() / "deploy"),
        autoescape=False,  # noqa: S701 - no HTML is made; what comes from the book matches a pattern or is quoted
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["q"] = quoted
    return environment
