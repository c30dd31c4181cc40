"""On what is measured what a feed uses: a whole stack of its own, its service run with other books for each arm."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.costs.measured import Arm, Standing
from opsctl.costs.reading import Counters

if TYPE_CHECKING:
    from opsctl.cli.proving_ground import ProvingGround
    from opsctl.core.events import Listener
    from opsctl.costs.measure import Answers
    from opsctl.service.book import Model

SIMULATED = ("scoring model", "readers")
"""The model answers after a set time and counts a token for each four characters; everything else is real."""

_AT_ONCE = 4
_TIMEOUT_SECONDS = 60.0
_READERS_SEED = "11"
_EMBEDDED = 500
_CHARACTERS_A_TOKEN = 4
_BLOCK_BYTES = 512
_SETTLE_SECONDS = 2.0

_CACHES_OFF: dict[str, Any] = {"l1": {"enabled": False}, "l2": {"enabled": False}}
_CACHES_ON: dict[str, Any] = {"l1": {"enabled": True}, "l2": {"enabled": True}}


@contextmanager
def measuring_ground(*, readers: int, items_a_feed: int, listener: "Listener") -> "Iterator[LiveGround]":
    """Give a ground with a catalogue, readers and a simulated model; all of it is ended with the block."""
    from opsctl.cli import proving_setup, wiring
    from opsctl.core.errors import NotReadyError
    from opsctl.service.plan import load_service_book
    from opsctl.stack import pgbouncer

    settings, clock = wiring.settings(), wiring.clock()
    with proving_setup.proving_ground(settings, clock=clock, listener=listener, has_lines=False) as ground:
        ground.send(returning=0, new=0)
        ground.opsctl("catalog", "readers", "--users", str(readers), "--seed", _READERS_SEED)
        ground.opsctl("collections", "rebuild", "--watch", "0s")
        if pgbouncer.missing_because() is None:
            ground.opsctl("stack", "up", "pooler")
        model = f"http://{ground.lines.start_model()}/v1"
        if ground.traffic is None:
            raise NotReadyError("the ground has no readers", code="CST010", fix="run the command again")
        yield LiveGround(
            ground,
            address=(ground.traffic.url, ground.traffic.headers),
            model_url=model,
            model=load_service_book(settings).model,
            items_a_feed=items_a_feed,
        )


class LiveGround:
    """A ground as `costs.measure.Ground`."""

    def __init__(
        self,
        ground: "ProvingGround",
        *,
        address: tuple[str, dict[str, str]],
        model_url: str,
        model: "Model",
        items_a_feed: int,
    ) -> None:
        self._ground = ground
        self._url, self._headers = address
        self._model_url = model_url
        self._model = model
        self._items_a_feed = items_a_feed
        self._pids: dict[str, int] = {}

    def arrange(self, arm: Arm) -> None:
        """Run the service like this, with nothing cached."""
        has_batches = arm in (Arm.BATCHES, Arm.BOTH, Arm.CACHED)
        has_caches = arm in (Arm.CACHES, Arm.BOTH, Arm.CACHED)
        model = {
            "provider": "simulated",
            "url": self._model_url,
            "timeout": "10s",  # what a feed uses is asked, not whether it is in time
            "batch_milliseconds": self._model.batch_milliseconds if has_batches else 0,
            "batch_items": self._model.batch_items if has_batches else 1,
        }
        self._ground.change_book(
            "service",
            workers=1,
            model=model,
            limits={"request_seconds": 30},
            resilience={"exercise_share": 0},
        )
        self._ground.change_book("cache", **(_CACHES_ON if has_caches else _CACHES_OFF))
        self._ground.restart("service")
        self._ground.opsctl("cache", "invalidate", "--all")
        self._pids = dict(_processes(self._ground))

    def ask(self, users: Sequence[int]) -> "Answers":
        """Ask for a feed of each, a few at once, and wait for all of them."""
        import asyncio

        return asyncio.run(_ask(self._url, users=users, headers=self._headers, limit=self._items_a_feed))

    def read(self) -> Counters:
        """Return the counters of this moment."""
        from opsctl.clients.process_use import use_of_family
        from opsctl.costs.reading import sums_of

        uses = {name: use for name, pid in self._pids.items() if (use := use_of_family(pid)) is not None}
        return Counters(
            **sums_of(self._samples()),
            cpu_seconds={name: use.cpu_seconds for name, use in uses.items()},
            memory_bytes={name: use.memory_bytes for name, use in uses.items()},
            database_sent_bytes=_sent_bytes(self._ground),
            log_bytes=_size(self._ground.home / "service" / "requests.jsonl"),
        )

    def standing(self) -> Standing:
        """Return sizes, series and what embedding takes."""
        from opsctl.cli import wiring
        from opsctl.stack.model import PartName
        from opsctl.stack.record import read_stack_record

        wiring.clock().sleep(_SETTLE_SECONDS)  # the last decisions are still on their way
        sizes = _sizes(self._ground)
        vectors = read_stack_record(self._ground.home).places[PartName.VECTORS].data_dir
        cpu, tokens = _embedding()
        return Standing(
            item_row_bytes=sizes.item_bytes,
            decision_bytes=sizes.decision_bytes,
            vector_disk_bytes=_taken_bytes(vectors) / sizes.items if sizes.items else None,
            series=len(self._samples()) or None,
            embedding_cpu_seconds=cpu,
            embedding_tokens=tokens,
        )

    def _samples(self) -> Sequence[Any]:
        from opsctl.clients.exposition import read_samples

        return read_samples(f"{self._url}/metrics", headers=self._headers)


async def _ask(url: str, *, users: Sequence[int], headers: dict[str, str], limit: int) -> "Answers":
    import asyncio

    import httpx

    from opsctl.costs.measure import Answers

    waiting = iter(users)
    answered = errors = size = 0

    async def reader(client: httpx.AsyncClient) -> None:
        nonlocal answered, errors, size
        for user in waiting:
            try:
                answer = await client.get(f"/v1/feed/{user}", params={"limit": limit})
            except httpx.HTTPError:
                errors += 1
                continue
            answered += answer.is_success
            errors += not answer.is_success
            size += len(answer.content) if answer.is_success else 0

    async with httpx.AsyncClient(
        base_url=url, headers=headers, timeout=_TIMEOUT_SECONDS, trust_env=False
    ) as client:
        await asyncio.gather(*(reader(client) for _ in range(_AT_ONCE)))
    return Answers(answered=answered, errors=errors, body_bytes=size)


def _processes(ground: "ProvingGround") -> Iterator[tuple[str, int]]:
    from opsctl.stack.model import STARTING_ORDER

    for name in STARTING_ORDER:
        record = ground.record(name)
        if record is not None and record.pid is not None:
            yield str(name), record.pid


def _sent_bytes(ground: "ProvingGround") -> float | None:
    """Return what PostgreSQL sent to the service, as PgBouncer counts it; None where there is no PgBouncer."""
    from opsctl.stack.pgbouncer import sent_bytes

    return sent_bytes(ground.home)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sizes:
    items: int
    item_bytes: float | None
    decision_bytes: float | None


def _sizes(ground: "ProvingGround") -> _Sizes:
    from opsctl.clients.postgres import DatabaseAddress, connect
    from opsctl.stack.status import stack_status
    from opsctl.store.sizes import read_sizes

    state = stack_status(ground.home)
    address = DatabaseAddress.with_password_file(
        state.database_url, password_file=state.database_password_file
    )
    with connect(address) as connection:
        found = read_sizes(connection)
    return _Sizes(
        items=found.items,
        item_bytes=found.catalogue_bytes / found.items if found.items else None,
        decision_bytes=found.decision_bytes / found.decisions if found.decisions else None,
    )


def _embedding() -> tuple[float, float]:
    """Return the CPU seconds and the tokens of embedding one item, with the embedder of the settings."""
    import time

    from opsctl.catalog.generate import generate_items
    from opsctl.catalog.item_points import embedded_text
    from opsctl.cli.filling import embedder

    chosen = embedder()
    texts = [embedded_text(item.title, item.description) for item in generate_items(_EMBEDDED, seed=7)]
    chosen.embed(texts[:10])  # loads what it needs
    began = time.process_time()
    chosen.embed(texts)
    seconds = time.process_time() - began
    return seconds / len(texts), sum(len(text) for text in texts) / len(texts) / _CHARACTERS_A_TOKEN


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _taken_bytes(folder: Path) -> int:
    """Return what a folder takes on the disk: holes of sparse files do not count."""
    return sum(path.lstat().st_blocks * _BLOCK_BYTES for path in folder.rglob("*") if path.is_file())
