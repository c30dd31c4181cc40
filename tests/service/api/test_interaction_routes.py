"""Interactions over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from tests.fakes.service_ports import START, FakeService
from tests.service.api.in_process import InProcessClient
from tests.service.api.problems import places, problem_of

from opsctl.service.api import problem
from opsctl.service.api.outgoing import RecordedAnswer

JSON = {"Content-Type": "application/json"}


def interaction(**changes: Any) -> dict[str, Any]:
    """Return an interaction as it is sent."""
    return {
        "idempotency_key": "key-1",
        "kind": "save",
        "user_id": 42,
        "content_id": 7,
        "occurred_at": "2026-11-22T11:59:00Z",
    } | changes


def send(client: InProcessClient, *batch: Any) -> Any:
    """Send a batch."""
    return client.post("/v1/interactions", json={"interactions": list(batch)})


def test_each_key_is_told_what_became_of_it(client: InProcessClient, service: FakeService) -> None:
    """Accepted, repeated from before, of an item that is not there."""
    send(client, interaction(idempotency_key="old"))

    answer = send(
        client,
        interaction(idempotency_key="new", feed_id="feed-42"),
        interaction(idempotency_key="old"),
        interaction(idempotency_key="lost", content_id=10**15),
    )

    assert answer.status_code == 200
    assert answer.json() == {"accepted": ["new"], "repeated": ["old"], "unknown_content": ["lost"]}
    assert RecordedAnswer.model_validate_json(answer.content).accepted == ["new"]
    assert service.recorded["new"].feed_id == "feed-42"


def test_a_key_twice_in_one_batch_counts_once_and_is_reported(
    client: InProcessClient, service: FakeService
) -> None:
    """The first report holds, and the repeats are named once."""
    answer = send(client, interaction(), interaction(kind="hide"), interaction(kind="view"))

    assert answer.json() == {"accepted": ["key-1"], "repeated": ["key-1"], "unknown_content": []}
    assert service.recorded["key-1"].kind == "save"


def test_moments_keep_their_zone(client: InProcessClient, service: FakeService) -> None:
    """An offset is honoured."""
    send(client, interaction(occurred_at="2026-11-22T13:30:00.5+02:00"))

    assert START - service.recorded["key-1"].occurred_at == timedelta(minutes=29, seconds=59.75)


@pytest.mark.parametrize("moment", ["2026-11-22T12:05:00Z", "2026-08-24T12:00:01Z"])
def test_clocks_may_differ_a_little_and_reports_may_be_late(client: InProcessClient, moment: str) -> None:
    """Five minutes ahead, and ninety days back."""
    assert send(client, interaction(occurred_at=moment)).json()["accepted"] == ["key-1"]


@pytest.mark.parametrize(
    "moment",
    [
        "2026-11-22T12:05:01Z",
        "2026-08-24T12:00:00Z",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_interactions_outside_the_window_are_refused_with_their_batch(
    client: InProcessClient, service: FakeService, moment: str
) -> None:
    """Nothing of a refused batch is recorded."""
    answer = send(client, interaction(idempotency_key="good"), interaction(occurred_at=moment))

    assert places(problem_of(answer, problem.OUT_OF_WINDOW)) == ["/interactions/1/occurred_at"]
    assert not service.recorded


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("idempotency_key", ""),
        ("idempotency_key", "a" * 129),
        ("idempotency_key", "a b"),
        ("idempotency_key", "a\n"),
        ("idempotency_key", "ä"),
        ("idempotency_key", 7),
        ("kind", "contact"),
        ("user_id", 0),
        ("user_id", -1),
        ("user_id", 2**63),
        ("user_id", "42"),
        ("user_id", True),
        ("user_id", 1.5),
        ("user_id", None),
        ("content_id", 1e30),
        ("occurred_at", 1763812740),
        ("occurred_at", "2026-11-22T11:59:00"),
        ("occurred_at", "2026-11-22 11:59:00Z"),
        ("occurred_at", "2026-11-22"),
        ("occurred_at", "2026-13-45T11:59:00Z"),
        ("feed_id", "a/b"),
        ("feed_id", "a" * 65),
        ("surprise", 1),
    ],
)
def test_every_field_is_strict(
    client: InProcessClient, service: FakeService, field: str, value: object
) -> None:
    """400 names the place."""
    answer = send(client, interaction(idempotency_key="good"), interaction(**{field: value}))

    assert places(problem_of(answer, problem.INVALID)) == [f"/interactions/1/{field}"]
    assert not service.recorded


def test_whole_numbers_may_be_written_with_a_point(client: InProcessClient, service: FakeService) -> None:
    """JSON Schema takes 7.0 for an integer, so the service does too."""
    assert send(client, interaction(content_id=7.0)).json()["accepted"] == ["key-1"]
    assert service.recorded["key-1"].content_id == 7


@pytest.mark.parametrize("batch", [[], [interaction(idempotency_key=str(n)) for n in range(6)]])
def test_a_batch_holds_from_one_to_as_many_as_the_book_says(
    client: InProcessClient, batch: list[Any]
) -> None:
    """The bound is that of `limits.batch_interactions`, and the document names it."""
    assert places(problem_of(send(client, *batch), problem.INVALID)) == ["/interactions"]
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert schemas["InteractionBatch"]["properties"]["interactions"]["maxItems"] == 5


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"interactions": [{"user_id": NaN}]}',
        b'{"interactions": Infinity}',
        b'"\\ud800"',
        b'{"a": "\xc3\x28"}',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
    ],
)
def test_what_is_not_json_in_utf8_is_malformed(client: InProcessClient, body: bytes) -> None:
    """400 with the place where reading ended."""
    answer = client.post("/v1/interactions", content=body, headers=JSON)

    assert "line" in problem_of(answer, problem.MALFORMED)["detail"]


def test_many_errors_are_answered_with_a_few(client: InProcessClient) -> None:
    """The answer to a large nonsense is small."""
    answer = send(client, *[{"x" * 1000 + str(n): n for n in range(50)}] * 5)

    assert len(problem_of(answer, problem.INVALID)["errors"]) == 20


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {"Content-Type": ""},
    ],
)
def test_other_media_types_are_refused(client: InProcessClient, headers: dict[str, str]) -> None:
    """415; a compressed body could be a bomb."""
    problem_of(client.post("/v1/interactions", content=b"{}", headers=headers), problem.MEDIA)


def test_the_usual_spellings_of_json_are_taken(client: InProcessClient) -> None:
    """A charset that says UTF-8 changes nothing."""
    answer = client.post(
        "/v1/interactions", content=b"{}", headers={"Content-Type": 'Application/JSON; charset="UTF-8"'}
    )

    assert places(problem_of(answer, problem.INVALID)) == ["/interactions"]
