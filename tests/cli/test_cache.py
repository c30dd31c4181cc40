"""`opsctl cache` as whole commands."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.cli.command import run_opsctl

from opsctl.metrics import service as metrics
from opsctl.service.cache import keys
from opsctl.service.cache.journal import InvalidationJournal
from opsctl.service.cache.places import journal_path, store_folder
from opsctl.service.cache.stores.lmdb import LmdbStore
from opsctl.service.telemetry.meters import Meters

BYTES = 512 * 2**20


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a project with a book that changes one kind, and an L2 with three entries."""
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "cache.yaml").write_text("l1:\n  feed: {fresh: 90s}\nl2:\n  enabled: true\n")

    async def fill() -> None:
        store = LmdbStore(store_folder(tmp_path / ".opsctl"), bytes_limit=BYTES)
        entries = [keys.quality_score(7), keys.agent_score(7, scorer="s"), keys.agent_score(8, scorer="s")]
        await store.set_many(dict.fromkeys(entries, b"x"), keep_seconds=600)
        await store.close()

    asyncio.run(fill())
    return tmp_path


@pytest.fixture
def service_url() -> Iterator[str]:
    """Give the address of a service that has counted some lookups."""
    meters = Meters()
    for kind, outcome, count in (("feed", "hit", 80), ("feed", "stale", 10), ("feed", "miss", 10)):
        meters.count(metrics.CACHE_LOOKUPS, "l1", kind, outcome, by=count)
    meters.count(metrics.CACHE_LOOKUPS, "l2", "agent_score", "poisoned")
    meters.set(metrics.CACHE_ENTRIES, "l1", "feed", to=1234)
    meters.set(metrics.CACHE_BYTES, "l1", "feed", to=5 * 2**20)
    with serving(meters) as url:
        yield url


@contextmanager
def serving(meters: Meters) -> Iterator[str]:
    """Expose some figures as a service does, and give its address."""
    text = meters.render()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/metrics" else 404)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def held(project: Path) -> list[int]:
    """Return the ids of items whose agent score L2 still has."""

    async def look() -> list[int]:
        store = LmdbStore(store_folder(project / ".opsctl"), bytes_limit=BYTES)
        found = await store.get_many([keys.agent_score(each, scorer="s") for each in (7, 8)])
        await store.close()
        return [each for each, value in zip((7, 8), found, strict=True) if value]

    return asyncio.run(look())


def test_policy_shows_every_kind_with_what_the_book_says_of_it(project: Path):
    """Values of the book and defaults are told apart."""
    shown = run_opsctl("cache", "policy", folder=project)
    told = json.loads(run_opsctl("cache", "policy", "--json", folder=project).stdout)
    kinds = {each["kind"]: each for each in told["data"]["kinds"]}

    assert shown.exit_code == 0
    assert "ops/cache.yaml" in shown.stdout
    assert list(kinds) == [*keys.L1_KINDS, *keys.L2_KINDS]
    assert (kinds["feed"]["fresh"], kinds["feed"]["from_book"]) == ("90s", ["fresh"])
    assert (kinds["agent_score"]["fresh"], kinds["agent_score"]["from_book"]) == ("1h", [])
    assert kinds["agent_score"]["backend"] == "lmdb"


def test_policy_without_a_book_is_the_defaults(tmp_path: Path):
    """The service runs without a file too."""
    told = json.loads(run_opsctl("cache", "policy", "--json", folder=tmp_path).stdout)

    assert all(not each["from_book"] for each in told["data"]["kinds"])


def test_stats_reads_the_running_service_and_the_store(project: Path, service_url: str):
    """Per tier and kind, with the share that was answered from the cache."""
    environment = {"OPSCTL_SERVICE_URL": service_url}
    shown = run_opsctl("cache", "stats", folder=project, environment=environment)
    told = json.loads(run_opsctl("cache", "stats", "--json", folder=project, environment=environment).stdout)
    kinds = {(each["tier"], each["kind"]): each for each in told["data"]["kinds"]}

    assert shown.exit_code == 0
    assert "90.0%" in shown.stdout
    assert "l2 store: lmdb, 3 entries" in shown.stdout
    feed = kinds["l1", "feed"]
    assert (feed["hits"], feed["stale"], feed["misses"], feed["hit_ratio"]) == (80, 10, 10, 0.9)
    assert (feed["entries"], feed["bytes"]) == (1234, 5 * 2**20)
    assert kinds["l2", "agent_score"]["poisoned"] == 1
    assert told["data"]["store"]["entries"] == 3


def test_stats_of_a_service_that_nobody_asked_says_the_next_step(project: Path):
    """Every kind has a row from the start, with zeros, which are not taken for a ratio."""
    meters = Meters()
    meters.count(metrics.CACHE_LOOKUPS, "l1", "feed", "hit", by=0)
    with serving(meters) as url:
        outcome = run_opsctl("cache", "stats", folder=project, environment={"OPSCTL_SERVICE_URL": url})

    assert outcome.exit_code == 0
    assert "no lookup was counted yet" in outcome.stderr
    assert all(kind in outcome.stdout for kind in (*keys.L1_KINDS, *keys.L2_KINDS))
    assert outcome.stdout.count("no lookups") == len(keys.L1_KINDS) + len(keys.L2_KINDS)


def test_stats_without_a_service_is_not_ready(project: Path):
    """It says where it looked and what to start."""
    outcome = run_opsctl(
        "cache", "stats", folder=project, environment={"OPSCTL_SERVICE_URL": "http://127.0.0.1:9"}
    )

    assert outcome.exit_code == 3
    assert "CAC006" in outcome.stderr
    assert "opsctl stack up" in outcome.stderr


def test_stats_asks_an_ipv6_address_as_addresses_are_written(project: Path):
    """In brackets, or its last group would be taken for the port."""
    (project / "opsctl.yaml").write_text('service: {host: "::1", port: 9}\n')
    outcome = run_opsctl("cache", "stats", folder=project)

    assert outcome.exit_code == 3
    assert "`http://[::1]:9/metrics`" in outcome.stderr


def test_invalidating_an_item_reaches_the_workers_and_l2(project: Path):
    """Other items stay; what was done is said."""
    journal = InvalidationJournal(journal_path(project / ".opsctl"))
    before = journal.sequence
    outcome = run_opsctl("cache", "invalidate", "--content", "7", folder=project)
    _, marks = journal.read_since(before)

    assert outcome.exit_code == 0
    assert set(marks or ()) == {"tag:content-7"}
    assert held(project) == [8]
    assert "agent_score:7:*  1 entries" in outcome.stdout


def test_a_dry_run_says_the_same_and_touches_nothing(project: Path):
    """Neither journal nor L2."""
    outcome = run_opsctl("cache", "invalidate", "--all", "--dry-run", folder=project)

    assert outcome.exit_code == 0
    assert "would tell the workers of this machine  all" in outcome.stdout
    assert not journal_path(project / ".opsctl").exists()
    assert held(project) == [7, 8]


@pytest.mark.parametrize(
    ("arguments", "marks", "left"),
    [
        (("--user", "42"), {"tag:user-42", "tag:reader-42"}, [7, 8]),
        (("--kind", "agent_score"), {"kind:agent_score"}, []),
        (("--kind", "feed", "--content", "8"), {"kind:feed", "tag:content-8"}, [7]),
        (("--all",), {"all"}, []),
    ],
)
def test_each_way_of_naming_drops_what_it_names(project: Path, arguments, marks, left):
    """Several may be given at once."""
    journal = InvalidationJournal(journal_path(project / ".opsctl"))
    before = journal.sequence
    told = json.loads(run_opsctl("cache", "invalidate", *arguments, "--json", folder=project).stdout)

    assert told["ok"] is True
    assert set(journal.read_since(before)[1] or ()) == marks
    assert held(project) == left


def test_an_l2_that_does_not_answer_is_not_called_done(project: Path):
    """The workers were told all the same."""
    (project / "ops" / "cache.yaml").write_text(
        "l2:\n  backend: redis\n  redis_url: redis://127.0.0.1:9/0\n  timeout: 500ms\n"
    )
    journal = InvalidationJournal(journal_path(project / ".opsctl"))
    before = journal.sequence
    outcome = run_opsctl("cache", "invalidate", "--content", "7", folder=project)

    assert outcome.exit_code == 3
    assert "CAC005" in outcome.stderr
    assert "tag:content-7" in (journal.read_since(before)[1] or ())


@pytest.mark.parametrize("arguments", [(), ("--content", "x"), ("--content", "-1"), ("--kind", "nope")])
def test_wrong_usage_is_refused(project: Path, arguments):
    """Nothing to drop, no id, no kind of that name."""
    assert run_opsctl("cache", "invalidate", *arguments, folder=project).exit_code == 2
