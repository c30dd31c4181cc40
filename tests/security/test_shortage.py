"""A service that is not ready, or busy, is no insecure one: probes ask again, and then could not tell; real defects stay."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.clock import FakeClock
from tests.security.audited_project import AuditedProject

from opsctl.clients.programs import ProgramEnd
from opsctl.clients.wire import WireAnswer
from opsctl.core.events import ignore
from opsctl.security.audit import Checked, audit
from opsctl.security.checks import (
    sec101_rate_limit,
    sec104_contract,
    sec105_fuzz,
    sec106_sql_injection,
    sec107_authentication,
    sec108_objects,
)
from opsctl.security.model import SecurityCheck, State
from opsctl.security.probing.shortage import Shortage, is_unready, only_there
from opsctl.security.probing.sql import substance

_FEED = "/v1/feed/{user_id}"
_BUSY = {"detail": "something that the answer needs is not there (DBS003)"}
_EMPTY = {"detail": "there is nothing to search yet (COL006)"}
_CONTRACT = {
    "paths": {
        _FEED: {
            "get": {
                "security": [{"key": []}],
                "parameters": [
                    {"name": "user_id", "in": "path", "example": 7},
                    {"name": "region", "in": "query", "example": "north"},
                ],
            }
        }
    }
}


@dataclass
class Service:
    """A small service with one operation; `answers` says what it answers to target and headers, else 200."""

    answers: Callable[[str], tuple[int, dict[str, Any]] | None]
    retry_after: str | None = "0"

    def answer(self, target: str, *, said: str) -> tuple[int, dict[str, Any]]:
        """Return status and document."""
        if target == "/openapi.json":
            return 200, _CONTRACT
        return self.answers(said) or (200, {"user_id": _reader(target), "items": []})


@dataclass
class At:
    """The address of a service, with keys of no meaning (`security.context.LiveService`)."""

    base_url: str

    def key(
        self, *, plan: str = "free", scopes: Sequence[str] = ("feed:read",), lives_seconds: float = 900.0
    ) -> str:
        """Return a key."""
        return "opk_" + "abcdefgh" + "_x"

    def revoke(self, key: str) -> None:
        """Do nothing."""


def _reader(target: str) -> int:
    text = target.partition("?")[0].rpartition("/")[2]
    return int(text) if text.isdigit() else 0


@contextmanager
def running(service: Service) -> Iterator[str]:
    """Give the address of the service."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 0.3  # for messages that never end

        def _answer(self) -> None:
            length = self.headers.get("Content-Length") or "0"
            self.rfile.read(int(length) if length.isdigit() else 0)
            status, document = service.answer(self.path, said=f"{self.path} {self.headers}")
            body = json.dumps(document).encode()
            self.send_response_only(status)
            if status == 503 and service.retry_after is not None:
                self.send_header("Retry-After", service.retry_after)
            self.send_header("Content-Type", "application/problem+json")
            self.send_header("RateLimit-Policy", "20;w=3600")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):
                return self._answer
            raise AttributeError(name)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def probe(
    check: SecurityCheck,
    service: Service,
    *,
    folder: Path,
    answering: Callable[[Sequence[str]], ProgramEnd | None] | None = None,
) -> Checked:
    """Return what a check says of the service."""
    with running(service) as url:
        context = replace(AuditedProject(folder, answering=answering).context(), service=At(url))
        return audit([check], context=context, waivers=(), clock=FakeClock(), listener=ignore).checked[0]


def always(status: int, document: dict[str, Any]) -> Callable[[str], tuple[int, dict[str, Any]]]:
    """Answer everything alike."""
    return lambda _: (status, document)


def now_and_then(document: dict[str, Any]) -> Callable[[str], tuple[int, dict[str, Any]] | None]:
    """Answer every third request with 503."""
    count = iter(range(10**9))
    return lambda _: (503, document) if next(count) % 3 == 0 else None


PROBES = [sec101_rate_limit, sec106_sql_injection, sec108_objects]


@pytest.mark.parametrize("check", [each.CHECK for each in PROBES], ids=lambda check: check.code)
@pytest.mark.parametrize(
    ("document", "reason", "mend"),
    [(_EMPTY, "no catalogue", "opsctl catalog generate"), (_BUSY, "not ready, or busy", "quiet machine")],
    ids=["empty", "busy"],
)
def test_a_service_that_is_not_ready_is_never_a_failure(
    check: SecurityCheck, document: dict[str, Any], reason: str, mend: str, tmp_path: Path
) -> None:
    """With the reason, and what to do."""
    found = probe(check, Service(always(503, document)), folder=tmp_path)

    assert (found.state, reason in found.reason, mend in (found.mend or "")) == (State.UNKNOWN, True, True)
    places = [each.place for each in found.troubles]
    assert "GET /v1/feed" in places
    assert set(places) <= {"GET /v1/feed", "GET /v1/trending"}


def test_a_503_now_and_then_is_asked_again(tmp_path: Path) -> None:
    """So it does not even keep a probe from telling."""
    found = probe(sec106_sql_injection.CHECK, Service(now_and_then(_BUSY)), folder=tmp_path)

    assert (found.state, found.troubles) == (State.PASS, ())


@pytest.mark.parametrize(
    "check",
    [sec101_rate_limit.CHECK, sec106_sql_injection.CHECK, sec108_objects.CHECK],
    ids=lambda check: check.code,
)
@pytest.mark.parametrize("retry_after", ["0", None], ids=["a 500", "a bare 503"])
def test_a_500_and_a_503_that_does_not_say_when_stay_failures(
    check: SecurityCheck, retry_after: str | None, tmp_path: Path
) -> None:
    """Both are what no contract allows."""
    status = 500 if retry_after is not None else 503
    service = Service(always(status, {"detail": "a defect"}), retry_after=retry_after)

    found = probe(check, service, folder=tmp_path)

    assert found.state is State.FAIL
    assert any(str(status) in each.title for each in found.troubles), found.troubles


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (lambda target: "%27" in target, State.FAIL),
        (lambda _: False, State.PASS),
    ],
    ids=["by a quote", "by nothing"],
)
def test_a_value_that_makes_the_service_answer_503_is_no_shortage(
    broken: Callable[[str], bool], expected: State, tmp_path: Path
) -> None:
    """A statement that breaks ends in a 503 of the database: each time for it, and never for a good value."""
    service = Service(lambda target: (503, _BUSY) if broken(target) else None)

    found = probe(sec106_sql_injection.CHECK, service, folder=tmp_path)

    assert found.state is expected, found.troubles
    if expected is State.FAIL:
        assert any("answers 503 for a value" in each.title for each in found.troubles)


def test_a_broken_header_that_alone_is_answered_503_is_no_shortage(tmp_path: Path) -> None:
    """It is named, as a 500 would be; where good requests are answered alike, no header is."""
    alone = Service(lambda said: (503, _BUSY) if "999-nothing" in said else None)
    among_others = Service(lambda said: (503, _BUSY) if said.startswith("/v1/trending") else None)

    titles = [
        [
            each.title
            for each in probe(sec105_fuzz.CHECK, each, folder=tmp_path).troubles
            if "503" in each.title
        ]
        for each in (alone, among_others)
    ]

    assert titles == [["header `Expect`: answered with 503, each time, and good requests are not"], []]


@pytest.mark.slow
def test_the_keys_of_a_database_that_is_away_are_neither_refused_nor_let_in(tmp_path: Path) -> None:
    """The service says 503 then, and SEC107 no more than that it could not tell."""
    service = Service(lambda target: (503, _BUSY) if target.startswith("/v1/feed") else (404, {}))

    found = probe(sec107_authentication.CHECK, service, folder=tmp_path)

    assert found.state is State.UNKNOWN, found.troubles
    assert "GET /v1/feed" in [each.place for each in found.troubles]


_PAGE = """\
=================================== FAILURES ===================================
____________________________ GET /v1/feed/{{user_id}} ____________________________
1. Test Case ID: eeQwrR

- ST101 Server error

- ST202 Schema-valid request rejected

    Valid data should have been accepted
    Expected: 2xx, 3xx, 404, 422

[503] Service Unavailable:

    `{{"type":"/docs#svc202","title":"unavailable","status":503}}`

Reproduce with:

    curl -X GET http://127.0.0.1:1/v1/feed/42
{more}
=================================== SUMMARY ====================================
"""
_REAL = """
2. Test Case ID: aaaaaa

- ST101 Server error

[500] Internal Server Error:

    `{"type":"/docs#svc201"}`
"""


@pytest.mark.parametrize(
    ("more", "document", "state", "titles", "runs"),
    [
        ("", _EMPTY, State.UNKNOWN, ["503 (COL006)"], 1),
        ("", None, State.UNKNOWN, [], 2),
        (_REAL, _EMPTY, State.FAIL, ["ST101 Server error"], 1),
        (_REAL, None, State.FAIL, ["ST101 Server error"], 1),
    ],
    ids=["empty", "busy for a while", "a defect beside it", "a defect while it is busy"],
)
def test_what_schemathesis_says_of_a_503_is_no_failure(
    more: str,
    document: dict[str, Any] | None,
    state: State,
    titles: list[str],
    runs: int,
    tmp_path: Path,
) -> None:
    """Where that is all, it runs once more, unless the service does not even answer a good request."""
    ran = []

    def answering(argv: Sequence[str]) -> ProgramEnd:
        ran.append(argv)
        return ProgramEnd(code=1, stdout=_PAGE.format(more=more) + "228 generated", stderr="")

    service = Service(lambda _: None if document is None else (503, document))
    found = probe(sec104_contract.CHECK, service, folder=tmp_path, answering=answering)

    assert (found.state, [each.title for each in found.troubles], len(ran)) == (state, titles, runs)


def unready(retry_after: str = "0", **more: str) -> WireAnswer:
    """Return a 503 as the contract has it."""
    headers = {"retry-after": retry_after, "content-type": "application/problem+json"} | more
    return WireAnswer(status=503, headers=list(headers.items()), body=json.dumps(_BUSY).encode(), seconds=0)


GOOD = WireAnswer(status=200, headers=(), body=b"{}", seconds=0)


def test_a_503_is_asked_again_twice_and_what_comes_then_counts() -> None:
    """Not a third time."""
    shortage = Shortage()
    answers = iter([unready(), unready(), GOOD])
    assert shortage.patiently("a", lambda: next(answers)) is GOOD
    assert not shortage

    answers = iter([unready(), unready(), unready(), GOOD])
    assert is_unready(shortage.patiently("a", lambda: next(answers)))
    assert shortage
    assert next(answers) is GOOD


def test_a_check_does_not_wait_for_ever() -> None:
    """Neither for one answer that says an hour, nor for many that say a second (ten in all)."""
    asked = []

    def ask(retry_after: str) -> WireAnswer:
        asked.append(retry_after)
        return unready(retry_after)

    Shortage().patiently("a", lambda: ask("3600"))

    assert asked == ["3600"]


def test_waits_are_bounded_in_all() -> None:
    """However many requests there are."""
    slept: list[float] = []
    shortage = Shortage(sleep=slept.append)

    for _ in range(100):
        shortage.patiently("a", lambda: unready("1"))

    assert sum(slept) == 10.0


def test_a_503_of_a_proxy_is_no_shortage() -> None:
    """It has a page of its own, or does not say when."""
    assert is_unready(unready())
    assert not is_unready(unready(**{"content-type": "text/html"}))
    assert not is_unready(unready(retry_after="soon"))


def test_a_good_request_that_is_refused_too_clears_the_other() -> None:
    """One such answer of the good one is enough."""
    assert only_there(unready, lambda: GOOD)
    assert not only_there(unready, unready)
    assert not only_there(lambda: GOOD, lambda: GOOD)


def test_an_answer_that_repeats_what_was_sent_has_no_other_substance() -> None:
    """A search that finds nothing names the region that was asked for; that tells no condition apart."""
    one, other = (f'{{"region": "a and 1={n}", "items": [{n - 1}]}}' for n in (1, 2))

    assert substance(200, one.encode(), sent="a and 1=1") != substance(200, other.encode(), sent="a and 1=2")
    same = one.replace("1=1", "1=2").encode()
    assert substance(200, one.encode(), sent="a and 1=1") == substance(200, same, sent="a and 1=2")
