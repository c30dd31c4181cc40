"""What the edge refuses by itself, and how it says so: keys, scopes, rate limit, sizes, times."""

import asyncio
from typing import Any

import pytest
from tests.service.edge.world import KEY, World, key_record, run

from opsctl.service.book import Keys, Limits, Plan, ServiceBook

_UNKNOWN = f"opk_unknown1_{'s' * 32}"


@pytest.mark.parametrize(
    ("headers", "key", "code", "challenge"),
    [
        ({}, None, "SVC101", 'Bearer realm="opsctl"'),
        ({"Authorization": "Basic abc"}, None, "SVC101", 'Bearer realm="opsctl"'),
        ({"Authorization": "Bearer x"}, None, "SVC102", 'Bearer realm="opsctl", error="invalid_token"'),
        ({}, _UNKNOWN, "SVC102", 'Bearer realm="opsctl", error="invalid_token"'),
        ({}, KEY[:-1] + "x", "SVC102", 'Bearer realm="opsctl", error="invalid_token"'),
    ],
)
def test_requests_without_a_good_key_are_401_and_never_reach_the_api(
    headers: dict[str, str], key: str | None, code: str, challenge: str
) -> None:
    """A problem that says what to do, with its challenge, kept by no cache."""

    async def story() -> None:
        with World() as world:
            reply = await world.ask("/v1/feed/42", key=key, headers=headers)
            assert (reply.status, reply.document["code"]) == (401, code)
            assert reply["content-type"] == "application/problem+json"
            assert reply["www-authenticate"] == challenge
            assert reply["cache-control"] == "no-store"
            assert reply["x-content-type-options"] == "nosniff"
            assert reply.document["request_id"] == reply["x-request-id"]
            assert reply.document["instance"] == "/v1/feed/42"
            assert world.api.asked == []

    run(story())


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v1/feed/42", "feed:read"),
        ("GET", "/v1/trending", "feed:read"),
        ("POST", "/v1/interactions", "interactions:write"),
        ("GET", "/v1/content/7", "content:read"),
        ("PUT", "/v1/content/7", "content:write"),
        ("DELETE", "/v1/content/7", "content:write"),
    ],
)
def test_a_key_without_the_scope_is_403(method: str, path: str, scope: str) -> None:
    """The challenge names the scope that is missing; with it the request goes on."""

    async def story() -> None:
        with World() as world:
            world.source.records["goodkey1"] = key_record(scopes=frozenset({"feed:write", "other"}))
            refused = await world.ask(path, method=method)
            assert (refused.status, refused.document["code"]) == (403, "SVC103")
            assert f'scope="{scope}"' in refused["www-authenticate"]
            world.source.records["goodkey1"] = key_record(scopes=frozenset({scope}))
            world.keys.doubt_all()
            assert (await world.ask(path, method=method)).status == 200

    run(story())


def test_beyond_the_limit_a_user_gets_429_and_others_go_on() -> None:
    """`Retry-After` says when; each user has an allowance of its own, and hits count too."""

    async def story() -> None:
        book = ServiceBook(plans={"free": Plan(requests=3, window="1h")})
        with World(service=book) as world:
            replies = [await world.ask("/v1/feed/42") for _ in range(5)]
            assert [reply.status for reply in replies] == [200, 200, 200, 429, 429]
            refused = replies[-1]
            assert refused.document["code"] == "SVC104"
            assert 1100 < int(refused["retry-after"]) <= 1200
            assert (refused["ratelimit-remaining"], refused["ratelimit-limit"]) == ("0", "3")
            assert (await world.ask("/v1/feed/042")).status == 429, "another way to write the same user"
            assert (await world.ask("/v1/feed/43")).status == 200

    run(story())


def test_two_keys_of_a_plan_do_not_double_a_users_allowance() -> None:
    """And a key of another plan has its own."""

    async def story() -> None:
        book = ServiceBook(plans={"free": Plan(requests=2, window="1h"), "bench": Plan(requests=9)})
        with World(service=book) as world:
            second, bench = f"opk_goodkey2_{'s' * 32}", f"opk_goodkey3_{'s' * 32}"
            world.source.records["goodkey2"] = key_record(second)
            world.source.records["goodkey3"] = key_record(bench, plan="bench")
            statuses = [(await world.ask("/v1/feed/42", key=key)).status for key in (KEY, second, KEY, bench)]
            assert statuses == [200, 200, 429, 200]

    run(story())


def test_other_routes_are_limited_by_key() -> None:
    """Refused requests of the API count, too."""

    async def story() -> None:
        with World(service=ServiceBook(plans={"free": Plan(requests=2, window="1h")})) as world:
            world.api.status = 404
            paths = ["/v1/nothing", "/v1/feed/abc", "/v1/trending"]
            assert [(await world.ask(path)).status for path in paths] == [404, 404, 429]

    run(story())


def test_unknown_keys_are_503_not_401_while_the_database_is_gone() -> None:
    """A good key must not be called wrong."""

    async def story() -> None:
        with World(service=ServiceBook(keys=Keys(remembered="10s"))) as world:
            world.source.is_gone = True
            reply = await world.ask("/v1/feed/42")
            assert (reply.status, reply.document["code"], reply["retry-after"]) == (503, "SVC202", "1")

    run(story())


def test_a_body_beyond_the_limit_is_413_by_its_length_alone() -> None:
    """Nothing of it is read."""

    async def story() -> None:
        with World() as world:

            async def never() -> dict[str, Any]:
                raise AssertionError("the body was read")

            for length in ("10000000", "9" * 30):
                reply = await world.ask(
                    "/v1/interactions", method="POST", headers={"Content-Length": length}, receive=never
                )
                assert (reply.status, reply.document["code"]) == (413, "SVC105")
                assert reply["connection"] == "close"
            assert world.api.asked == []

    run(story())


def test_a_body_without_a_length_is_cut_off_where_it_passes_the_limit() -> None:
    """A chunked body cannot fill the memory."""

    async def story() -> None:
        with World(service=ServiceBook(limits=Limits(body="4KiB"))) as world:
            given = 0

            async def endless() -> dict[str, Any]:
                nonlocal given
                given += 1
                return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

            headers = {"Transfer-Encoding": "chunked"}
            reply = await world.ask("/v1/interactions", method="POST", headers=headers, receive=endless)
            assert (reply.status, given, world.api.asked) == (413, 5, [])

    run(story())


def test_a_body_that_dribbles_is_408() -> None:
    """The whole body has so many seconds, however often a byte comes."""

    async def story() -> None:
        with World(service=ServiceBook(limits=Limits(body_seconds=0.05))) as world:

            async def dribble() -> dict[str, Any]:
                await asyncio.sleep(0.01)
                return {"type": "http.request", "body": b"x", "more_body": True}

            headers = {"Content-Length": "1000"}
            reply = await world.ask("/v1/interactions", method="POST", headers=headers, receive=dribble)
            assert (reply.status, reply.document["code"], reply["connection"]) == (408, "SVC106", "close")
            assert world.logged[-1].refused == "too_slow"

    run(story())


def test_a_client_that_leaves_in_the_middle_of_its_body_gets_nothing() -> None:
    """It is counted and logged as 499, and nothing is sent."""

    async def story() -> None:
        with World() as world:

            async def leaves() -> dict[str, Any]:
                return {"type": "http.disconnect"}

            headers = {"Content-Length": "10"}
            reply = await world.ask("/v1/interactions", method="POST", headers=headers, receive=leaves)
            assert reply.messages == []
            assert world.logged[-1].status == 499
            assert world.counted("requests_in_flight") == 0

    run(story())


def test_a_good_body_reaches_the_api_whole() -> None:
    """In however many pieces it came."""

    async def story() -> None:
        with World() as world:
            pieces = [b'{"a', b'":', b"1}"]

            async def receive() -> dict[str, Any]:
                piece = pieces.pop(0)
                return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

            headers = {"Content-Length": "7"}
            reply = await world.ask("/v1/interactions", method="POST", headers=headers, receive=receive)
            assert reply.status == 200
            assert world.api.bodies == [b'{"a":1}']

    run(story())


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "٣"])
def test_a_length_that_is_no_number_is_400(length: str) -> None:
    """The server refuses most of them already."""

    async def story() -> None:
        with World() as world:
            headers = {"Content-Length": length.encode().decode("latin-1")}
            reply = await world.ask("/v1/interactions", method="POST", headers=headers)
            assert (reply.status, world.logged[-1].refused) == (400, "malformed")

    run(story())


def test_long_addresses_and_large_headers_are_refused() -> None:
    """414 and 431, before anything is looked up."""

    async def story() -> None:
        with World() as world:
            assert (await world.ask("/v1/" + "x" * 9000)).status == 414
            assert (await world.ask("/v1/feed/1?region=" + "x" * 9000)).status == 414
            assert (await world.ask("/v1/x", headers={f"x-{n}": "1" for n in range(200)})).status == 431
            assert (await world.ask("/v1/x", headers={"x-big": "1" * 40_000})).status == 431
            assert world.source.asked == ["goodkey1"]
            assert world.api.asked == []

    run(story())


def test_an_api_that_takes_too_long_is_504() -> None:
    """The call is ended, so that it does no work for nobody."""

    async def story() -> None:
        with World(service=ServiceBook(limits=Limits(request_seconds=0.05))) as world:
            cancelled: list[bool] = []

            async def too_long() -> None:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    cancelled.append(True)
                    raise

            world.api.before = too_long
            reply = await world.ask("/v1/trending")
            assert (reply.status, reply.document["code"], cancelled) == (504, "SVC205", [True])

    run(story())


def test_an_api_that_breaks_is_500_without_a_word_about_why() -> None:
    """The log has it; the client gets the id under which it is found."""

    async def story() -> None:
        with World() as world:
            world.api.error = RuntimeError("password=hunter2")
            reply = await world.ask("/v1/trending")
            assert (reply.status, reply.document["code"]) == (500, "SVC201")
            assert b"hunter2" not in reply.body
            assert reply.document["request_id"] == reply["x-request-id"]

    run(story())


def test_an_api_that_breaks_in_mid_answer_ends_the_connection() -> None:
    """Nobody must take half an answer for a whole one."""

    async def story() -> None:
        with World() as world:

            async def breaks(_scope: Any, _receive: Any, send: Any) -> None:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                raise RuntimeError("broken")

            world.edge._passing._application = breaks
            with pytest.raises(RuntimeError, match="broken"):
                await world.ask("/v1/trending")
            assert world.counted("requests_in_flight") == 0

    run(story())


@pytest.mark.parametrize("value", ["evil\r\nX-Injected: 1", "a b", "x" * 200, "<script>", "\u00e4"])
def test_what_a_client_sends_never_becomes_a_header_unchecked(value: str) -> None:
    """Neither its request id nor its path."""

    async def story() -> None:
        with World() as world:
            reply = await world.ask("/v1/trending", headers={"X-Request-Id": value, "Traceparent": value})
            assert reply["x-request-id"] != value
            [asked] = world.api.asked
            sent = dict(asked["headers"])
            assert sent[b"x-request-id"].decode() == reply["x-request-id"]
            assert len(sent[b"traceparent"]) == 55
            refused = await world.ask("/v1/feed/1\r\nSet-Cookie: a=b", key=None)
            assert all("\r" not in text and "\n" not in text for pair in refused.headers for text in pair)
            assert "\r" not in refused.document["instance"]

    run(story())


def test_a_good_request_id_is_taken_over() -> None:
    """By the answer, the API and the log."""

    async def story() -> None:
        with World() as world:
            reply = await world.ask("/v1/trending", headers={"X-Request-Id": "mine-1.2_3"})
            assert reply["x-request-id"] == "mine-1.2_3"
            assert (b"x-request-id", b"mine-1.2_3") in world.api.asked[0]["headers"]
            assert world.logged[-1].request_id == "mine-1.2_3"

    run(story())
