"""Which requests for a feed are the same: the canonical query and the key under which an answer is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.service.cache import keys
from opsctl.service.edge.request import FeedQueries, FeedQuery, Request, read_feed_query


def read(query: bytes) -> FeedQuery | None:
    """Read a query with the default bound."""
    return read_feed_query(query, most_items=100, default_items=20)


def request(path: str, method: str = "GET") -> Request:
    """Make a request of a path."""
    return Request({"method": method, "path": path, "query_string": b"", "headers": []}, began=0.0)


@pytest.mark.parametrize(
    "query",
    [
        b"limit=20&region=Queens&category=Loft%20space",
        b"category=Loft+space&region=Queens",
        b"region=%51ueens&limit=020&category=Loft%20space",
    ],
)
def test_equal_queries_share_a_key(query: bytes) -> None:
    """Order, defaults and ways to write a letter make no difference."""
    found = read(query)

    assert found is not None
    assert found.text == b"limit=20&region=Queens&category=Loft+space"
    assert found.key("42") == keys.feed(42, limit=20, region="Queens", category="Loft space")


@pytest.mark.parametrize(
    "query",
    [
        b"limit=0",
        b"limit=101",
        b"limit=-1",
        b"limit=1e1",
        b"limit=99999999999999999999",
        "limit=١٢".encode(),
        b"limit=%D9%A1",
        b"limit=",
        b"limit",
        b"limit=5&limit=6",
        b"region=",
        b"region=%ff",
        b"region=%00",
        b"region=%0d%0aX-Evil:%201",
        b"region=" + b"x" * 101,
        b"region=%20Queens",
        b"unknown=1",
        b"limit=5&&region=a",
        b"&",
    ],
)
def test_what_is_not_a_valid_query_is_left_to_the_api(query: bytes) -> None:
    """The edge neither answers it nor keeps what the API says of it."""
    assert read(query) is None


@given(
    limit=st.integers(1, 100),
    region=st.none() | st.text(min_size=1, max_size=20),
    category=st.none() | st.text(min_size=1, max_size=20),
)
def test_different_feeds_never_share_a_key(limit: int, region: str | None, category: str | None) -> None:
    """A colon or any other letter in one part cannot make it look like another."""
    from urllib.parse import urlencode

    asked = {"limit": str(limit)} | {
        name: value for name, value in (("region", region), ("category", category)) if value is not None
    }
    found = read(urlencode(asked).encode())
    if found is not None:
        assert found.key("7") == keys.feed(7, limit=limit, region=region, category=category)
        again = read(found.text)
        assert again == found


def test_a_flood_of_queries_does_not_fill_the_memory() -> None:
    """What is remembered is bounded, and what is forgotten is read again."""
    read_remembered = FeedQueries(most_items=100, default_items=20).read
    first = read_remembered(b"limit=7")
    for number in range(10_000):
        read_remembered(b"region=r%d" % number)

    assert read_remembered(b"limit=7") == first


@pytest.mark.parametrize(
    ("path", "user_id"),
    [
        ("/v1/feed/42", 42),
        ("/v1/feed/0042", 42),
        ("/v1/feed/9223372036854775807", 2**63 - 1),
        ("/v1/feed/9223372036854775808", None),
        ("/v1/feed/-1", None),
        ("/v1/feed/+1", None),
        ("/v1/feed/٤٢", None),
        ("/v1/feed/", None),
        ("/v1/feed/1/2", None),
        ("/v1/feed/" + "9" * 5000, None),
    ],
)
def test_only_plain_numbers_are_users(path: str, user_id: int | None) -> None:
    """Whatever else stands there is the API's to refuse."""
    found = request(path)

    assert found.route == "feed"
    assert found.user_id == user_id
    assert found.user_text == ("" if user_id is None else str(user_id))


@pytest.mark.parametrize(
    ("method", "path", "route", "scope"),
    [
        ("GET", "/v1/feed/1", "feed", "feed:read"),
        ("GET", "/v1/trending", "trending", "feed:read"),
        ("POST", "/v1/interactions", "interactions", "interactions:write"),
        ("GET", "/v1/content/1", "content", "content:read"),
        ("HEAD", "/v1/content/1", "content", "content:read"),
        ("PUT", "/v1/content/1", "content", "content:write"),
        ("DELETE", "/v1/content/1", "content", "content:write"),
        ("GET", "/healthz", "health", None),
        ("GET", "/readyz", "ready", None),
        ("GET", "/metrics", "metrics", None),
        ("GET", "/openapi.json", "docs", None),
        ("GET", "/v1/../etc/passwd", "other", None),
    ],
)
def test_each_route_needs_its_scope(method: str, path: str, route: str, scope: str | None) -> None:
    """Reading and writing are allowed apart."""
    found = request(path, method)

    assert (found.route, found.needed_scope) == (route, scope)


@pytest.mark.parametrize("text", ["7", "007", "0" * 30 + "7"])
def test_zeros_before_an_id_name_the_same_user(text: str) -> None:
    """Or each way to write it would have a limit of its own."""
    assert request(f"/v1/feed/{text}").user_id == 7


@pytest.mark.parametrize("text", ["", "0x7", "9" * 30, "-7", "7 "])
def test_what_is_no_id_names_nobody(text: str) -> None:
    """The API says what is wrong with it."""
    assert request(f"/v1/feed/{text}").user_id is None
