"""Feeds from memory: stored bytes with the right headers, one call of the API for many, old answers in need."""

import asyncio
from datetime import UTC, datetime

import pytest
from tests.service.edge.world import KEY, World, key_record, let_others_run, run

from opsctl.service.book import Limits, ServiceBook
from opsctl.service.cache.policy import CacheBook, EdgeTier, Lifetime
from opsctl.service.telemetry.facts import REFRESH, FeedFacts, feed_of, note_feed


def test_the_second_request_is_answered_with_the_stored_bytes() -> None:
    """Same body, `HIT-L1`, its age, and no call of the API."""

    async def story() -> None:
        with World() as world:
            first = await world.ask("/v1/feed/42")
            world.time.now += 17
            second = await world.ask("/v1/feed/42?limit=20")

            assert (first.status, first["x-cache"], first.has("age")) == (200, "MISS", False)
            assert (second.status, second["x-cache"], second["age"]) == (200, "HIT-L1", "17")
            assert second.body == first.body
            assert second["etag"] == first["etag"]
            assert second["cache-tag"] == "user-42,content-7,content-8"
            assert second["cache-control"] == "private, max-age=0, must-revalidate"
            assert second["content-type"] == "application/json"
            assert second["content-length"] == str(len(second.body))
            assert second["server-timing"].startswith("edge;dur=")
            assert first["x-request-id"] != second["x-request-id"]
            assert (second["ratelimit-limit"], second["ratelimit-policy"]) == ("1000", "1000;w=3600")
            assert (first["ratelimit-remaining"], second["ratelimit-remaining"]) == ("999", "998")
            assert len(world.api.asked) == 1
            assert [message["type"] for message in second.messages] == [
                "http.response.start",
                "http.response.body",
            ]

    run(story())


def test_a_request_without_a_limit_is_kept_where_the_book_allows_few_items() -> None:
    """It means what the API means by it, so L1 answers it too."""

    async def story() -> None:
        with World(service=ServiceBook(limits=Limits(feed_items=5))) as world:
            replies = [
                await world.ask(path) for path in ("/v1/feed/42", "/v1/feed/42", "/v1/feed/42?limit=5")
            ]
            assert [reply["x-cache"] for reply in replies] == ["MISS", "HIT-L1", "HIT-L1"]
            assert [asked["query_string"] for asked in world.api.asked] == [b"limit=5"]

    run(story())


def test_users_limits_regions_and_categories_have_their_own_answers() -> None:
    """Nobody gets the feed of another request."""

    async def story() -> None:
        with World() as world:
            paths = ["/v1/feed/1", "/v1/feed/2", "/v1/feed/1?limit=5", "/v1/feed/1?region=a"]
            paths += ["/v1/feed/1?category=a", "/v1/feed/1?region=a&category=a"]
            bodies = {(await world.ask(path)).body for path in paths}
            assert len(bodies) == len(paths)
            again = [await world.ask(path) for path in paths]
            assert {reply["x-cache"] for reply in again} == {"HIT-L1"}
            assert {reply.body for reply in again} == bodies

    run(story())


def test_head_and_if_none_match_save_the_body() -> None:
    """HEAD has the headers of GET; a client that has the answer gets 304."""

    async def story() -> None:
        with World() as world:
            whole = await world.ask("/v1/feed/42", method="HEAD")
            etag = whole["etag"]
            head = await world.ask("/v1/feed/42", method="HEAD")
            same = [
                await world.ask("/v1/feed/42", headers={"If-None-Match": value})
                for value in (etag, f'"other", W/{etag}', "*")
            ]
            other = await world.ask("/v1/feed/42", headers={"If-None-Match": '"other"'})

            assert (whole.status, whole.body, head.status, head.body) == (200, b"", 200, b"")
            assert head["content-length"] == str(len(other.body))
            assert [reply.status for reply in same] == [304, 304, 304]
            assert all(reply.body == b"" and reply["etag"] == etag for reply in same)
            assert not same[0].has("content-length")
            assert other.status == 200
            assert world.api.asked[0]["method"] == "GET"

    run(story())


def test_a_client_cannot_go_past_the_cache() -> None:
    """`no-cache` would let anybody make the service work."""

    async def story() -> None:
        with World() as world:
            await world.ask("/v1/feed/42")
            reply = await world.ask(
                "/v1/feed/42", headers={"Cache-Control": "no-cache", "Pragma": "no-cache"}
            )
            assert reply["x-cache"] == "HIT-L1"

    run(story())


def test_nothing_of_the_first_client_shapes_the_answer_of_the_others() -> None:
    """The API sees user and query, no cookie, range, encoding or forwarded host."""

    async def story() -> None:
        with World() as world:
            headers = {
                "Cookie": "a=b",
                "Range": "bytes=0-1",
                "Accept-Encoding": "gzip",
                "X-Forwarded-Host": "evil",
            }
            await world.ask("/v1/feed/0042?category=b&region=a", headers=headers)
            [asked] = world.api.asked

            assert {name for name, _ in asked["headers"]} == {
                b"host",
                b"accept",
                b"x-request-id",
                b"traceparent",
            }
            assert (asked["path"], asked["query_string"]) == ("/v1/feed/42", b"limit=20&region=a&category=b")

    run(story())


def test_two_hundred_misses_at_once_call_the_api_once() -> None:
    """Everybody gets the same bytes, each with an id of its own; it goes on when the first one leaves."""

    async def story() -> None:
        with World() as world:
            open_up = asyncio.Event()

            async def wait() -> None:
                await open_up.wait()

            world.api.before = wait
            tasks = [asyncio.create_task(world.ask("/v1/feed/42")) for _ in range(200)]
            await let_others_run()
            tasks[0].cancel()
            await let_others_run()
            open_up.set()
            replies = await asyncio.gather(*tasks[1:])

            assert tasks[0].cancelled()
            assert len(world.api.asked) == 1
            assert {reply.body for reply in replies} == {replies[0].body}
            assert len({reply["x-request-id"] for reply in replies}) == 199
            assert (await world.ask("/v1/feed/42"))["x-cache"] == "HIT-L1"

    run(story())


def test_an_old_answer_is_given_at_once_while_one_task_makes_it_anew() -> None:
    """Within `stale_while_revalidate` nobody waits."""

    async def story() -> None:
        with World() as world:
            first = await world.ask("/v1/feed/42")
            world.time.now += 310
            old = [await world.ask("/v1/feed/42") for _ in range(5)]
            await let_others_run()
            new = await world.ask("/v1/feed/42")

            assert {(reply["x-cache"], reply.body, reply["age"]) for reply in old} == {
                ("STALE", first.body, "310")
            }
            assert (new["x-cache"], new["age"]) == ("HIT-L1", "0")
            assert new.body != first.body
            assert len(world.api.asked) == 2

    run(story())


def test_a_feed_made_in_the_background_leaves_a_line_of_its_own() -> None:
    """With what was noted while it was made, an id that no client got, and without counting as a request."""

    async def story() -> None:
        with World() as world:

            async def note() -> None:
                note_feed(
                    FeedFacts(feed_id=f"f{len(world.api.asked)}", size=1, tier="simple", segment="cold")
                )

            world.api.before = note
            await world.ask("/v1/feed/42")
            world.time.now += 310
            old = [await world.ask("/v1/feed/42") for _ in range(3)]
            await let_others_run()

            [refresh] = [line for line in world.logged if line.cache == REFRESH]
            found = feed_of(refresh.trace)
            assert found is not None
            assert found.feed_id == "f2"
            assert (refresh.route, refresh.status, refresh.user_id) == ("feed", 200, 42)
            assert (refresh.bytes_sent, refresh.key_prefix) == (0, None)
            assert refresh.request_id not in {reply["x-request-id"] for reply in old}
            assert dict(world.api.asked[1]["headers"])[b"x-request-id"].decode() == refresh.request_id
            assert refresh.trace_id in dict(world.api.asked[1]["headers"])[b"traceparent"].decode()
            assert [line.cache for line in world.logged if feed_of(line.trace)] == ["MISS", REFRESH]
            assert world.counted("requests_total", route="feed", status="2xx") == 4

    run(story())


def test_a_feed_whose_first_asker_left_leaves_its_line_all_the_same() -> None:
    """Once it is built, and once only, however many others waited for it."""

    async def story() -> None:
        with World() as world:
            open_up = asyncio.Event()

            async def wait() -> None:
                await open_up.wait()
                note_feed(FeedFacts(feed_id="f1", size=1, tier="simple", segment="cold"))

            world.api.before = wait
            tasks = [asyncio.create_task(world.ask("/v1/feed/42")) for _ in range(3)]
            await let_others_run()
            tasks[0].cancel()
            await let_others_run()
            before = list(world.logged)
            open_up.set()
            await asyncio.gather(*tasks[1:])
            await let_others_run()

            [built] = [line for line in world.logged if feed_of(line.trace)]
            assert before == []
            assert (built.status, built.cache, built.bytes_sent, built.user_id) == (499, "MISS", 0, 42)
            assert dict(world.api.asked[0]["headers"])[b"x-request-id"].decode() == built.request_id
            assert world.counted("requests_in_flight") == 0

    run(story())


def test_past_that_it_is_made_anew_before_it_is_given() -> None:
    """An answer older than fresh and stale together is not served while the API is well."""

    async def story() -> None:
        with World() as world:
            first = await world.ask("/v1/feed/42")
            world.time.now += 361
            second = await world.ask("/v1/feed/42")
            assert second["x-cache"] == "MISS"
            assert second.body != first.body

    run(story())


@pytest.mark.parametrize("failure", ["error", "status", "deadline"])
def test_an_old_answer_stands_in_for_an_error(failure: str) -> None:
    """Within `stale_if_error`, and without making each request wait for the next failure."""

    async def story() -> None:
        book = world_book()
        with World(service=book) as world:
            first = await world.ask("/v1/feed/42")
            world.time.now += 1000
            fail(world, failure)
            replies = [await world.ask("/v1/feed/42") for _ in range(5)]
            assert {(reply.status, reply["x-cache"], reply.body) for reply in replies} == {
                (200, "STALE", first.body)
            }
            assert len(world.api.asked) == 2
            world.time.now += 1.5
            await world.ask("/v1/feed/42")
            assert len(world.api.asked) == 3
            world.time.now += 3600
            assert (await world.ask("/v1/feed/42")).status in {500, 503, 504}
            heal(world)
            assert (await world.ask("/v1/feed/42"))["x-cache"] == "MISS"

    run(story())


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [("error", 500, "SVC201"), ("called off", 503, "SVC202"), ("deadline", 504, "SVC205")],
)
def test_without_an_old_answer_an_error_is_a_problem_for_all_who_wait(
    failure: str, status: int, code: str
) -> None:
    """Each with its own id; and it is not kept."""

    async def story() -> None:
        with World(service=world_book()) as world:
            fail(world, failure)
            replies = await asyncio.gather(*(world.ask("/v1/feed/42") for _ in range(3)))
            assert {(reply.status, reply.document["code"]) for reply in replies} == {(status, code)}
            assert all(reply["content-type"] == "application/problem+json" for reply in replies)
            assert all(reply.has("retry-after") == (status == 503) for reply in replies)
            assert all(reply.document["request_id"] == reply["x-request-id"] for reply in replies)
            heal(world)
            assert (await world.ask("/v1/feed/42")).status == 200

    run(story())


def test_what_nobody_foresaw_is_an_error_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever asked learns nothing of it."""

    async def story() -> None:
        with World(service=world_book()) as world:
            fail(world, "error")
            await world.ask("/v1/feed/42")

    run(story())
    [line] = [each for each in caplog.records if each.getMessage() == "a feed could not be made"]
    assert (line.levelname, line.exc_info is not None) == ("ERROR", True)


def test_a_problem_of_the_api_names_each_request_that_it_answers() -> None:
    """One call of the API, and every waiter finds its own id in the body."""

    async def story() -> None:
        with World() as world:
            world.api.status, world.api.body = 422, b'{"status":422,"request_id":"of-the-first"}'
            world.api.headers = {"content-type": "application/problem+json"}
            replies = await asyncio.gather(*(world.ask("/v1/feed/42?region=nowhere") for _ in range(3)))
            assert len(world.api.asked) == 1
            assert [reply.status for reply in replies] == [422] * 3
            for reply in replies[1:]:
                assert reply.document == {"status": 422, "request_id": reply["x-request-id"]}
                assert reply["content-length"] == str(len(reply.body))
                assert reply["cache-control"] == "no-store"

    run(story())


@pytest.mark.parametrize(
    "poison",
    [
        {"status": 500},
        {"status": 503},
        {"status": 404},
        {"status": 206},
        {"body": b""},
        {"tags": None},
        {"tags": ""},
        {"tags": "user-1,bad tag\u00ff"},
        {"headers": {"cache-control": "no-store"}},
        {"headers": {"set-cookie": "a=b"}},
        {"headers": {"content-type": "text/html"}},
    ],
)
def test_what_is_not_a_good_feed_is_never_kept(poison: dict[str, object]) -> None:
    """It is passed on as it is, and the next request asks again."""

    async def story() -> None:
        with World() as world:
            for name, value in poison.items():
                setattr(world.api, name, value)
            first = await world.ask("/v1/feed/42")
            second = await world.ask("/v1/feed/42")
            assert len(world.api.asked) == 2
            assert first.status == second.status == poison.get("status", 200)
            assert world.memory.memory.entries == 0
            assert not second.has("age")

    run(story())


def test_an_answer_cut_short_is_an_error() -> None:
    """An API that ends without a whole body has not answered."""

    async def story() -> None:
        with World() as world:

            async def half(_scope: object, _receive: object, send: object) -> None:
                await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
                await send({"type": "http.response.body", "body": b"{", "more_body": True})  # type: ignore[operator]

            world.edge._feeds._application = half
            assert (await world.ask("/v1/feed/42")).status == 500

    run(story())


def test_a_change_of_an_item_drops_every_feed_that_holds_it() -> None:
    """Posted by any process; the next lookup knows."""

    async def story() -> None:
        with World() as world:
            await world.ask("/v1/feed/1")
            await world.ask("/v1/feed/2")
            world.journal.post("tag:content-8")
            assert (await world.ask("/v1/feed/1"))["x-cache"] == "MISS"
            assert (await world.ask("/v1/feed/2"))["x-cache"] == "MISS"
            world.journal.post("tag:user-1")
            assert (await world.ask("/v1/feed/1"))["x-cache"] == "MISS"
            assert (await world.ask("/v1/feed/2"))["x-cache"] == "HIT-L1"

    run(story())


def test_an_answer_made_before_a_change_is_not_kept_after_it() -> None:
    """Who waited gets it; the next one gets what holds now."""

    async def story() -> None:
        with World() as world:

            async def changed_meanwhile() -> None:
                world.journal.post("tag:content-7")

            world.api.before = changed_meanwhile
            assert (await world.ask("/v1/feed/42")).status == 200
            world.api.before = None
            assert (await world.ask("/v1/feed/42"))["x-cache"] == "MISS"
            assert (await world.ask("/v1/feed/42"))["x-cache"] == "HIT-L1"

    run(story())


@pytest.mark.parametrize(
    ("moment", "mark", "made"),
    [
        ("before they ask", "tag:content-7", 2),
        ("before they ask", "kind:feed", 2),
        ("before they ask", "tag:content-9", 1),
        ("while they wait", "tag:content-7", 1),
        ("before they ask, and again while they wait", "tag:content-7", 2),
    ],
)
def test_who_asks_after_a_change_does_not_get_what_was_begun_before_it(
    moment: str, mark: str, made: int
) -> None:
    """They wait for the flight, which may know nothing of the change, and share one more where it speaks of theirs."""

    async def story() -> None:
        with World() as world:
            open_up = asyncio.Event()

            async def wait() -> None:
                await open_up.wait()

            world.api.before = wait
            first = asyncio.create_task(world.ask("/v1/feed/42"))
            await let_others_run()
            if moment != "while they wait":
                world.journal.post(mark)
            others = [asyncio.create_task(world.ask("/v1/feed/42")) for _ in range(20)]
            await let_others_run()
            if moment != "before they ask":
                world.journal.post(mark)
            open_up.set()
            assert (await first).document["made"] == 1
            assert {reply.document["made"] for reply in await asyncio.gather(*others)} == {made}
            assert len(world.api.asked) == made
            assert len([told for told in world.logged if told.trace is not None]) == made

    run(story())


def test_who_has_a_feed_made_once_more_waits_no_longer_than_any_request() -> None:
    """The time that the flight before took counts; the feed is kept all the same for who comes next."""

    async def story() -> None:
        with World() as world:
            flights = [asyncio.Event(), asyncio.Event()]

            async def wait() -> None:
                await flights[len(world.api.asked) - 1].wait()

            world.api.before = wait
            first = asyncio.create_task(world.ask("/v1/feed/42"))
            await let_others_run()
            world.journal.post("tag:content-7")
            second = asyncio.create_task(world.ask("/v1/feed/42"))
            await let_others_run()
            world.time.now += ServiceBook().limits.request_seconds
            flights[0].set()
            assert (await first).status == 200
            async with asyncio.timeout(1):
                assert (await second).status == 504
            flights[1].set()
            await let_others_run()
            assert (await world.ask("/v1/feed/42"))["x-cache"] == "HIT-L1"

    run(story())


def test_a_revoked_key_is_refused_with_the_next_request() -> None:
    """Long before its memory of ten seconds is over, and in spite of a cached feed."""

    async def story() -> None:
        with World() as world:
            await world.ask("/v1/feed/42")
            world.source.records["goodkey1"] = key_record(revoked_at=datetime.now(UTC))
            world.journal.post("apikey:goodkey1")
            reply = await world.ask("/v1/feed/42")
            assert (reply.status, world.logged[-1].refused) == (401, "revoked_key")

    run(story())


def test_shared_caches_get_lifetimes_of_their_own() -> None:
    """`s-maxage` for a CDN, a copy for each key."""

    async def story() -> None:
        book = CacheBook(l1=EdgeTier(shared_caches=True, feed=Lifetime(fresh="5m", jitter=0.5)))
        with World(cache=book) as world:
            world.random.now = 1.0
            reply = await world.ask("/v1/feed/42")
            assert (
                reply["cache-control"]
                == "max-age=0, s-maxage=150, stale-while-revalidate=0, stale-if-error=0"
            )
            assert reply["vary"] == "authorization"
            world.time.now += 149
            assert (await world.ask("/v1/feed/42"))["x-cache"] == "HIT-L1"
            world.time.now += 1
            assert (await world.ask("/v1/feed/42"))["x-cache"] == "MISS"

    run(story())


def test_l1_that_is_off_asks_the_api_every_time() -> None:
    """For measuring what it brings; key and limit are still checked."""

    async def story() -> None:
        with World(cache=CacheBook(l1=EdgeTier(enabled=False))) as world:
            replies = [await world.ask("/v1/feed/42") for _ in range(3)]
            assert [reply["x-cache"] for reply in replies] == ["MISS"] * 3
            assert replies[-1]["ratelimit-remaining"] == "997"
            assert len(world.api.asked) == 3
            assert (await world.ask("/v1/feed/42", key=None)).status == 401

    run(story())


def test_what_the_edge_does_not_understand_goes_to_the_api_uncached() -> None:
    """Its problem is the API's to word."""

    async def story() -> None:
        with World() as world:
            world.api.status = 400
            for path in ("/v1/feed/-1", "/v1/feed/42?limit=-1", "/v1/feed/42?other=1"):
                assert (await world.ask(path)).status == 400
            assert [asked["path"] for asked in world.api.asked] == [
                "/v1/feed/-1",
                "/v1/feed/42",
                "/v1/feed/42",
            ]
            assert KEY not in str(world.logged)

    run(story())


def world_book() -> ServiceBook:
    """Give a book with a short deadline."""
    return ServiceBook(limits=Limits(request_seconds=0.05))


def fail(world: World, how: str) -> None:
    """Make the API fail."""
    if how == "error":
        world.api.error = RuntimeError("broken")
    elif how == "status":
        world.api.status = 503
    elif how == "called off":

        async def called_off() -> None:
            raise asyncio.CancelledError

        world.api.before = called_off
    else:

        async def too_long() -> None:
            await asyncio.sleep(60)

        world.api.before = too_long


def heal(world: World) -> None:
    """Make the API well again."""
    world.api.error, world.api.status, world.api.before = None, 200, None
    world.time.now += 2
