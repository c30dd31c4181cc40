"""What is sent for arrival i: the same in every process, by popularity, and nothing else than one request."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from opsctl.bench.load.book import LoadBook
from opsctl.bench.load.draws import Zipf, chosen, uniform
from opsctl.bench.load.ports import Address, LoadJob
from opsctl.bench.load.requests import MixSource

ARRIVALS = [{"shape": "constant", "rate": 10, "duration": "1s"}]
FEED = {"share": 97, "path": "/v1/feed/{user}?limit=20"}
SAVE = {
    "share": 3,
    "method": "POST",
    "path": "/v1/interactions",
    "headers": {"Content-Type": "application/json"},
    "body": '{"user": {user}, "content": {content}, "key": "{key}", "at": "{now}", "other": {"a": 1}}',
}


def job(mix: dict[str, Any], **book: Any) -> LoadJob:
    """Return a job of a book with this mix."""
    made = LoadBook.model_validate({"mix": mix, "arrivals": ARRIVALS} | book)
    return LoadJob(name="test", book=made, address=Address(host="127.0.0.1", port=8000))


def test_an_arrival_is_the_same_request_whoever_asks_for_it():
    """Processes that share the arrivals agree on each, in whatever batches they ask."""
    wanted = list(MixSource(job({"feed": FEED, "save": SAVE})).batch(range(3000)))
    other = MixSource(job({"feed": FEED, "save": SAVE}))
    assert list(other.batch(range(1, 3000, 2))) == wanted[1::2]
    assert [other.batch([number])[0] for number in (2999, 0, 17)] == [wanted[2999], wanted[0], wanted[17]]


def test_another_seed_gives_other_requests_and_a_warm_up_too():
    """What a warm-up asks is not what is counted."""
    one = job({"feed": FEED})
    counted = MixSource(one).batch(range(100))
    assert MixSource(job({"feed": FEED}, seed=2)).batch(range(100)) != counted
    assert MixSource(replace(one, is_warm_up=True)).batch(range(100)) != counted


def test_the_mix_has_the_shares_of_the_book():
    """Ninety-seven of a hundred are feeds."""
    counts = Counter(
        endpoint for endpoint, _ in MixSource(job({"feed": FEED, "save": SAVE})).batch(range(50_000))
    )
    assert 0.965 < counts[0] / 50_000 < 0.975


def test_popular_users_come_as_often_as_zipf_says():
    """The first rank has its weight, and who has it depends on the seed."""
    users = Zipf(count=1000, exponent=1.0, seed=3).of(uniform(np.arange(200_000), seed=3, stream=1))
    share = Counter(users.tolist()).most_common(1)[0][1] / 200_000
    harmonic = sum(1 / rank for rank in range(1, 1001))
    assert abs(share - 1 / harmonic) < 0.005
    assert (users.min(), users.max()) == (1, 1000)
    first = {
        Counter(Zipf(count=1000, exponent=1.0, seed=seed).of(np.zeros(1)).tolist()).most_common(1)[0][0]
        for seed in range(5)
    }
    assert len(first) > 1


def test_without_an_exponent_all_users_are_alike():
    """Zero is the uniform distribution."""
    users = Zipf(count=10, exponent=0.0, seed=1).of(uniform(np.arange(100_000), seed=1, stream=1))
    assert all(9_500 < count < 10_500 for count in Counter(users.tolist()).values())


@given(st.integers(0, 2**70), st.integers(0, 100), st.lists(st.integers(0, 2**40), min_size=1, max_size=20))
def test_draws_lie_below_one_for_any_seed_and_arrival(seed, stream, arrivals):
    """Also far beyond what fits into 64 bits."""
    shares = uniform(np.array(arrivals), seed=seed, stream=stream)
    assert ((shares >= 0) & (shares < 1)).all()
    assert set(chosen(shares, [1.0, 2.0, 0.5]).tolist()) <= {0, 1, 2}


def test_streams_of_one_seed_do_not_resemble_each_other():
    """Which user asks says nothing about what is asked."""
    first, second = (uniform(np.arange(20_000), seed=1, stream=stream) for stream in (1, 2))
    assert abs(float(np.corrcoef(first, second)[0, 1])) < 0.03


def test_a_request_with_a_body_says_how_long_it_is_and_keeps_foreign_braces():
    """Only the four placeholders are replaced."""
    one = replace(job({"save": SAVE}), run_id="abc", began_at="2026-02-03T04:05:06Z")
    _, request = MixSource(one).batch([7])[0]
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/interactions HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b'"key": "abc-0000000000007"' in body
    assert b'"at": "2026-02-03T04:05:06Z", "other": {"a": 1}}' in body


def test_idempotency_keys_differ_between_arrivals_and_runs():
    """A key that came before would be a repetition, and cheaper to answer."""
    one = job({"save": SAVE})
    bodies = [body for _, body in MixSource(one).batch(range(200))]
    assert len(set(bodies)) == 200
    assert MixSource(replace(one, run_id="next")).batch([0])[0] != (0, bodies[0])


def test_paths_are_encoded_and_the_books_own_headers_win():
    """What is no character of an address becomes one; braces stay placeholders."""
    mix = {
        "feed": {
            "share": 1,
            "path": '/v1/ümlaut/{user}/"<>#',
            "headers": {"host": "elsewhere.test", "Accept": "a/b"},
        }
    }
    request = MixSource(replace(job(mix), headers={"Authorization": "Bearer x", "accept": "c/d"})).batch([0])[
        0
    ][1]
    assert request.startswith(b"GET /v1/%C3%BCmlaut/")
    assert b"/%22%3C%3E%23 HTTP/1.1\r\n" in request
    assert request.lower().count(b"\r\nhost:") == 1
    assert request.lower().count(b"\r\naccept:") == 1
    assert b"Authorization: Bearer x\r\n" in request


def test_a_header_cannot_carry_another_one_in():
    """Neither the book nor the key can add a request of its own."""
    with pytest.raises(ValueError, match="no header can"):
        MixSource(replace(job({"feed": FEED}), headers={"Authorization": "x\r\nX-Evil: 1"}))
    for headers in (
        {"X-A": "b\r\nX-Evil: 1"},
        {"X-A": "b\x00"},
        {"X-A\r\nB": "c"},
        {"Content-Length": "3"},
        {"transfer-encoding": "chunked"},
        {"X-A": "1", "x-a": "2"},
        {"X-A": "ü"},
    ):
        with pytest.raises(ValidationError):
            job({"feed": FEED | {"headers": headers}})


@pytest.mark.parametrize("path", ["/a b", "/a\r\nX: y", "a", "/{usr}", "/a\x7f", "/" + "x" * 3000, "/{}"])
def test_paths_that_are_none_are_refused_where_they_are_written(path):
    """Blanks, line breaks and unknown placeholders."""
    with pytest.raises(ValidationError):
        job({"feed": FEED | {"path": path}})


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch):
    """A million users do not fill the memory; the requests are the same all the same."""
    monkeypatch.setattr("opsctl.bench.load.requests._MOST_REMEMBERED_BYTES", 10_000)
    big = job({"feed": FEED}, users={"count": 1_000_000, "zipf": 0})
    source = MixSource(big)
    first = list(source.batch(range(2000)))
    assert len(source._remembered) < 100
    assert list(source.batch(range(2000))) == first


@pytest.mark.parametrize(
    "book",
    [
        {"users": {"count": 0}},
        {"users": {"zipf": float("nan")}},
        {"users": {"count": 10**12}},
        {"arrivals": [{"shape": "constant", "rate": float("inf"), "duration": "1s"}]},
        {"arrivals": [{"shape": "constant", "rate": 1e30, "duration": "1s"}]},
        {"arrivals": [{"shape": "constant", "rate": -1, "duration": "1s"}]},
        {"arrivals": [{"shape": "soak", "rate": 1, "duration": "999d"}]},
        {"gates": ["service.p99 < 1s", "nonsense"]},
        {"mix": {"service": FEED}},
        {"mix": {"Größe": FEED}},
        {"mix": {}},
        {"surprise": 1},
    ],
)
def test_bad_books_are_refused(book):
    """NaN, infinity, huge numbers, names with a meaning, unknown keys."""
    with pytest.raises(ValidationError):
        LoadBook.model_validate({"mix": {"feed": FEED}, "arrivals": ARRIVALS} | book)
