"""Is the head of a request small enough to be read?"""

from opsctl.service.api.problem import ProblemError
from opsctl.service.edge import problems
from opsctl.service.edge.hits import MOST_HEADERS
from opsctl.service.edge.request import Request

_LONGEST_ADDRESS = 8192
_LARGEST_HEADERS_BYTES = 32 * 1024


def refuse_long_head(request: Request) -> None:
    """Refuse an address that is too long, or too many headers: two lengths, so cheap enough for every request.

    Raises:
        ProblemError: it is.
    """
    if len(request.path) + len(request.query) > _LONGEST_ADDRESS:
        raise ProblemError(kind=problems.LONG_ADDRESS, detail=f"at most {_LONGEST_ADDRESS} bytes are read")
    if len(request.headers) > MOST_HEADERS:
        raise ProblemError(kind=problems.LARGE_HEADERS, detail=f"at most {MOST_HEADERS} headers are read")


def refuse_large_headers(request: Request) -> None:
    """Refuse headers whose bytes together are too many.

    Raises:
        ProblemError: they are.
    """
    if sum(len(name) + len(value) for name, value in request.scope["headers"]) > _LARGEST_HEADERS_BYTES:
        raise ProblemError(kind=problems.LARGE_HEADERS, detail="all headers together are too long")
