"""What do the books of the service and its caches say: read as YAML, because their models belong to the service."""

from typing import Any, Literal

from opsctl.clients.files import read_text
from opsctl.security.context import Context


def book_value(
    context: Context, *names: str, default: Any, book: Literal["service", "cache"] = "service"
) -> Any:
    """Return a value of a book by its names, or the default where it is not said."""
    import yaml

    path = context.root / getattr(context.settings.project.books, book)
    if not path.is_file():
        return default
    found: Any = yaml.safe_load(read_text(path)) or {}
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
        if found is None:
            return default
    return found
