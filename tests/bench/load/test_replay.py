"""A recorded log is sent again: what was asked, when, and which lines are no requests."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bench.load.test_requests import FEED, SAVE, job

from opsctl.bench.load.checks import Checks
from opsctl.bench.load.replay import ReplaySource
from opsctl.bench.load.sources import arrivals_of, source_of
from opsctl.core.errors import UsageError


def replayed(folder: Path, *lines: str, speed: float = 1.0) -> ReplaySource:
    """Return a source of these lines."""
    log = folder / "requests.log"
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ReplaySource(replace(job({"feed": FEED, "save": SAVE}), replay=log, replay_speed=speed))


def times(source: ReplaySource) -> list[float]:
    """Return all arrival times."""
    return [float(second) for _, seconds in source.arrivals.share(0, of=1) for second in seconds]


def line(at: float, path: str = "/v1/feed/7", **more: object) -> str:
    """Return a line of a log."""
    return json.dumps({"at_seconds": at, "path": path} | more)


def test_requests_come_in_the_order_and_at_the_distances_of_the_log(tmp_path: Path):
    """The first one begins the run, whatever its moment."""
    source = replayed(
        tmp_path, line(100.5, "/v1/feed/2"), line(100.0, "/v1/feed/1"), "", line(103.0, "/v1/feed/3")
    )
    assert times(source) == [0.0, 0.5, 3.0]
    assert [request.split(b" ")[1] for _, request in source.batch([0, 1, 2])] == [
        b"/v1/feed/1",
        b"/v1/feed/2",
        b"/v1/feed/3",
    ]


def test_twice_the_speed_halves_the_distances(tmp_path: Path):
    """The order stays."""
    assert times(replayed(tmp_path, line(0), line(4), speed=2.0)) == [0.0, 2.0]


def test_a_request_belongs_to_the_endpoint_that_it_looks_like(tmp_path: Path):
    """Method and path decide; what fits none is `other`, and its check takes any good status."""
    source = replayed(
        tmp_path,
        line(0, "/v1/feed/7?limit=3"),
        line(1, "/v1/interactions", method="POST", body={"a": [1]}),
        line(2, "/elsewhere"),
        line(3, "/v1/feed/7", method="DELETE"),
    )
    requests = source.batch(range(4))
    assert source.endpoints == ("feed", "save", "other")
    assert [endpoint for endpoint, _ in requests] == [0, 1, 2, 2]
    assert requests[1][1].endswith(b'Content-Length: 9\r\n\r\n{"a":[1]}')
    checks = Checks(job({"feed": FEED, "save": SAVE}).book)
    assert checks.inspect(2, status=204, head=b"", body=b"") is None
    assert checks.inspect(2, status=503, head=b"", body=b"") == "status 503"


def test_braces_and_blanks_of_a_log_stay_what_they_were(tmp_path: Path):
    """Nothing recorded is taken for a placeholder."""
    source = replayed(tmp_path, line(0, "/v1/{user}"), line(1, "/x", method="POST", body="{key} {user}"))
    requests = [request for _, request in source.batch([0, 1])]
    assert requests[0].startswith(b"GET /v1/%7Buser%7D HTTP/1.1\r\n")
    assert requests[1].endswith(b"\r\n\r\n{key} {user}")


def test_lines_of_the_common_log_format_are_spread_over_their_second(tmp_path: Path):
    """Four requests of one second come a quarter apart."""
    common = '127.0.0.1 - - [10/Oct/2025:13:55:{:02} +0000] "GET /v1/feed/1 HTTP/1.1" 200 2326 "-" "agent"'
    source = replayed(tmp_path, *[common.format(36)] * 4, common.format(37))
    assert times(source) == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_lines_of_the_services_own_log_become_the_endpoint_of_that_name(tmp_path: Path):
    """The user is known by a hash: the same hash is the same user; probes are left out."""
    own = {"event": "request", "method": "GET", "status": 200, "user": "3f2a"}
    lines = [
        json.dumps(own | {"at": f"2026-01-01T00:00:0{second}.500+00:00", "route": "feed"})
        for second in (0, 2)
    ]
    probe = json.dumps(own | {"at": "2026-01-01T00:00:01.500+00:00", "route": "health"})
    source = replayed(tmp_path, *lines, probe)
    assert times(source) == [0.0, 2.0]
    first, second = source.batch([0, 1])
    assert first == second
    assert first[1].startswith(b"GET /v1/feed/")


def test_every_bad_line_is_named_with_its_number(tmp_path: Path):
    """All at once, not one a run."""
    bad = [
        "{",
        '{"at_seconds": NaN, "path": "/"}',
        '{"at_seconds": -1, "path": "/"}',
        '{"at_seconds": true, "path": "/"}',
        '{"at_seconds": 1e400, "path": "/"}',
        '{"at_seconds": 1}',
        '{"at_seconds": 1, "path": "no"}',
        '{"at_seconds": 1, "path": "/a b"}',
        '{"at_seconds": 1, "path": "/a\\r\\nX: y"}',
        '{"at_seconds": 1, "path": "/", "method": "PATCH"}',
        '{"at_seconds": 1, "path": "/", "colour": 1}',
        '{"route": "unknown", "at": "2026-01-01T00:00:00+00:00"}',
        '{"route": "feed", "at": "yesterday"}',
        '{"route": ["feed"], "at": "2026-01-01T00:00:00+00:00"}',
        '{"at_seconds": 1, "path": "/\\ud800"}',
        '{"at_seconds": 1, "path": "/", "method": "POST", "body": "\\ud800"}',
        "what is this",
        "[]",
    ]
    with pytest.raises(UsageError) as caught:
        replayed(tmp_path, line(0), *bad)
    places = [finding.location.line for finding in caught.value.findings if finding.location]
    assert (caught.value.code, places) == ("BEN031", list(range(2, 2 + len(bad))))


def test_a_body_may_hold_what_ends_a_line_elsewhere(tmp_path: Path):
    """U+2028 stands as it is in JSON."""
    source = replayed(tmp_path, '{"at_seconds": 0, "method": "POST", "path": "/", "body": "a\u2028b"}')
    assert source.batch([0])[0][1].endswith("a\u2028b".encode())


def test_an_empty_log_and_one_of_weeks_are_refused(tmp_path: Path):
    """There is nothing to send, or no end of it."""
    for lines in (("",), (line(0), line(1e9))):
        with pytest.raises(UsageError) as caught:
            replayed(tmp_path, *lines)
        assert caught.value.code == "BEN031"


def test_a_job_with_a_log_gets_its_times_and_one_without_those_of_its_book(tmp_path: Path):
    """The engine asks one place for both."""
    plain = job({"feed": FEED})
    log = tmp_path / "requests.log"
    log.write_text(line(0) + "\n" + line(9))
    recorded = replace(plain, replay=Path(log.name), folder=tmp_path)
    assert arrivals_of(plain, source_of(plain)).seconds == 1.0
    assert round(arrivals_of(recorded, source_of(recorded)).seconds) == 9
