"""When does an answer say nothing about security: the service is not ready or sheds load, and says when to ask again.

Such an answer is a 503 as the contract has it: a problem with `Retry-After`. It is asked again a few times, and what is left
of it could not be told. But a value that makes a statement fail may end in a 503 as well: so one that comes each time for
the one request, and never for a good one beside it, is no shortage.
"""

import json
import time
from collections.abc import Callable

from opsctl.clients.wire import WireAnswer
from opsctl.security.model import Answer, Trouble, could_not_tell

_UNAVAILABLE = 503
_REPEATS = 2
_LONGEST_WAIT_SECONDS = 2.0
_ALL_WAITS_SECONDS = 10.0
_CONFIRMATIONS = 3
_LONGEST_DETAIL = 200
# The service has no source collection to search: nobody has filled the catalogue.
_NO_CATALOGUE = "COL006"
_ABOUT_PATHS = 3
_EMPTY = (
    "the service answers 503: it has no catalogue yet",
    "fill the catalogue, and ask again: opsctl catalog generate",
)
_BUSY = (
    "the service answers 503: it is not ready, or busy",
    "see what is missing: opsctl status; then ask again on a quiet machine: opsctl security audit",
)


def is_unready(answer: WireAnswer) -> bool:
    """Tell whether the service only says that it cannot answer now; a bare 503 is a failure like any other."""
    return (
        answer.status == _UNAVAILABLE
        and answer.first("retry-after").isdigit()
        and answer.first("content-type").startswith("application/problem+json")
    )


def only_there(suspect: Callable[[], WireAnswer], good: Callable[[], WireAnswer]) -> bool:
    """Tell whether a suspect request is answered with 503 each time, and a good one in turn with it never."""
    return all(is_unready(suspect()) and not is_unready(good()) for _ in range(_CONFIRMATIONS))


class Shortage:
    """What of one check was answered with 503 to the last; it also bounds how long the check waits in all."""

    def __init__(self, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._found: dict[str, str] = {}
        self._waited_seconds = 0.0

    def __bool__(self) -> bool:
        return bool(self._found)

    def patiently(self, place: str, ask: Callable[[], WireAnswer]) -> WireAnswer:
        """Ask, and again when the service says so; note the answer if it is none in the end."""
        answer = ask()
        for _ in range(_REPEATS):
            if not (is_unready(answer) and self._wait(answer)):
                break
            answer = ask()
        self.note(place, answer)
        return answer

    def note(self, place: str, answer: WireAnswer) -> None:
        """Keep that nothing could be said of a place, where the answer is a 503."""
        if is_unready(answer):
            self._found.setdefault(place, _detail(answer))

    @property
    def is_without_catalogue(self) -> bool:
        """Tell whether nobody has filled the catalogue yet."""
        return any(_NO_CATALOGUE in detail for detail in self._found.values())

    def answer(self) -> Answer:
        """Return that the check could not tell, of what, why, and what to do."""
        reason, mend = _BUSY if not self.is_without_catalogue else _EMPTY
        troubles = tuple(Trouble(title=title, place=place) for place, title in self._found.items())
        return could_not_tell(reason, mend=mend, troubles=troubles)

    def _wait(self, answer: WireAnswer) -> bool:
        """Wait as long as the answer says; False where that is too long, or too much in all."""
        seconds = float(answer.first("retry-after"))
        if seconds > _LONGEST_WAIT_SECONDS or self._waited_seconds + seconds > _ALL_WAITS_SECONDS:
            return False
        self._waited_seconds += seconds
        self._sleep(seconds)
        return True


def place_of(method: str, target: str) -> str:
    """Return what is asked for, without what differs from one reader or value to the next.

    >>> place_of("GET", "/v1/feed/17?limit=3")
    'GET /v1/feed'
    """
    return f"{method} {'/'.join(target.partition('?')[0].split('/')[:_ABOUT_PATHS])}"


def _detail(answer: WireAnswer) -> str:
    try:
        document = json.loads(answer.body)
    except ValueError:
        document = None
    detail = document.get("detail") if isinstance(document, dict) else None
    if not isinstance(detail, str):
        return "503"
    return f"503 ({_NO_CATALOGUE})" if _NO_CATALOGUE in detail else f"503, {detail[:_LONGEST_DETAIL]}"
