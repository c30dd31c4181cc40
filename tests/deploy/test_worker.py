"""The edge, under Cloudflare's own runtime: what it keeps, for whom, how long, and what it does when the origin is gone."""

import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from syrupy.assertion import SnapshotAssertion
from tests.deploy.projects import FACTS, rendered
from tests.worker.server import INSTALLED, Asked, Origin, Reply, feed, running_origin, running_worker

from opsctl.deploy.facts import Part

PROVEN_SECONDS = 1.0
PURGE_TOKEN = "purge-token"

runtime = pytest.mark.skipif(not INSTALLED, reason="workerd is not installed: make tools")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A running Worker, and the origin behind it."""

    client: httpx.Client
    origin: Origin

    def get(self, path: str, *, key: str = "good", method: str = "GET", **headers: str) -> httpx.Response:
        """Ask with a key."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.request(method, path, headers={"authorization": f"Bearer {key}", **named})
        if not answer.headers.get("x-cache", "").startswith("HIT"):
            time.sleep(0.03)  # what was made is kept a moment after it was answered
        return answer

    def invalidate(self, document: Any, *, token: str = PURGE_TOKEN) -> httpx.Response:
        """Drop what is kept."""
        return self.client.post(
            "/_edge/invalidate", json=document, headers={"authorization": f"Bearer {token}"}
        )


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """Give one Worker for all tests; each has a user of its own."""
    folder, origin = tmp_path_factory.mktemp("worker"), Origin()
    write(folder)
    with (
        running_origin(origin) as behind,
        running_worker(folder, origin=behind) as address,
        httpx.Client(base_url=address, timeout=20) as client,
    ):
        yield Edge(client=client, origin=origin)


@pytest.fixture
def edge(worker: Edge) -> Iterator[Edge]:
    """Give the Worker before an origin that is as at the beginning."""
    origin = worker.origin
    origin.keys, origin.is_up, origin.asked = {"Bearer good", "Bearer other"}, True, []
    origin.answer = lambda _: feed()
    yield worker
    origin.is_up = True


def write(folder: Path, **facts: Any) -> None:
    """Write the rendered Worker, with times that a test can wait for."""
    feeds = replace(FACTS.feeds, proven_seconds=PROVEN_SECONDS)
    book = {"worker": {"marks_seconds": 1, "origin_seconds": 1.0}}
    for path, text in rendered(Part.WORKER, book, feeds=feeds, **facts).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def test_the_settings_of_the_worker_are_as_they_were(snapshot: SnapshotAssertion):
    """Its modules are the same everywhere; what differs is here."""
    files = rendered(Part.WORKER, {"worker": {"kv_namespace": "0" * 32}})

    # The version follows from the modules, too, so it would differ after each change of them.
    files["src/policy.js"] = re.sub('version: "[0-9a-f]{12}"', 'version: "X"', files["src/policy.js"])
    assert {name: files[name] for name in ("src/policy.js", "wrangler.toml", "package.json")} == snapshot


def test_a_change_of_the_policy_leaves_entries_of_the_former_one_alone():
    """Their keys begin with a version that follows from the books."""
    feeds = replace(FACTS.feeds, fresh_seconds=60.0)

    def version(text: str) -> str:
        return next(line for line in text.splitlines() if "version:" in line)

    before = version(rendered(Part.WORKER)["src/policy.js"])
    assert version(rendered(Part.WORKER, feeds=feeds)["src/policy.js"]) != before


@pytest.mark.slow
@runtime
def test_the_second_request_does_not_reach_the_origin(edge: Edge):
    """Whoever's key is good gets the same bytes, with an age, an id of its own and what it cost."""
    first = edge.get("/v1/feed/1")
    second = edge.get("/v1/feed/1", x_request_id="mine")

    assert (first.headers["x-cache"], second.headers["x-cache"]) == ("MISS", "HIT-EDGE")
    assert first.content == second.content == b'{"items":[1,2]}'
    assert edge.origin.count("/v1/feed/1") == 1
    assert second.headers["x-request-id"] == "mine"
    assert int(second.headers["age"]) <= 1
    assert "HIT-EDGE" in second.headers["server-timing"]
    assert second.headers["cache-tag"] == "content-1,content-2"


@pytest.mark.slow
@runtime
def test_the_allowance_of_one_request_is_not_told_to_another(edge: Edge):
    """It is passed through where the origin was asked."""
    first, second = edge.get("/v1/feed/2"), edge.get("/v1/feed/2")

    assert first.headers["ratelimit-remaining"] == "999"
    assert [name for name in second.headers if name.startswith("ratelimit")] == []
    assert "score;dur=3.1" in first.headers["server-timing"]


@runtime
def test_requests_that_mean_the_same_share_an_answer(edge: Edge):
    """Order, defaults, zeros and the way of writing do not matter."""
    for path in ("3?region=nsw&limit=20", "3?limit=020&region=nsw", "003?region=%6Esw"):
        edge.get(f"/v1/feed/{path}")

    assert [each.path for each in edge.origin.asked] == ["/v1/feed/3?limit=20&region=nsw"]


@runtime
@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=1&limit=1", "colour=red", "region=", "region=%FF", "x"]
)
def test_what_is_not_understood_is_the_origin_s_to_answer(edge: Edge, query: str):
    """As it was written, each time."""
    edge.origin.answer = lambda _: Reply(status=400, body=b"no")

    answers = [edge.get(f"/v1/feed/4?{query}") for _ in range(2)]

    assert [each.status_code for each in answers] == [400, 400]
    assert [each.path for each in edge.origin.asked] == [f"/v1/feed/4?{query}"] * 2


@runtime
def test_a_key_that_the_origin_never_took_gets_nothing_of_what_is_kept(edge: Edge):
    """Nor does a request without one."""
    edge.get("/v1/feed/5")

    wrong = edge.get("/v1/feed/5", key="wrong")
    none = edge.client.get("/v1/feed/5")

    assert (wrong.status_code, none.status_code) == (401, 401)
    assert edge.origin.count("/v1/feed/5") == 3


@runtime
def test_another_good_key_is_shown_to_the_origin_once_which_says_that_nothing_has_changed(edge: Edge):
    """Then it gets what is kept, too."""
    edge.origin.keys.add("Bearer fresh-key")
    edge.get("/v1/feed/6")

    answers = [edge.get("/v1/feed/6", key="fresh-key") for _ in range(3)]

    assert [each.headers["x-cache"] for each in answers] == ["HIT-EDGE"] * 3
    assert [each.headers.get("if-none-match") is not None for each in edge.origin.asked] == [False, True]


@pytest.mark.slow
@runtime
def test_a_revoked_key_works_no_longer_than_the_book_says(edge: Edge):
    """After `keys.remembered` the origin is asked again, and what it says holds at once."""
    edge.origin.keys.add("Bearer leaving")
    edge.get("/v1/feed/7", key="leaving")
    edge.origin.keys.discard("Bearer leaving")
    time.sleep(PROVEN_SECONDS + 0.1)

    refused = [edge.get("/v1/feed/7", key="leaving").status_code for _ in range(2)]
    edge.origin.is_up = False

    assert refused == [401, 401]
    assert edge.get("/v1/feed/7", key="leaving").status_code == 502  # nothing old stands in for it any more


@runtime
def test_many_requests_at_once_make_one_feed(edge: Edge):
    """Those who wait get the same, and not the allowance of the one who asked."""
    edge.get("/v1/feed/80")  # the key is known to be good
    edge.origin.answer = lambda _: feed('{"items":[8]}', seconds=0.5)

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: edge.get("/v1/feed/8"), range(40)))

    assert {(each.status_code, each.content) for each in answers} == {(200, b'{"items":[8]}')}
    assert edge.origin.count("/v1/feed/8") == 1
    assert sum("ratelimit-remaining" in each.headers for each in answers) == 1
    ids = [each.headers["x-request-id"] for each in answers]
    assert len(set(ids)) == len(ids)


@runtime
def test_who_waits_with_a_bad_key_does_not_get_what_a_good_one_fetched(edge: Edge):
    """Only keys that are known to be good share a flight."""
    edge.origin.answer = lambda _: feed(seconds=0.5)

    with ThreadPoolExecutor(10) as pool:
        keys = ["good", "wrong"] * 5
        answers = list(pool.map(lambda key: edge.get("/v1/feed/9", key=key).status_code, keys))

    assert answers == [200, 401] * 5


@pytest.mark.slow
@runtime
@pytest.mark.parametrize("status", [401, 403, 429])
def test_what_was_refused_to_one_key_is_not_told_to_another_that_waited(edge: Edge, status: int):
    """Two known keys share a flight; a refusal is of the key that asked, so the other asks for itself."""
    edge.get("/v1/feed/90", key="good")
    edge.get("/v1/feed/90", key="other")
    path = f"/v1/feed/{9000 + status}"

    def answer(asked: Asked) -> Reply:
        is_refused = asked.headers["authorization"] == "Bearer other"
        return Reply(status=status, body=b"{}", seconds=0.5) if is_refused else feed()

    edge.origin.answer = answer
    with ThreadPoolExecutor(2) as pool:
        refused = pool.submit(edge.get, path, key="other")
        time.sleep(0.2)  # it is under way, and the next one waits for it
        waited = pool.submit(edge.get, path, key="good")

    assert (refused.result().status_code, waited.result().status_code) == (status, 200)


@runtime
@pytest.mark.parametrize("path", ["//127.0.0.1:1/v1/x", "///127.0.0.1:1/", "/\\127.0.0.1:1/x"])
def test_a_path_that_looks_like_another_host_goes_to_the_origin_all_the_same(edge: Edge, path: str):
    """No request, and no key in it, is carried to whoever a client names."""
    host, _, port = edge.client.base_url.netloc.decode().partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(
            f"GET {path} HTTP/1.1\r\nhost: {host}:{port}\r\nauthorization: Bearer good\r\nconnection: close\r\n\r\n".encode()
        )
        status = raw.makefile("rb").readline()

    assert b" 200 " in status
    assert [each.path.lstrip("/").split("/")[0] for each in edge.origin.asked] == ["127.0.0.1:1"]


@pytest.mark.slow
@runtime
def test_an_old_feed_is_given_while_a_new_one_is_made(edge: Edge):
    """Once, however many ask; then the new one is there."""
    bodies = iter(f'{{"items":[{number}]}}' for number in range(100))
    edge.origin.answer = lambda _: feed(next(bodies), fresh=1)
    edge.get("/v1/feed/10")
    time.sleep(1.1)
    edge.get("/v1/feed/11")  # the key is proven again, and by another feed

    stale = edge.get("/v1/feed/10")
    time.sleep(0.3)
    fresh = edge.get("/v1/feed/10")

    assert (stale.headers["x-cache"], stale.content) == ("STALE", b'{"items":[0]}')
    assert (fresh.headers["x-cache"], fresh.content) == ("HIT-EDGE", b'{"items":[2]}')


@pytest.mark.slow
@runtime
@pytest.mark.parametrize("user,failure", [(12, "503"), (13, "gone"), (14, "late"), (15, "lower tier")])  # noqa: PT006
def test_an_old_feed_stands_in_for_an_origin_that_fails(edge: Edge, user: int, failure: str):
    """For a key that was good before; a lower tier's feed is worse than an older one, too."""
    edge.origin.answer = lambda _: feed(fresh=1, stale=0)
    edge.get(f"/v1/feed/{user}")
    time.sleep(PROVEN_SECONDS + 0.1)
    replies = {
        "503": Reply(status=503, body=b"no"),
        "late": feed(seconds=2),
        "lower tier": feed('{"items":[9]}', X_Feed_Reason="overload"),
    }
    edge.origin.is_up = failure != "gone"
    edge.origin.answer = lambda _: replies.get(failure, feed())

    answer = edge.get(f"/v1/feed/{user}")
    stranger = edge.get(f"/v1/feed/{user}", key=f"stranger-{user}")

    assert (answer.status_code, answer.headers["x-cache"], answer.content) == (
        200,
        "STALE",
        b'{"items":[1,2]}',
    )
    assert stranger.status_code in {401, 502}


@pytest.mark.slow
@runtime
def test_an_origin_that_just_failed_is_left_alone_for_a_moment(edge: Edge):
    """The next old feed comes at once."""
    edge.origin.answer = lambda _: feed(fresh=1, stale=0)
    edge.get("/v1/feed/16")
    time.sleep(1.1)
    edge.origin.answer = lambda _: Reply(status=500, body=b"no")

    answers = [edge.get("/v1/feed/16").headers["x-cache"] for _ in range(5)]

    assert answers == ["STALE"] * 5
    assert edge.origin.count("/v1/feed/16") == 2


@runtime
def test_without_anything_kept_a_failure_is_told_as_one(edge: Edge):
    """The origin's own words where it has any."""
    edge.origin.answer = lambda _: Reply(status=503, body=b'{"code":"SVC202"}', headers={"Retry-After": "3"})
    told = edge.get("/v1/feed/17")
    edge.origin.is_up = False
    gone = edge.get("/v1/feed/18")

    assert (told.status_code, told.content, told.headers["retry-after"]) == (503, b'{"code":"SVC202"}', "3")
    assert (gone.status_code, gone.json()["code"]) == (502, "EDG502")
    assert gone.headers["content-type"] == "application/problem+json"
    assert gone.headers["cache-control"] == "no-store"


@pytest.mark.slow
@runtime
def test_a_refusal_for_too_many_requests_is_passed_on_and_not_kept(edge: Edge):
    """Nor does an old feed hide it."""
    edge.origin.answer = lambda _: feed(fresh=1, stale=0)
    edge.get("/v1/feed/19")
    time.sleep(1.1)
    edge.origin.answer = lambda _: Reply(
        status=429, body=b"{}", headers={"Retry-After": "7", "RateLimit-Remaining": "0"}
    )

    refused = edge.get("/v1/feed/19")

    assert (refused.status_code, refused.headers["retry-after"], refused.headers["ratelimit-remaining"]) == (
        429,
        "7",
        "0",
    )


@runtime
@pytest.mark.parametrize(
    "reply",
    [
        feed(Cache_Control="private, max-age=0, must-revalidate"),
        feed(Cache_Control="no-store"),
        feed(tags=""),
        feed(tags="a b"),
        feed(Set_Cookie="a=b"),
        feed(Age="300"),
        Reply(status=404, body=b"{}", headers={"Content-Type": "application/json"}),
    ],
)
def test_what_the_origin_does_not_allow_is_not_kept(edge: Edge, reply: Reply):
    """Private, without tags, with a cookie, too old already, no feed."""
    edge.origin.answer = lambda _: reply
    user = 1000 + sum(map(ord, str(reply.headers))) % 100_000

    for _ in range(2):
        edge.get(f"/v1/feed/{user}")

    assert edge.origin.count(f"/v1/feed/{user}") == 2


@runtime
def test_what_was_old_at_the_origin_is_as_old_here(edge: Edge):
    """The age that it came with counts."""
    edge.origin.answer = lambda _: feed(Age="120")
    edge.get("/v1/feed/20")

    assert 120 <= int(edge.get("/v1/feed/20").headers["age"]) <= 122


@runtime
def test_who_has_it_already_gets_a_304_with_what_it_needs(edge: Edge):
    """From here, without a body."""
    etag = edge.get("/v1/feed/21").headers["etag"]

    known = edge.get("/v1/feed/21", if_none_match=f'"x", W/{etag}')

    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", etag)
    assert known.headers["x-cache"] == "HIT-EDGE"
    assert edge.origin.count("/v1/feed/21") == 1


@runtime
def test_a_head_request_has_the_headers_and_no_body(edge: Edge):
    """And is the same entry."""
    edge.get("/v1/feed/22")

    answer = edge.get("/v1/feed/22", method="HEAD")

    assert (answer.status_code, answer.content, answer.headers["x-cache"]) == (200, b"", "HIT-EDGE")


@runtime
def test_a_change_of_an_item_drops_every_feed_that_holds_it(edge: Edge):
    """By its tag; other feeds stay. A reader's feeds go by `user-ID`."""
    edge.origin.answer = lambda asked: feed(tags="content-71" if "/23" in asked.path else "content-72")
    for user in (23, 24):
        edge.get(f"/v1/feed/{user}")

    done = edge.invalidate({"tags": ["content-71"]})
    states = [edge.get(f"/v1/feed/{user}").headers["x-cache"] for user in (23, 24)]
    edge.invalidate({"tags": ["user-24"]})

    assert done.json() == {"invalidated": ["content-71"]}
    assert states == ["MISS", "HIT-EDGE"]
    assert edge.get("/v1/feed/24").headers["x-cache"] == "MISS"


@pytest.mark.slow
@runtime
def test_what_was_asked_for_before_an_invalidation_is_not_kept_after_it(edge: Edge):
    """The feed may hold what was invalidated; who waited for it gets it all the same."""
    edge.get("/v1/feed/250")
    edge.origin.answer = lambda _: feed(tags="content-73", seconds=0.6)

    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(edge.get, "/v1/feed/25")
        time.sleep(0.2)
        edge.invalidate({"tags": ["content-73"]})
        first = under_way.result()

    assert (first.status_code, edge.get("/v1/feed/25").headers["x-cache"]) == (200, "MISS")


@pytest.mark.slow
@runtime
def test_everything_can_be_dropped_at_once(edge: Edge):
    """After a wrong release, say."""
    edge.get("/v1/feed/26")

    assert edge.invalidate({"all": True}).json() == {"invalidated": "all"}
    assert edge.get("/v1/feed/26").headers["x-cache"] == "MISS"
    time.sleep(1.1)  # marks count for a second more than they must, whatever clocks say


@runtime
@pytest.mark.parametrize(
    ("document", "token", "status"),
    [
        ({"tags": ["content-1"]}, "wrong", 401),
        ({"tags": []}, "purge-token", 400),
        ({"tags": ["a b"]}, "purge-token", 400),
        ({"tags": ["a"] * 1001}, "purge-token", 400),
        ({"all": "yes"}, "purge-token", 400),
        ({"all": True, "tags": ["a"]}, "purge-token", 400),
        ([1], "purge-token", 400),
        (None, "purge-token", 400),
    ],
)
def test_only_whoever_has_the_token_invalidates_and_only_what_makes_sense(
    edge: Edge, document: Any, token: str, status: int
):
    """Nothing is dropped by a request that is refused."""
    edge.get("/v1/feed/27")

    answer = edge.invalidate(document, token=token)

    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert edge.get("/v1/feed/27").headers["x-cache"] == "HIT-EDGE"


@runtime
def test_an_order_of_unknown_size_is_not_read(edge: Edge):
    """Nobody fills the memory of the edge, with the token or without."""
    with httpx.Client(base_url=edge.client.base_url) as client:  # whose connection is lost with the body
        answer = client.post("/_edge/invalidate", content=iter([b'{"all": true}']))

    assert (answer.status_code, answer.json()["code"]) == (413, "EDG413")


@runtime
@pytest.mark.parametrize(
    "path",
    ["/metrics", "/%6detrics", "/metrics/", "/_edge/entries/x", "/_edge/grants/y"],
)
def test_what_is_for_those_inside_is_not_there(edge: Edge, path: str):
    """The origin is not asked either."""
    assert edge.get(path).status_code == 404
    assert edge.origin.asked == []


@runtime
@pytest.mark.parametrize(
    "headers", [{"origin": "https://page.example"}, {"priority": "u=7"}, {"range": "bytes=0-1"}]
)
def test_what_another_answer_would_be_right_for_is_not_answered_from_here(
    edge: Edge, headers: dict[str, str]
):
    """Pages of other sites, batch work, parts."""
    for _ in range(2):
        edge.get("/v1/feed/28", **headers)

    assert edge.origin.count("/v1/feed/28") == 2


@runtime
def test_everything_else_goes_through_as_it_is(edge: Edge):
    """A write with its body, and the answer with its status and headers."""
    edge.origin.answer = lambda _: Reply(
        status=202, body=b'{"accepted":1}', headers={"RateLimit-Remaining": "5"}
    )

    answer = edge.client.post(
        "/v1/interactions?x=1", json=[{"kind": "save"}], headers={"authorization": "Bearer good"}
    )

    assert (answer.status_code, answer.json(), answer.headers["ratelimit-remaining"]) == (
        202,
        {"accepted": 1},
        "5",
    )
    (asked,) = edge.origin.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/v1/interactions?x=1", b'[{"kind":"save"}]')


@runtime
def test_a_trace_reaches_the_origin_and_what_names_others_does_not(edge: Edge):
    """`traceparent` and the id go on; conditions of the client stay here."""
    trace = f"00-{'1' * 32}-{'2' * 16}-01"

    edge.get(
        "/v1/feed/29", traceparent=trace, x_request_id="mine", if_none_match='"x"', cache_control="no-cache"
    )

    headers = edge.origin.asked[0].headers
    assert (headers["traceparent"], headers["x-request-id"]) == (trace, "mine")
    assert "if-none-match" not in headers
    assert "cache-control" not in headers


@pytest.mark.slow
@runtime
def test_without_kv_feeds_are_kept_and_an_invalidation_is_refused_rather_than_lost(tmp_path: Path):
    """Nobody but this instance would hear of it."""
    origin = Origin()
    write(tmp_path)
    with (
        running_origin(origin) as behind,
        running_worker(tmp_path, origin=behind, options=("nokv",)) as address,
        httpx.Client(base_url=address, headers={"authorization": "Bearer good"}) as client,
    ):
        states = [client.get("/v1/feed/1").headers["x-cache"] for _ in range(2)]
        refused = client.post("/_edge/invalidate", json={"all": True})

    assert states == ["MISS", "HIT-EDGE"]
    assert (refused.status_code, refused.json()["code"]) == (503, "EDG503")
