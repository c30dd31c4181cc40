"""How does a template of `templates/reports` become a page: every text escaped, and no value silently missing."""

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def render_report(template: str, **values: Any) -> str:
    """Return the page that a template makes of these values; what comes from outside is shown as text."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from opsctl import assets

    return Environment(
        loader=FileSystemLoader(assets.templates() / "reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
