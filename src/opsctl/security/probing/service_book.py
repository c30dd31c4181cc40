"""What does the project's service book say: read as YAML, because the model of it belongs to the service."""

from typing import Any

from opsctl.clients.files import read_text
from opsctl.security.context import Context


def book_value(context: Context, *names: str, default: Any) -> Any:
    """Return a value of the book by its names, or the default where it is not said."""
    import yaml

    path = context.root / context.settings.project.books.service
    if not path.is_file():
        return default
    found: Any = yaml.safe_load(read_text(path)) or {}
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
        if found is None:
            return default
    return found
