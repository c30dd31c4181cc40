"""On a line of HTTP single calls fail, and answers come back wrong in a way that parses, or does not."""

import json
import math
from typing import Any

import httpx
import pytest
from tests.chaos.proxy.running import Rig
from tests.chaos.proxy.upstreams import BIG, CHAT, HITS, QUERY

from opsctl.chaos.proxy.garble import INJECTION
from opsctl.chaos.proxy.toxics import Fail, Garble, Garbling, Latency

QUERY_PATH = "/collections/feed/points/query"


def test_the_first_calls_fail_and_then_no_more(rig: Rig):
    """On a connection that was open before; the upstream never hears of them."""
    rig.client.get("/small")
    rig.set(Fail(status=503, first_calls=2))

    statuses = [rig.client.post("/echo", content=b"x" * 5000).status_code for _ in range(4)]

    assert statuses == [503, 503, 200, 200]
    assert rig.upstream.seen["/echo"] == 2
    assert rig.state().accepted == 1
    assert (rig.state().toxics[0].calls, rig.state().toxics[0].hits) == (4, 2)


def test_each_third_call_on_a_path_fails(rig: Rig):
    """Calls on other paths are not counted."""
    rig.set(Fail(status=500, every=3, path_contains="/points/"))

    statuses = [rig.client.get(path).status_code for _ in range(4) for path in (QUERY_PATH, "/small")]

    assert statuses == [200, 200, 200, 200, 500, 200, 200, 200]


def test_a_share_of_calls_fails_and_the_same_ones_each_time(rig: Rig):
    """30 of 100, give or take."""
    rig.set(Fail(status=500, share=0.3, seed=7))

    statuses = [rig.client.get("/small").status_code for _ in range(100)]

    assert 18 <= statuses.count(500) <= 42


def test_too_many_requests_say_when_to_come_again(rig: Rig):
    """In whole seconds, rounded up."""
    rig.set(Fail(status=429, retry_after_seconds=1.2))

    answer = rig.client.post("/v1/chat/completions", json={})

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    assert answer.json()["error"]["type"] == "fault"
    assert rig.client.head("/small").status_code == 429


def test_a_failure_is_late_where_the_line_is_late(rig: Rig):
    """Toxics work together."""
    rig.set(Fail(status=503))
    rig.set(Latency(delay_seconds=0.1))

    assert rig.client.get("/small").elapsed.total_seconds() >= 0.1


@pytest.mark.parametrize("path", [QUERY_PATH, "/chunked"])
def test_ids_change_places_while_scores_stay(rig: Rig, path: str):
    """No id stays where it was, whether the answer comes whole or in chunks."""
    rig.client.get("/small")
    points = _garbled(rig, Garbling.SHUFFLE_IDS, path)["result"]["points"]

    assert sorted(hit["id"] for hit in points) == [hit["id"] for hit in HITS]
    assert all(hit["id"] != right["id"] for hit, right in zip(points, HITS, strict=True))
    assert [hit["score"] for hit in points] == [hit["score"] for hit in HITS]


def test_ids_of_other_answers_take_their_place_once_they_are_known(rig: Rig):
    """The first half of a batch gets what an answer before held."""
    rig.set(Garble(what=Garbling.SHUFFLE_IDS))
    rig.client.get(QUERY_PATH)

    batch = rig.client.get(f"{QUERY_PATH}/batch").json()["result"]

    assert {hit["id"] for hit in batch[0]["points"]} == {12, 13}
    assert {hit["id"] for hit in batch[1]["points"]} == {10, 11}


@pytest.mark.parametrize(
    ("path", "result"),
    [
        (QUERY_PATH, {"points": []}),
        (f"{QUERY_PATH}/batch", [{"points": []}, {"points": []}]),
        ("/points/search", []),
    ],
)
def test_an_empty_collection_has_no_hits_in_any_form(rig: Rig, path: str, result: object):
    """As an alias that points at nothing."""
    assert _garbled(rig, Garbling.EMPTY, path)["result"] == result


def test_ids_that_nobody_knows(rig: Rig):
    """Ten million further."""
    points = _garbled(rig, Garbling.UNKNOWN_IDS, QUERY_PATH)["result"]["points"]

    assert [hit["id"] for hit in points] == [hit["id"] + 10_000_000 for hit in HITS]


def test_scores_that_are_no_numbers(rig: Rig):
    """Python's own reader takes NaN; a strict one refuses the whole answer."""
    points = _garbled(rig, Garbling.NAN, QUERY_PATH)["result"]["points"]

    assert all(math.isnan(hit["score"]) for hit in points)


def test_text_that_is_no_json(rig: Rig):
    """With a length that fits, so that only the parser notices."""
    rig.set(Garble(what=Garbling.NOT_JSON))

    with pytest.raises(ValueError, match="Expecting value"):
        rig.client.get(QUERY_PATH).json()


def test_vectors_of_half_the_length(rig: Rig):
    """Those of Qdrant and those of a model."""
    embedded = _garbled(rig, Garbling.WRONG_DIMENSION, "/v1/embeddings")
    retrieved = rig.client.get("/points").json()

    assert len(embedded["data"][0]["embedding"]) == 4
    assert len(retrieved["result"][0]["vector"]) == 3


def test_a_model_that_was_talked_into_something(rig: Rig):
    """Prose where JSON was asked for."""
    said = _garbled(rig, Garbling.MODEL_INJECTION, "/v1/chat/completions")

    assert said["choices"][0]["message"] == {"role": "assistant", "content": INJECTION}


def test_a_model_that_scores_with_no_numbers(rig: Rig):
    """Ids stay, scores go."""
    said = _garbled(rig, Garbling.MODEL_NAN, "/v1/chat/completions")

    content = said["choices"][0]["message"]["content"]
    assert content == '{"scores": [{"id": 3, "score": NaN}]}'


def test_an_answer_without_a_body_gets_none(rig: Rig):
    """Else what is behind it would be out of step."""
    rig.set(Garble(what=Garbling.NOT_JSON))

    assert rig.client.head("/small").status_code == 200

    assert rig.client.get("/small").content.startswith(b"<html>")


@pytest.mark.parametrize("path", ["/small", "/collections", "/v1/chat/completions"])
def test_an_answer_without_hits_passes_as_it_is(rig: Rig, path: str):
    """And is not counted as hit."""
    rig.set(Garble(what=Garbling.EMPTY))

    assert rig.client.get(path).content == rig.new_client("http").get(path).content

    assert rig.state().toxics[0].hits == 0


def test_only_the_named_path_is_garbled_and_the_body_asked_for_uncompressed(rig: Rig):
    """What is packed cannot be changed."""
    rig.set(Garble(what=Garbling.EMPTY, path_contains="/query/batch"))

    assert rig.client.get(QUERY_PATH).json() == QUERY
    assert rig.client.get(f"{QUERY_PATH}/batch").json()["result"][0]["points"] == []

    assert b"accept-encoding" in rig.upstream.heads[QUERY_PATH].lower()
    assert b"accept-encoding" not in rig.upstream.heads[f"{QUERY_PATH}/batch"].lower()


def test_a_large_answer_that_is_no_json_survives_garbling(rig: Rig):
    """It is held as a whole, and passes as a whole."""
    rig.set(Garble(what=Garbling.SHUFFLE_IDS))

    assert rig.client.get("/big").content == BIG


def test_a_toxic_ends_and_answers_are_right_again(rig: Rig):
    """On the same connection."""
    assert _garbled(rig, Garbling.MODEL_NAN, "/v1/chat/completions") != CHAT

    rig.control.clear("http", "garble")

    assert rig.client.get("/v1/chat/completions").json() == CHAT
    assert rig.state().accepted == 1


def test_a_call_on_its_way_is_answered_before_the_failure_behind_it(rig: Rig):
    """Requests sent ahead keep their order."""
    sock = rig.connect("http")
    rig.set(Fail(status=503, path_contains="/small"))

    sock.sendall(b"GET /held HTTP/1.1\r\n\r\nGET /small HTTP/1.1\r\n\r\n")
    rig.in_loop(rig.upstream.gate.set)

    said = b""
    while b"503" not in said:
        said += sock.recv(1000)
    assert said.index(b"held") < said.index(b"503")


def _garbled(rig: Rig, what: Garbling, path: str) -> Any:
    rig.set(Garble(what=what))
    answer = rig.client.get(path)
    assert answer.status_code == httpx.codes.OK
    assert rig.state().toxics[0].hits == 1
    return json.loads(answer.content)
