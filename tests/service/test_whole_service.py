"""The whole service, edge and API with two workers, as its clients and its operators see it."""

import itertools
import os
import signal
import socket
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
from tests.scratch_project import PATIENT, RunningService, ScratchProject, free_port
from tests.service.api.contract_run import run_contract
from tests.service.api.live import LiveService

from opsctl.stack.status import stack_status

pytestmark = pytest.mark.stack

# A machine that is slow answers late; whether it answers right is what is asked here.
get = partial(httpx.get, timeout=120)
AGENTS = {"discovery", "quality", "archivist", "serendipity"}


@pytest.fixture
def client(live_service: RunningService, bench_key: str) -> httpx.Client:
    """Give a client whose key may do everything; each connection may meet another worker."""
    return httpx.Client(
        base_url=live_service.url,
        headers={"Authorization": f"Bearer {bench_key}", "Connection": "close"},
        timeout=120,
    )


def ask_both_workers(client: httpx.Client, path: str) -> httpx.Response:
    """Ask so often that both workers have stored the feed, and return the last answer."""
    for _ in range(11):
        client.get(path)
    return client.get(path)


def wait_until(is_so: Callable[[], bool], *, seconds: float = 90.0) -> None:
    """Return as soon as it is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to be in time"
        time.sleep(0.05)


def test_a_feed_shows_the_agents_scores_and_the_waterfall_of_its_stages(client: httpx.Client) -> None:
    """The first answer is built, and says by whom and in which time."""
    answer = client.get("/v1/feed/11?limit=19")  # which nobody else asks for
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert len(items) == 19
    assert all(set(item["agents"]) == AGENTS for item in items)
    assert all(0 <= score <= 1 for item in items for score in item["agents"].values())
    assert {"reader", "retrieve", "rank"} <= {
        part.split(";")[0].strip() for part in answer.headers["server-timing"].split(",")
    }
    assert answer.headers["x-cache"] in {"HIT-L2", "MISS"}
    assert answer.headers["ratelimit-limit"]


def test_the_same_feed_comes_from_l1_the_second_time(client: httpx.Client) -> None:
    """Each worker builds it at most once; from then on the bytes are the stored ones."""
    built = {client.get("/v1/feed/12").headers["x-cache"] for _ in range(12)}
    again = client.get("/v1/feed/12")
    assert "HIT-L1" in built
    assert again.headers["x-cache"] == "HIT-L1"
    assert int(again.headers["age"]) >= 0
    tags = {client.get("/v1/feed/12").headers["etag"] for _ in range(12)}  # one for each worker's own build
    known = client.get("/v1/feed/12", headers={"If-None-Match": ", ".join(sorted(tags))})
    assert (known.status_code, known.content) == (304, b"")


def test_requests_without_a_good_key_are_refused_as_problems(live_service: RunningService) -> None:
    """No key, a wrong one and a malformed one: 401, and the body says what to do."""
    for headers in ({}, {"Authorization": "Bearer opk_aaaaaaaa_" + "b" * 32}, {"Authorization": "nonsense"}):
        answer = get(f"{live_service.url}/v1/feed/1", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["status"] == 401


@pytest.mark.slow
def test_a_revoked_key_is_refused_by_every_worker(
    service_project: ScratchProject, live_service: RunningService
) -> None:
    """The revocation reaches both workers at once."""
    made = service_project.opsctl("security", "keys", "create", "--name", "short-lived", "--plan", "bench")
    headers = {"Authorization": f"Bearer {made['key']}", "Connection": "close"}
    for _ in range(8):
        assert get(f"{live_service.url}/v1/trending", headers=headers).status_code == 200
    service_project.opsctl("security", "keys", "revoke", made["record"]["prefix"])
    wait_until(
        lambda: (
            {get(f"{live_service.url}/v1/trending", headers=headers).status_code for _ in range(8)} == {401}
        )
    )


@pytest.mark.slow
def test_a_thousand_requests_an_hour_and_not_one_more_over_all_workers(
    service_project: ScratchProject, live_service: RunningService
) -> None:
    """The limit of a plan holds for a user over both workers together; another user is not concerned."""
    key = service_project.opsctl("security", "keys", "create", "--name", "free", "--plan", "free")["key"]
    headers = {"Authorization": f"Bearer {key}"}

    def ask(count: int) -> list[int]:
        statuses = []
        for _ in range(count // 50):
            with httpx.Client(base_url=live_service.url, headers=headers, timeout=120) as session:
                statuses += [session.get("/v1/feed/13").status_code for _ in range(50)]
        return statuses

    began = time.monotonic()
    with ThreadPoolExecutor(4) as threads:
        statuses = [status for part in threads.map(ask, [300] * 4) for status in part]
    refilled = (time.monotonic() - began) / 3.6
    assert set(statuses) == {200, 429}
    assert 1000 <= statuses.count(200) <= 1001 + refilled
    refused = get(f"{live_service.url}/v1/feed/13", headers=headers)
    if refused.status_code == 429:
        assert 0 < int(refused.headers["retry-after"]) <= 4
    assert get(f"{live_service.url}/v1/feed/14", headers=headers).status_code == 200


def test_metrics_count_the_requests_of_both_workers(
    live_service: RunningService, client: httpx.Client
) -> None:
    """Whichever worker answers the scrape, every request is counted once."""

    def trending_requests() -> float:
        return live_service.metrics()[("ranking_requests_total", (("route", "trending"), ("status", "2xx")))]

    before = trending_requests()
    for _ in range(40):
        client.get("/v1/trending")
    assert trending_requests() == before + 40


def test_a_saved_item_counts_once_and_drops_the_readers_vector_but_not_the_feed(
    live_service: RunningService, client: httpx.Client
) -> None:
    """The feed stays until it expires, as the book says; the vector goes in both workers."""

    def dropped_vectors() -> float:
        name = "ranking_cache_invalidations_total"
        return live_service.metrics().get((name, (("kind", "user_embedding"), ("tier", "l1"))), 0.0)

    before = dropped_vectors()
    feed = ask_both_workers(client, "/v1/feed/15")
    saved = {
        "idempotency_key": uuid.uuid4().hex,
        "kind": "save",
        "user_id": 15,
        "content_id": feed.json()["items"][0]["id"],
        "occurred_at": datetime.now(UTC).isoformat(),
        "feed_id": feed.json()["feed_id"],
    }
    first = client.post("/v1/interactions", json={"interactions": [saved]})
    second = client.post("/v1/interactions", json={"interactions": [saved]})
    assert first.is_success
    assert first.json()["accepted"] == [saved["idempotency_key"]]
    assert second.json()["repeated"] == [saved["idempotency_key"]]
    assert {client.get("/v1/feed/15").headers["x-cache"] for _ in range(6)} == {"HIT-L1"}
    wait_until(lambda: dropped_vectors() == before + 2)


def test_a_changed_item_leaves_every_feed_that_holds_it(client: httpx.Client) -> None:
    """No worker answers the old title once the change is acknowledged."""
    feed = ask_both_workers(client, "/v1/feed/16").json()
    item = feed["items"][0]
    stored = client.get(f"/v1/content/{item['id']}").json()
    new = {key: stored[key] for key in stored if key not in {"id", "updated_at", "created_at"}}
    answer = client.put(f"/v1/content/{item['id']}", json=new | {"title": "A title of today"})
    assert answer.status_code == 200, answer.text
    for _ in range(12):
        answered = client.get("/v1/feed/16").json()["items"]
        assert item["title"] not in [each["title"] for each in answered if each["id"] == item["id"]]


def test_a_deleted_item_is_in_no_feed_any_more(client: httpx.Client) -> None:
    """Neither in a stored feed nor in one that is built anew."""
    feed = ask_both_workers(client, "/v1/feed/17").json()
    gone = feed["items"][0]["id"]
    assert client.delete(f"/v1/content/{gone}").status_code in {200, 204}
    for _ in range(12):
        assert gone not in [item["id"] for item in client.get("/v1/feed/17").json()["items"]]
    assert client.get(f"/v1/content/{gone}").status_code == 404


def test_new_content_is_found_by_searches_soon(client: httpx.Client) -> None:
    """The follower of the outbox embeds it and writes it into the source collection."""
    like = client.get(f"/v1/content/{client.get('/v1/feed/18').json()['items'][0]['id']}").json()
    new = {key: like[key] for key in like if key not in {"id", "updated_at", "created_at"}}
    new |= {"region": "Atlantis", "title": "Underwater portraits", "quality": 0.9}
    assert client.put("/v1/content/900000001", json=new).status_code == 201

    users = itertools.count(1_000)

    def is_found() -> bool:
        # Another reader each time: a feed that was stored meanwhile stays for its five minutes.
        answer = client.get(f"/v1/feed/{next(users)}", params={"region": "Atlantis", "limit": 1})
        return answer.status_code == 200 and answer.json()["items"][0]["id"] == 900000001

    wait_until(is_found)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/feed/abc", 400),
        ("/v1/feed/-1", 400),
        ("/v1/feed/1?limit=-5", 400),
        ("/v1/feed/1?limit=99999999999999999999", 400),
        ("/v1/feed/1?region=Nowhereland", 422),
        ("/v1/feed/1?surprise=1", 400),
        ("/v1/nothing", 404),
        ("/v1/content/0", 400),
    ],
)
def test_malformed_requests_are_told_what_is_wrong(client: httpx.Client, path: str, status: int) -> None:
    """Never a 500, and never an empty body."""
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["title"]


def raw_answer(live_service: RunningService, request: bytes, *, seconds: float = 60.0) -> bytes:
    """Send bytes as they are and return what comes back until the server closes or is silent."""
    with socket.create_connection(("127.0.0.1", live_service.port), timeout=seconds) as connection:
        connection.sendall(request)
        connection.settimeout(seconds)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
                if b"\r\n\r\n" in received and received.count(b"}") > 0:
                    break
        except (TimeoutError, ConnectionResetError):
            pass
        return received


def test_a_body_of_ten_megabytes_is_refused(live_service: RunningService, bench_key: str) -> None:
    """413 by its length alone."""
    answer = httpx.post(
        f"{live_service.url}/v1/interactions",
        content=b"x" * 10_000_000,
        headers={"Authorization": f"Bearer {bench_key}"},
        timeout=120,
    )
    assert answer.status_code == 413


def test_invalid_utf8_and_injected_headers_change_nothing(
    live_service: RunningService, bench_key: str
) -> None:
    """The service answers an error, and no byte of the request comes back as a header."""
    head = f"Host: x\r\nAuthorization: Bearer {bench_key}\r\n".encode()
    invalid = raw_answer(live_service, b"GET /v1/feed/1?region=%ff%fe HTTP/1.1\r\n" + head + b"\r\n")
    assert invalid.split(b" ")[1] in {b"400", b"422"}
    injected = raw_answer(
        live_service,
        b"GET /v1/feed/1?limit=2 HTTP/1.1\r\n" + head + b"X-Request-Id: a%0d%0aX-Evil: yes\r\n\r\n",
    )
    assert b"x-evil" not in injected.lower()
    assert injected.startswith(b"HTTP/1.1 200")


def test_a_damaged_file_of_l2_is_made_anew_and_costs_no_answer(
    service_project: ScratchProject, live_service: RunningService, client: httpx.Client
) -> None:
    """Noise in the middle of the file: feeds go on, the file begins anew, and that is counted."""

    def rebuilds() -> float:
        return live_service.metrics().get(("ranking_cache_rebuilds_total", ()), 0.0)

    before = rebuilds()
    file = next((service_project.root / ".opsctl" / "service" / "l2").glob("*.lmdb"))
    with file.open("r+b") as opened:
        opened.write(os.urandom(file.stat().st_size // 2))
    users = itertools.count(2_000)

    def is_counted() -> bool:
        assert client.get(f"/v1/feed/{next(users)}").status_code == 200
        return rebuilds() > before

    wait_until(is_counted)


@pytest.mark.drill
def test_the_contract_of_the_api_holds_over_the_whole_service(
    live_service: RunningService, bench_key: str, tmp_path: Path
) -> None:
    """Schemathesis, all checks on, through edge, API, caches, database and vectors."""
    service = LiveService(url=live_service.url, key=bench_key)
    run = run_contract(service, folder=tmp_path, fail_on_warnings=False)
    assert run.has_passed, run.output


@pytest.mark.slow
def test_two_hundred_requests_at_once_need_at_most_ten_connections(
    service_project: ScratchProject, live_service: RunningService, bench_key: str
) -> None:
    """The pools of both workers together keep to the book's ten; what writes changed vectors has its own for moments.

    A pool that replaces a connection does not wait until the server has noticed that the old one is closed, so what is
    counted is what was there for a fifth of a second.
    """
    state = stack_status(service_project.root / ".opsctl")
    password = state.database_password_file.read_text().strip()
    seen: list[frozenset[int]] = []

    with (
        psycopg.connect(state.database_url, password=password, autocommit=True) as watcher,
        httpx.Client(
            base_url=live_service.url,
            headers={"Authorization": f"Bearer {bench_key}"},
            limits=httpx.Limits(max_connections=200),
            timeout=120,
        ) as client,
        ThreadPoolExecutor(200) as threads,
    ):

        def ask(user: int) -> int:
            return client.get(f"/v1/feed/{user}?limit=7").status_code

        answers = [threads.submit(ask, 300 + number) for number in range(200)]
        while not all(answer.done() for answer in answers):
            rows = watcher.execute(
                "select pid from pg_stat_activity"
                " where backend_type = 'client backend' and application_name = 'opsctl-service'"
            ).fetchall()
            seen.append(frozenset(pid for (pid,) in rows))
            time.sleep(0.01)
    statuses = [answer.result() for answer in answers]
    assert statuses.count(200) == 200
    staying = [frozenset.intersection(*seen[at : at + 20]) for at in range(max(1, len(seen) - 19))]
    assert 0 < max(map(len, staying)) <= 10


def test_a_killed_worker_is_replaced_and_nobody_else_notices(
    live_service: RunningService, client: httpx.Client
) -> None:
    """Kill -9 of one worker: the other one answers, and soon there are two again."""

    def workers() -> list[psutil.Process]:
        children = psutil.Process(live_service.process.pid).children(recursive=True)
        return [each for each in children if each.status() != psutil.STATUS_ZOMBIE]

    before = {each.pid for each in workers()}
    assert len(before) == 2
    os.kill(min(before), signal.SIGKILL)
    wait_until(lambda: len({each.pid for each in workers()} - before) == 1 and len(workers()) == 2)
    assert [client.get("/v1/feed/19").status_code for _ in range(6)] == [200] * 6


@pytest.mark.drill
def test_workers_that_die_again_and_again_are_still_replaced(
    service_project: ScratchProject, bench_key: str
) -> None:
    """Kill -9 of a worker and at once of its successor: the service comes back, it does not end."""
    service_project.change_books(service={"workers": 1} | PATIENT)
    with service_project.service(port=free_port()) as service:
        time.sleep(10)  # what ends sooner has never worked, and is an error of the start
        for _ in range(2):
            killed = psutil.Process(service.process.pid).children()[0]
            killed.kill()
            wait_until(partial(_has_other_child, service, than=killed.pid))
        service.wait_until_ready()
        headers = {"Authorization": f"Bearer {bench_key}"}
        assert get(f"{service.url}/v1/feed/21", headers=headers).status_code == 200


def test_workers_end_with_their_main_process(service_project: ScratchProject) -> None:
    """Kill -9 of the main process leaves nobody who holds the port."""
    service_project.change_books(service={"workers": 2} | PATIENT)
    with service_project.service(port=free_port()) as service:
        workers = psutil.Process(service.process.pid).children()
        assert len(workers) == 2
        service.process.kill()
        gone, alive = psutil.wait_procs(workers, timeout=90)
        assert (len(gone), alive) == (2, [])


def _has_other_child(service: RunningService, *, than: int) -> bool:
    children = psutil.Process(service.process.pid).children()
    return any(each.pid != than and each.status() != psutil.STATUS_ZOMBIE for each in children)
