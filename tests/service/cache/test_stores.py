"""The contract of an L2 store, kept alike by LMDB, a real Redis, Cloudflare KV (a stand-in) and the tests' own dict."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.cloudflare_kv import ACCOUNT, NAMESPACE, TOKEN, StandIn, standing_in
from tests.fakes.key_value_store import DictStore
from tests.service.cache.redis_server import PASSWORD, RedisServer, redis_server

from opsctl.core.errors import NotReadyError
from opsctl.service.cache import keys
from opsctl.service.cache.policy import KeyValueTier
from opsctl.service.cache.ports import KeyValueStore, StoreError
from opsctl.service.cache.stores.cloudflare import CloudflareStore
from opsctl.service.cache.stores.lmdb import LmdbStore
from opsctl.service.cache.stores.open import open_store
from opsctl.service.cache.stores.redis import RedisStore

Story = Callable[[KeyValueStore], Awaitable[Any]]
BACKENDS = ("dict", "lmdb", "redis", "cloudflare_kv")


@pytest.fixture(scope="module")
def redis_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Start a Redis for the tests of this file."""
    server = redis_server(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def cloudflare() -> Iterator[StandIn]:
    """Start the stand-in for Cloudflare KV."""
    with standing_in() as server:
        yield server


def cloudflare_store(server: StandIn) -> CloudflareStore:
    """Return a store on the stand-in."""
    return CloudflareStore(server.url, account=ACCOUNT, namespace=NAMESPACE, token=TOKEN, timeout_seconds=5)


@pytest.fixture(params=BACKENDS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], KeyValueStore]:
    """Give a maker of an empty store of each backend; it is called inside the story's event loop."""
    match request.param:
        case "dict":
            return lambda: DictStore(time.time)
        case "lmdb":
            return lambda: LmdbStore(tmp_path / "l2", bytes_limit=16 * 2**20)
        case "redis":
            server: RedisServer = request.getfixturevalue("redis_process")
            return lambda: RedisStore(server.url, password=PASSWORD, timeout_seconds=5)
        case _:
            stand_in: StandIn = request.getfixturevalue("cloudflare")
            return lambda: cloudflare_store(stand_in)


def tell(make: Callable[[], KeyValueStore], story: Story) -> Any:
    """Run a story on a store, which is empty before and closed afterwards."""

    async def run():
        store = make()
        try:
            await store.delete_prefix("")
            return await story(store)
        finally:
            await store.close()

    return asyncio.run(run())


def test_values_come_back_in_the_order_of_the_keys(make):
    """Any bytes, absent keys are None, the same key may be asked for twice."""
    value = bytes(range(256)) + b"\r\n\0"

    async def story(store):
        await store.set_many({"a:1": b"one", "a:2": value, "a:3": b""}, keep_seconds=300)
        return await store.get_many(["a:2", "b:1", "a:1", "a:2", "a:3"])

    assert list(tell(make, story)) == [value, None, b"one", value, b""]


def test_a_key_holds_what_was_written_last(make):
    """Writing replaces."""

    async def story(store):
        await store.set_many({"a:1": b"old"}, keep_seconds=300)
        await store.set_many({"a:1": b"new"}, keep_seconds=300)
        return await store.get_many(["a:1"])

    assert list(tell(make, story)) == [b"new"]


def test_deleting_removes_only_what_was_named(make):
    """And counts; Cloudflare counts what was asked for."""

    async def story(store):
        await store.set_many({f"a:{n}": b"x" for n in range(5)}, keep_seconds=300)
        deleted = await store.delete_many(["a:1", "a:3"])
        again = await store.delete_many([])
        return deleted, again, await store.get_many([f"a:{n}" for n in range(5)])

    assert tell(make, story) == (2, 0, [b"x", None, b"x", None, b"x"])


def test_a_prefix_removes_what_begins_so_and_nothing_else(make):
    """Characters that mean something in patterns mean themselves."""
    wanted = ["agent_score:7:v1:a", "agent_score:7:v1:b*[c]?"]
    others = ["agent_score:77:v1:a", "agent_score:6:v1:a", "quality_score:7:v1", "b*c:1", "bxc:1"]

    async def story(store):
        await store.set_many(dict.fromkeys([*wanted, *others], b"x"), keep_seconds=300)
        counts = [
            await store.delete_prefix("agent_score:7:"),
            await store.delete_prefix("none:"),
            await store.delete_prefix("b*"),
        ]
        return counts, list(await store.get_many([*wanted, *others]))

    assert tell(make, story) == ([2, 0, 1], [None, None, b"x", b"x", b"x", None, b"x"])


def test_hundreds_of_entries_in_one_call(make):
    """Beyond the limits of any single call of a backend."""
    entries = {f"quality_score:{n}:v1": os.urandom(50) for n in range(450)}

    async def story(store):
        await store.set_many(entries, keep_seconds=300)
        found = await store.get_many(list(entries))
        return found, await store.delete_prefix("quality_score:")

    found, deleted = tell(make, story)

    assert list(found) == list(entries.values())
    assert deleted == 450


def test_figures_are_numbers_or_unknown(make):
    """Never negative, never a guess."""

    async def story(store):
        await store.set_many({"a:1": b"x" * 1000}, keep_seconds=300)
        return await store.figures()

    figures = tell(make, story)

    assert figures.entries in (1, None)
    assert figures.bytes_used is None or figures.bytes_used >= 1000


def test_an_empty_request_is_answered(make):
    """Without asking anybody."""

    async def story(store):
        await store.set_many({}, keep_seconds=300)
        return list(await store.get_many([]))

    assert tell(make, story) == []


@pytest.mark.parametrize("backend", ["lmdb", "redis"])
def test_an_entry_is_forgotten_when_its_time_is_over(request, tmp_path: Path, backend):
    """Cloudflare keeps it for a minute at least; the seal of an entry says when it ends."""
    now = [1000.0]

    def store_of() -> KeyValueStore:
        if backend == "lmdb":
            return LmdbStore(tmp_path / "l2", bytes_limit=2**24, now=lambda: now[0])
        server = request.getfixturevalue("redis_process")
        return RedisStore(server.url, password=PASSWORD, timeout_seconds=5)

    async def story(store):
        await store.set_many({"a:1": b"short"}, keep_seconds=0.05)
        await store.set_many({"a:2": b"long"}, keep_seconds=300)
        now[0] += 1
        await asyncio.sleep(0.1 if backend == "redis" else 0)
        return list(await store.get_many(["a:1", "a:2"]))

    assert tell(store_of, story) == [None, b"long"]


def test_redis_killed_in_mid_use_is_an_error_and_then_used_again(tmp_path: Path):
    """The same store, without a restart of anything but the server."""
    server = redis_server(tmp_path / "redis")
    server.start()

    async def story():
        store = RedisStore(server.url, password=PASSWORD, timeout_seconds=2)
        try:
            await store.set_many({"a:1": b"x"}, keep_seconds=300)
            server.kill()
            for work in (store.get_many(["a:1"]), store.set_many({"a:1": b"y"}, keep_seconds=300)):
                with pytest.raises(StoreError):
                    await work
            server.start()
            lost = await store.get_many(["a:1"])
            await store.set_many({"a:1": b"z"}, keep_seconds=300)
            return list(lost), list(await store.get_many(["a:1"]))
        finally:
            await store.close()
            server.kill()

    assert asyncio.run(story()) == ([None], [b"z"])


def test_a_wrong_password_is_an_error_of_the_store(redis_process: RedisServer):
    """Not a crash of the request."""

    async def story():
        store = RedisStore(redis_process.url, password="wrong", timeout_seconds=2)
        try:
            with pytest.raises(StoreError, match="Redis"):
                await store.get_many(["a:1"])
        finally:
            await store.close()

    asyncio.run(story())


def test_cloudflare_is_asked_in_pieces_that_it_takes(cloudflare: StandIn):
    """A hundred keys a read, 10,000 a write, 60 s at least."""

    async def story(store):
        await store.set_many({f"a:{n}": b"\xff\x00" for n in range(12_345)}, keep_seconds=5)
        await store.get_many([f"a:{n}" for n in range(250)])
        cloudflare.page = 700
        return await store.delete_prefix("a:1")

    deleted = tell(lambda: cloudflare_store(cloudflare), story)
    sizes: dict[str, list[int]] = {}
    for method, path, count in cloudflare.calls:
        sizes.setdefault(f"{method} {path}", []).append(count)

    assert sizes["PUT /bulk"] == [10_000, 2_345]
    assert sizes["POST /bulk/get"] == [100, 100, 50]
    assert deleted == sum(str(n).startswith("1") for n in range(12_345))


@pytest.mark.parametrize("status", [401, 429, 500])
def test_cloudflare_that_refuses_is_an_error_of_the_store(cloudflare: StandIn, status):
    """Its message is passed on, the token is not."""
    cloudflare.refuse = status

    async def story():
        store = cloudflare_store(cloudflare)
        with pytest.raises(StoreError, match=str(status)) as refused:
            await store.get_many(["a:1"])
        await store.close()
        return str(refused.value)

    assert TOKEN not in asyncio.run(story())


def test_what_others_wrote_into_the_namespace_is_no_entry_of_ours(cloudflare: StandIn):
    """Text that is not Base64 comes back as bytes that no seal fits."""
    cloudflare.values["a:1"] = (b"plain text!", time.time() + 60)

    async def story(store):
        return list(await store.get_many(["a:1"]))

    async def run():
        store = cloudflare_store(cloudflare)
        try:
            return await story(store)
        finally:
            await store.close()

    assert asyncio.run(run()) == [b""]


def test_the_book_says_which_store(tmp_path: Path, redis_process: RedisServer, cloudflare: StandIn):
    """Passwords and tokens come from the environment."""
    tiers = [
        KeyValueTier(),
        KeyValueTier(backend="redis", redis_url=redis_process.url),
        KeyValueTier(
            backend="cloudflare_kv",
            cloudflare_url=cloudflare.url,
            cloudflare_account=ACCOUNT,
            cloudflare_namespace=NAMESPACE,
        ),
    ]
    secrets = {"OPSCTL_REDIS_PASSWORD": PASSWORD, "OPSCTL_CLOUDFLARE_TOKEN": TOKEN}

    async def use(tier: KeyValueTier):
        store = open_store(tier, folder=tmp_path / "l2", secrets=secrets)
        try:
            key = keys.quality_score(1)
            await store.set_many({key: b"x"}, keep_seconds=60)
            return type(store).__name__, list(await store.get_many([key]))
        finally:
            await store.close()

    used = [asyncio.run(use(tier)) for tier in tiers]

    assert used == [(name, [b"x"]) for name in ("LmdbStore", "RedisStore", "CloudflareStore")]


def test_cloudflare_without_a_token_says_which_variable(tmp_path: Path):
    """Before any request."""
    tier = KeyValueTier(backend="cloudflare_kv", cloudflare_account="a", cloudflare_namespace="n")

    with pytest.raises(NotReadyError, match="OPSCTL_CLOUDFLARE_TOKEN") as refused:
        open_store(tier, folder=tmp_path, secrets={})
    assert refused.value.code == "CAC004"


def test_a_folder_that_is_none_is_refused_with_its_path(tmp_path: Path):
    """The operator is told what to look at."""
    (tmp_path / "l2").write_text("a file")

    with pytest.raises(NotReadyError) as refused:
        open_store(KeyValueTier(), folder=tmp_path / "l2", secrets={})
    assert refused.value.code == "CAC003"
