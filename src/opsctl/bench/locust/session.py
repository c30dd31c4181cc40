"""How does a scenario ask, and how is each of its requests recorded: planned, sent and answered are three moments."""

import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from opsctl.bench.load.checks import outcome_of
from opsctl.bench.load.tally import Outcome
from opsctl.bench.locust.answers import Answer
from opsctl.bench.locust.raw_client import RawClient
from opsctl.bench.locust.rows import Rows, tier_of

if TYPE_CHECKING:
    from locust.event import EventHook

Check = Callable[[Answer], str | None]
"""Says in a few words what is wrong with an answer, as `ports.Inspects` does; None for a good one."""

OURS = {"opsctl": True}
"""The context of the `request` events that are fired here: they are recorded already."""


class RequestFailedError(Exception):
    """What Locust's own statistics count as a failure."""


class Session:
    """One connection's requests, one after the other. The first of an arrival counts from when it was planned.

    Args:
        client: whose connection it is.
        rows: where requests are recorded.
        request_event: Locust's own, which hears service times.
        head: lines that every request has, such as `Host` and `Authorization`, each with its end.
    """

    def __init__(self, client: RawClient, *, rows: Rows, request_event: "EventHook", head: str) -> None:
        self._connection = client.connection()
        self._rows = rows
        self._request_event = request_event
        self._head = head
        self._due: tuple[float, float] | None = None
        self._out: tuple[str, float, float, float] | None = None
        """Name, planned, taken up and sent, while a request is on its way."""

    def begin(self, *, planned: float, taken: float) -> None:
        """Take up an arrival."""
        self._due = planned, taken

    def get(self, path: str, *, name: str = "", check: Check | None = None) -> Answer:
        """Ask for a path; `name` is what the request counts under."""
        return self.request("GET", path, name=name, check=check)

    def post(self, path: str, *, body: Any = None, name: str = "", check: Check | None = None) -> Answer:
        """Send a value as JSON."""
        return self.request("POST", path, body=body, name=name, check=check)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        name: str = "",
        check: Check | None = None,
    ) -> Answer:
        """Send a request; anything but a 2xx is an error unless `check` says otherwise."""
        lines = "".join(f"{key}: {value}\r\n" for key, value in (headers or {}).items())
        content = b"" if body is None else json.dumps(body).encode()
        if content:
            lines += "Content-Type: application/json\r\n"
        if content or method in ("POST", "PUT"):
            lines += f"Content-Length: {len(content)}\r\n"
        request = f"{method} {path} HTTP/1.1\r\n{self._head}{lines}\r\n".encode() + content
        return self.exchange(name or path, request, method=method, check=check or _is_success)

    def exchange(self, name: str, request: bytes, *, check: Check, method: str = "GET") -> Answer:
        """Send these bytes, and record what becomes of them under a name."""
        # A later step of a journey is due when the one before was answered.
        planned, taken = self._due or (time.perf_counter(),) * 2
        self._due = None
        self._out = name, planned, taken, 0.0
        answer = self._connection.open()
        sent = 0.0
        if answer is None:
            sent = time.perf_counter()
            self._out = name, planned, taken, sent
            answer = self._connection.ask(request, since=sent, is_head=method == "HEAD")
        ended = time.perf_counter()
        self._out = None
        if answer.outcome is Outcome.OK:
            complaint = check(answer)
            if complaint is not None:
                answer = answer._replace(outcome=outcome_of(complaint), reason=complaint)
        self._record(name, (planned, taken, sent, ended), answer)
        self._tell_locust(method, name, seconds=ended - (sent or taken), answer=answer)
        return answer

    def censor(self, moment: float) -> None:
        """Record a request that is still out: it took at least so long."""
        if self._out is not None:
            name, planned, taken, sent = self._out
            self._rows.add(name, (planned, taken, sent, moment), outcome=Outcome.UNFINISHED)
            self._out = None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _record(self, name: str, moments: tuple[float, float, float, float], answer: Answer) -> None:
        tier = tier_of(answer.lower)
        self._rows.add(name, moments, outcome=answer.outcome, status=answer.status, tier=tier)
        if answer.status:
            self._rows.add_received(len(answer.head) + len(answer.body))
            self._rows.add_stages(answer.lower, tier=tier)
        if answer.reason:
            self._rows.add_reason(f"{name}: {answer.reason}")

    def _tell_locust(self, method: str, name: str, *, seconds: float, answer: Answer) -> None:
        self._request_event.fire(
            request_type=method,
            name=name,
            response_time=seconds * 1000,
            response_length=len(answer.body),
            exception=None if answer.is_good else RequestFailedError(answer.reason or answer.outcome.value),
            context=OURS,
            response=answer,
            start_time=time.time() - seconds,
            url=name,
        )


def _is_success(answer: Answer) -> str | None:
    if 200 <= answer.status < 300:
        return None
    return f"redirect {answer.status}" if 300 <= answer.status < 400 else f"status {answer.status}"
