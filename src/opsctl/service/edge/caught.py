"""What is a whole answer of the API, as it gave it?"""

from dataclasses import dataclass, field

from opsctl.service.edge.asgi import Headers


@dataclass(slots=True, kw_only=True)
class Caught:
    """An answer as the application gave it."""

    status: int = 0
    headers: Headers = field(default_factory=list)
    body: bytes = b""
