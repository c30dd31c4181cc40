"""Routes that need no key, CORS, what is passed on, and what metrics and log hear of each request."""

from typing import Any

import pytest
from tests.service.edge.world import World, let_others_run, run

from opsctl.service.book import Cors, Logs, ServiceBook
from opsctl.service.telemetry.trace import current_trace

_PAGE = "https://feed.example"


def test_health_is_answered_without_a_key_and_without_the_api() -> None:
    """It says that the process lives, nothing more."""

    async def story() -> None:
        with World() as world:
            reply = await world.ask("/healthz", key=None)
            assert (reply.status, reply.document) == (200, {"status": "ok"})
            assert (await world.ask("/healthz", key=None, method="HEAD")).body == b""
            refused = await world.ask("/healthz", key=None, method="POST")
            assert (refused.status, refused["allow"]) == (405, "GET, HEAD")
            assert world.api.asked == []

    run(story())


@pytest.mark.parametrize("path", ["/readyz", "/openapi.json", "/docs"])
def test_readiness_and_documentation_are_the_apis_and_need_no_key(path: str) -> None:
    """A probe and a newcomer have none."""

    async def story() -> None:
        with World() as world:
            world.api.headers = {"content-security-policy": "script-src 'self'"}
            reply = await world.ask(path, key=None)
            assert reply.status == 200
            assert reply["content-security-policy"] == "script-src 'self'", "its own goes before ours"
            assert world.source.asked == []

    run(story())


def test_metrics_are_open_unless_the_option_says_otherwise() -> None:
    """Prometheus' text, all workers together."""

    async def story() -> None:
        with World() as world:
            await world.ask("/v1/feed/42")
            reply = await world.ask("/metrics", key=None)
            assert reply.status == 200
            assert reply["content-type"].startswith("text/plain; version=")
            assert b'ranking_requests_total{route="feed",status="2xx"} 1.0' in reply.body
        with World(service=ServiceBook(metrics_open=False)) as world:
            assert (await world.ask("/metrics", key=None)).status == 401
            assert (await world.ask("/metrics")).status == 200

    run(story())


def test_metrics_tell_how_the_rate_limit_does() -> None:
    """From 0 on, so that a rate sees the first one; what is new is written before they are read."""

    async def story() -> None:
        with World() as world:
            assert b"ranking_rate_limit_evictions_total 0.0" in (await world.ask("/metrics", key=None)).body
            world.edge._cells.evictions += 2
            world.edge._cells.unlocked += 1
            reply = await world.ask("/metrics", key=None)
            assert b"ranking_rate_limit_evictions_total 2.0" in reply.body
            assert b"ranking_rate_limit_unlocked_total 1.0" in reply.body

    run(story())


def test_answers_of_the_api_pass_with_the_edges_headers() -> None:
    """Its status, body and own headers stay; what belongs to the edge is the edge's."""

    async def story() -> None:
        with World() as world:
            world.api.status = 201
            world.api.headers = {"location": "/v1/content/7", "x-request-id": "not-this", "server": "x"}
            reply = await world.ask("/v1/content/7", method="PUT", body=b"{}")
            assert (reply.status, reply["location"]) == (201, "/v1/content/7")
            assert reply["x-request-id"] != "not-this"
            assert not reply.has("server")
            assert reply["cache-control"] == "no-store"
            assert reply["ratelimit-remaining"] == "999"

    run(story())


def test_server_timing_shows_the_stages_of_whoever_made_the_answer() -> None:
    """And those of the API go into the log."""

    async def story() -> None:
        with World() as world:

            async def work() -> None:
                with current_trace().stage("retrieve"):
                    world.time.now += 0.002

            world.api.before = work
            for path in ("/v1/trending", "/v1/feed/42"):
                reply = await world.ask(path)
                assert reply["server-timing"].startswith("retrieve;dur=")
                assert "edge;dur=2.00" in reply["server-timing"]
                trace = world.logged[-1].trace
                assert trace is not None
                assert [stage.name for stage in trace.stages] == ["retrieve"]

    run(story())


def test_head_of_any_route_is_get_without_a_body() -> None:
    """The API need not know of HEAD."""

    async def story() -> None:
        with World() as world:
            reply = await world.ask("/v1/trending", method="HEAD")
            assert (reply.status, reply.body, world.api.asked[0]["method"]) == (200, b"", "GET")
            assert int(reply["content-length"]) > 0

    run(story())


def test_cors_is_off_by_default() -> None:
    """No origin gets a word, and a preflight is a request without a key."""

    async def story() -> None:
        with World() as world:
            reply = await world.ask("/v1/feed/42", headers={"Origin": _PAGE})
            assert not any(name.startswith("access-control") for name, _ in reply.headers)
            assert not reply.has("vary")
            assert (await preflight(world, _PAGE)).status == 401

    run(story())


def test_a_listed_origin_may_ask_and_read() -> None:
    """The preflight is answered by the edge; answers, hits and problems alike, name the origin."""

    async def story() -> None:
        with World(service=ServiceBook(cors=Cors(origins=[_PAGE]))) as world:
            before = await preflight(world, _PAGE)
            assert (before.status, before.body, world.api.asked) == (204, b"", [])
            assert before["access-control-allow-origin"] == _PAGE
            assert "authorization" in before["access-control-allow-headers"]
            assert "PUT" in before["access-control-allow-methods"]
            for key in ("right", None):
                for _ in range(2):
                    more: dict[str, Any] = {} if key else {"key": None}
                    reply = await world.ask("/v1/feed/42", headers={"Origin": _PAGE}, **more)
                    assert reply["access-control-allow-origin"] == _PAGE
                    assert "x-cache" in reply["access-control-expose-headers"]
                    assert reply["vary"] == "origin"
            assert (await world.ask("/v1/feed/42"))["vary"] == "origin"

    run(story())


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://feed.example.evil.example",
        "https://evilfeed.example",
        "https://feed.example:8443",
        "http://feed.example",
        "https://FEED.example",
        "https://feed.example/",
        "*",
        "",
    ],
)
def test_an_origin_that_is_not_listed_letter_by_letter_gets_nothing(origin: str) -> None:
    """No suffix, prefix, port, scheme or `null` passes, and no origin is ever echoed."""

    async def story() -> None:
        with World(service=ServiceBook(cors=Cors(origins=[_PAGE, "null"]))) as world:
            assert (await preflight(world, origin)).status == 403
            reply = await world.ask("/v1/feed/42", headers={"Origin": origin})
            assert not reply.has("access-control-allow-origin")
            assert reply["vary"] == "origin"

    run(story())


async def preflight(world: World, origin: str) -> Any:
    """Ask as a browser does beforehand."""
    headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    return await world.ask("/v1/feed/42", method="OPTIONS", key=None, headers=headers)


def test_every_answer_is_counted_once_by_route_status_and_outcome() -> None:
    """Hits, misses, old answers, refusals; and nothing stays in flight."""

    async def story() -> None:
        with World() as world:
            for _ in range(3):
                await world.ask("/v1/feed/42")
            world.time.now += 310
            await world.ask("/v1/feed/42")
            await let_others_run()
            await world.ask("/v1/feed/42", key=None)
            await world.ask("/v1/trending")
            counted = world.counted
            assert counted("requests_total", route="feed", status="2xx") == 4
            assert counted("requests_total", route="feed", status="4xx") == 1
            assert counted("requests_total", route="trending", status="2xx") == 1
            assert counted("request_duration_seconds_count", route="feed") == 5
            assert counted("refused_total", reason="no_key") == 1
            outcomes = {
                outcome: counted("cache_lookups_total", tier="l1", kind="feed", outcome=outcome)
                for outcome in ("hit", "miss", "stale")
            }
            assert outcomes == {"hit": 2, "miss": 1, "stale": 1}
            assert counted("requests_in_flight") == 0

    run(story())


def test_the_log_hears_of_everything_but_most_hits() -> None:
    """Hits are sampled by the book's share; misses, old answers and refusals never."""

    async def story() -> None:
        with World(service=ServiceBook(logs=Logs(hit_share=0.25))) as world:
            world.random.now = 0.5
            await world.ask("/v1/feed/42")
            await world.ask("/v1/feed/42")
            assert [facts.cache for facts in world.logged] == ["MISS"]
            world.random.now = 0.2
            trace = "0af7651916cd43dd8448eb211c80319c"
            await world.ask("/v1/feed/42", headers={"Traceparent": f"00-{trace}-b7ad6b7169203331-01"})
            await world.ask("/v1/feed/42", key=None)
            hit, refused = world.logged[1:]
            assert (hit.cache, hit.status, hit.user_id, hit.key_prefix) == ("HIT-L1", 200, 42, "goodkey1")
            assert (hit.route, hit.method, hit.trace_id, hit.trace) == ("feed", "GET", trace, None)
            assert hit.bytes_sent > 0
            assert (refused.status, refused.refused, refused.key_prefix) == (401, "no_key", None)

    run(story())


def test_the_life_of_the_server_is_the_apis() -> None:
    """Startup and shutdown reach it; sockets that are not HTTP are closed."""

    async def story() -> None:
        with World() as world:
            sent: list[Any] = []

            async def send(message: Any) -> None:
                sent.append(message)

            async def receive() -> Any:
                return {}

            await world.edge({"type": "websocket"}, receive, send)
            await world.edge({"type": "lifespan"}, receive, send)
            assert sent == [{"type": "websocket.close", "code": 1000}]
            assert [asked["type"] for asked in world.api.asked] == ["lifespan"]

    run(story())
