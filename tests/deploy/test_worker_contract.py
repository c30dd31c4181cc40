"""The Worker and the service's own edge mean the same: which requests share an answer, and what they are answered."""

import json
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.deploy.projects import FACTS, rendered
from tests.service.edge.world import KEY, World, key_record, run
from tests.worker.server import HERE, INSTALLED, Asked, Origin, Reply, running_origin, running_worker

from opsctl.deploy.facts import Part
from opsctl.service.book import Plan, ServiceBook
from opsctl.service.cache.policy import CacheBook, EdgeTier
from opsctl.service.edge.headers import SECURITY
from opsctl.service.edge.request import Request, read_feed_query

pytestmark = pytest.mark.skipif(not INSTALLED, reason="node and workerd are not installed: make tools")

OTHER = f"opk_otherkey_{'s' * 32}"
SCOPELESS = f"opk_noscope1_{'s' * 32}"
QUERIES = st.one_of(
    st.lists(
        st.tuples(
            st.sampled_from(["limit", "region", "category", "colour"]),
            st.one_of(
                st.sampled_from(
                    ["20", "7", "007", "0", "101", "nsw", " nsw", "n s", "", "a:b", "ä", "~'()*!"]
                ),
                st.text(max_size=90),
            ),
        ),
        max_size=4,
    ).map(lambda pairs: urlencode(pairs, errors="replace")),
    st.text("limtregonca=&%+20aF;", max_size=30),
)
USERS = st.one_of(
    st.integers(0, 2**64).map(str), st.sampled_from(["007", "0", "000", "-1", "1x", "", "9" * 19, "٣"])
)
PATHS = st.tuples(USERS, QUERIES).map(lambda both: f"/v1/feed/{quote(both[0])}?{both[1]}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the rendered modules."""
    place = tmp_path_factory.mktemp("modules")
    for path, text in rendered(Part.WORKER).items():
        (place / path).parent.mkdir(exist_ok=True)
        (place / path).write_text(text)
    return place


def ask(folder: Path, kind: str, questions: Any) -> Any:
    """Return what the modules answer."""
    done = subprocess.run(
        ["node", HERE / "ask.mjs", folder],
        input=json.dumps({"kind": kind, "questions": questions}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def key_of_service(path: str) -> str | None:
    """Return under which key the service's edge would keep the answer; None for what it leaves to the API."""
    parts = urlsplit(path)
    scope = {
        "type": "http",
        "method": "GET",
        "path": parts.path,
        "query_string": parts.query.encode(),
        "headers": [],
    }
    request = Request(scope, began=0.0)
    query = read_feed_query(
        request.query, most_items=FACTS.feeds.most_items, default_items=FACTS.feeds.default_items
    )
    return query.key(request.user_text) if request.user_text and query is not None else None


@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(paths=st.lists(PATHS, min_size=60, max_size=120))
def test_two_requests_share_an_answer_here_only_if_they_do_in_the_service(folder: Path, paths: list[str]):
    """And what is asked of the origin instead means the same there. What only one of both understands goes to the origin."""
    here = ask(folder, "keys", paths)

    for path, found in zip(paths, here, strict=True):
        if found is not None:
            service = key_of_service(path)
            assert service is not None, path
            assert key_of_service(found["path"]) == service
            long_part = re.search("~[0-9a-f]{32,}", service)
            assert found["key"] == service or long_part is not None, path
    both = {(found["key"], key_of_service(path)) for path, found in zip(paths, here, strict=True) if found}
    assert len({key for key, _ in both}) == len({key for _, key in both}) == len(both)


@pytest.mark.parametrize(
    ("path", "is_kept"),
    [
        ("/v1/feed/7", True),
        ("/v1/feed/7?", True),
        ("/v1/feed/7?limit=100", True),
        ("/v1/feed/7?region=nsw&category=wedding%20photo", True),
        ("/v1/feed/7?region=wedding+photo", True),
        (f"/v1/feed/7?category={quote('ü' * 100)}", True),
        ("/v1/feed/9223372036854775807", True),
        ("/v1/feed/9223372036854775808", False),
        ("/v1/feed/7?limit=101", False),
        ("/v1/feed/7?region=%20nsw", False),
        ("/v1/feed/7?region=a%00b", False),
        ("/v1/feed/7/x", False),
        ("/v1/trending", False),
    ],
)
def test_what_the_service_keeps_is_kept_here(folder: Path, path: str, is_kept: bool):  # noqa: FBT001
    """Nothing of what clients really ask is left to the origin for no reason."""
    assert (key_of_service(path) is not None) == is_kept
    assert (ask(folder, "keys", [path])[0] is not None) == is_kept


def test_what_was_invalidated_is_not_known_while_the_store_fails(folder: Path):
    """Then nothing that is kept is trusted: neither before the first reading nor after one that failed."""
    answers = ask(folder, "marks", [["a", 6000], ["a", 1000], ["b", 6000]])

    assert answers == {
        "before": [False, False, False],
        "read": [False, True, True],
        "broken": [False, False, False],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """The service's edge alone, and its twin behind a Worker."""

    alone: World
    client: httpx.Client

    def ask(
        self, path: str, *, method: str = "GET", key: str | None = KEY, **headers: str
    ) -> tuple[Any, Any]:
        """Send the same to both."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        direct = run(self.alone.ask(path, method=method, key=key, headers=named))
        given = {} if key is None else {"authorization": f"Bearer {key}"}
        behind = self.client.request(method, path, headers=named | given)
        if not behind.headers.get("x-cache", "").startswith("HIT"):
            time.sleep(0.03)
        kept = {
            "etag",
            "cache-control",
            "vary",
            "cache-tag",
            "content-type",
            "retry-after",
            *(n.decode() for n, _ in SECURITY),
        }
        heads = dict(direct.headers)
        return (
            (direct.status, direct.body, {name: heads[name] for name in kept & heads.keys()}, state(heads)),
            (
                behind.status_code,
                behind.content,
                {name: behind.headers[name] for name in kept & set(behind.headers)},
                state(dict(behind.headers)),
            ),
        )


def state(headers: Mapping[str, str]) -> str:
    """Return what `X-Cache` says, wherever it was a hit."""
    return re.sub("HIT-.*", "HIT", headers.get("x-cache", ""))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[Both]:
    """Give two edges of the service that are alike, one of them behind a Worker."""
    cache = CacheBook(l1=EdgeTier(shared_caches=True))
    service = ServiceBook(plans={"free": Plan(requests=6, window="1h")})
    with World(cache=cache, service=service) as alone, World(cache=cache, service=service) as twin:
        for world in (alone, twin):
            world.source.records["otherkey"] = key_record(OTHER)
            world.source.records["noscope1"] = key_record(SCOPELESS, scopes=frozenset({"content:read"}))
        with (
            running_origin(ServiceOrigin(twin)) as origin,
            running_worker(folder, origin=origin) as address,
            httpx.Client(base_url=address, timeout=20) as client,
        ):
            yield Both(alone=alone, client=client)


class ServiceOrigin(Origin):
    """The service's own edge, over HTTP."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def reply(self, asked: Asked) -> Reply:
        """Ask the edge."""
        headers = {
            name: value for name, value in asked.headers.items() if name not in {"host", "authorization"}
        }
        key = asked.headers.get("authorization", "").removeprefix("Bearer ") or None
        found = run(self._world.ask(asked.path, method=asked.method, key=key, headers=headers))
        return Reply(status=found.status, body=found.body, headers=dict(found.headers))


@pytest.mark.slow
def test_the_worker_answers_as_the_service_s_own_edge_does(both: Both):
    """Status, bytes, validators, tags, times, and whether it was remembered: for one request after the other."""
    etag = both.ask("/v1/feed/1")[0][2]["etag"]

    for path, options in [
        ("/v1/feed/1", {}),
        ("/v1/feed/001?limit=20", {}),
        ("/v1/feed/1", {"if_none_match": etag}),
        ("/v1/feed/1", {"method": "HEAD"}),
        ("/v1/feed/2?limit=5", {}),
        ("/v1/feed/2?limit=5", {"key": OTHER}),
        ("/v1/feed/2?limit=5", {"key": f"opk_wrongkey_{'s' * 32}"}),
        ("/v1/feed/2?limit=5", {"key": None}),
        ("/v1/feed/2?limit=5", {"key": SCOPELESS}),
        ("/v1/feed/2?limit=1000", {}),
        ("/v1/trending", {}),
    ]:
        direct, behind = both.ask(path, **options)
        if direct[0] in {401, 403}:  # a problem names the id of its request
            assert (behind[0], behind[2]["content-type"]) == (direct[0], "application/problem+json")
        else:
            assert behind == direct, (path, options)


def test_what_is_answered_from_here_does_not_count_against_the_limit_of_a_reader(both: Both):
    """The one difference: the service counts every request, the edge those that it has to ask about."""
    answers = [both.ask("/v1/feed/3") for _ in range(8)]

    assert [direct[0] for direct, _ in answers] == [200] * 6 + [429] * 2
    assert [behind[0] for _, behind in answers] == [200] * 8


def test_a_refusal_for_too_many_requests_is_the_service_s_own(both: Both):
    """With its `Retry-After`, where each request has to reach the service."""
    answers = [both.ask(f"/v1/feed/4?limit={limit}") for limit in range(1, 9)]

    assert (
        [behind[0] for _, behind in answers] == [direct[0] for direct, _ in answers] == [200] * 6 + [429] * 2
    )
    assert answers[-1][1][2]["retry-after"] == answers[-1][0][2]["retry-after"]
