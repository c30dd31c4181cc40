"""How does a proving ground come to be: the project's books, a small catalogue, readers, the service, the watchers."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.cli.ground_readers import READERS
from opsctl.cli.proving_ground import ProvingGround
from opsctl.core.errors import NotReadyError
from opsctl.core.events import Noted
from opsctl.core.phases import told_phase

if TYPE_CHECKING:
    from opsctl.alerts.load import AlertBooks
    from opsctl.alerts.rules import RuleSet
    from opsctl.chaos.traffic import Traffic
    from opsctl.cli.proving_watchers import LiveWatchers
    from opsctl.config.settings import Settings
    from opsctl.core.clock import Clock
    from opsctl.core.events import Listener

SIMULATED = ("readers",)
"""What of a ground is made up: who asks; everything that answers is real, but for the model of drills."""

_ITEMS, _SEED = 3000, 7


@contextmanager
def proving_ground(
    settings: "Settings",
    *,
    clock: "Clock",
    listener: "Listener",
    is_for_drills: bool = False,
    has_lines: bool = True,
) -> Iterator[ProvingGround]:
    """Make a ground with a catalogue, readers who ask, and the service; end all of its processes afterwards.

    A watchdog takes every fault back and ends the ground, should this process be killed.

    Args:
        settings: of the project whose books are tried.
        clock: measures.
        listener: hears that it is set up.
        is_for_drills: put Redis and a simulated model behind lines too, so that they can be broken.
        has_lines: put the fault proxy between the service and its stores; without, they are the project's own stack.
    """
    from opsctl.clients.file_locks import FileLock
    from opsctl.stack.placement import remove_state

    root = settings.home / "proving"
    with FileLock(settings.home / "proving.lock", what="the proving ground"), ExitStack() as closing:
        ground = ProvingGround(root, clock=clock)
        ground.end()  # of a run that was killed
        remove_state(ground.home)  # data that lies elsewhere would outlive its password
        shutil.rmtree(root, ignore_errors=True)
        closing.callback(ground.end)
        with told_phase("proving ground", "set up", listener=listener, clock=clock):
            _write_project(root, settings=settings)
            _start_watchdog(ground)
            _fill(ground)
            if has_lines:
                _draw_lines(ground, is_for_drills=is_for_drills)
            ground.opsctl("stack", "up", "service")
            ground.traffic = closing.enter_context(traffic(ground, key=_key(ground)))
            ground.send_as_usual()
        yield ground


def watch(ground: ProvingGround, *, books: "AlertBooks", rules: "RuleSet", clock: "Clock") -> "LiveWatchers":
    """Start the watchers of a ground with the project's rules, every receiver going to its sink."""
    from opsctl.cli.proving_watchers import LiveWatchers
    from opsctl.cli.watching import watch_files
    from opsctl.core.events import ignore
    from opsctl.stack.model import PartName
    from opsctl.stack.watch_tower import start_watch_tower

    state = start_watch_tower(
        ground.home, files=watch_files(books, rules), listener=ignore, clock=clock, project=ground.root
    )
    return LiveWatchers(
        prometheus_url=state.url_of(PartName.PROMETHEUS) or "",
        alertmanager_url=state.url_of(PartName.ALERTMANAGER) or "",
        sink_url=state.url_of(PartName.SINK) or "",
    )


def tell_of_ground(listener: "Listener", ground: ProvingGround) -> None:
    """Say where the faults are made."""
    note = f"faults are made on a stack of its own in {ground.root}; yours is not touched"
    listener(Noted(subject="proving ground", message=note))


def _write_project(root: Path, *, settings: "Settings") -> None:
    """Write a project with this project's books, cut off from every server that these may name."""
    import yaml

    from opsctl.clients.files import write_atomically
    from opsctl.service.plan import load_cache_book, load_service_book

    service = load_service_book(settings).model_dump(mode="json", exclude_defaults=True, by_alias=True)
    cache = load_cache_book(settings).model_dump(mode="json", exclude_defaults=True, by_alias=True)
    service.pop("model", None)  # the heuristic one: no call leaves this machine
    service.pop("metrics_open", None)
    service["plans"] = {**service.get("plans", {}), "bench": {"requests": 100_000_000}}
    l2 = {
        key: value
        for key, value in cache.get("l2", {}).items()
        if not key.startswith(("backend", "redis", "cloud"))
    }
    written: dict[str, Any] = {
        "opsctl.yaml": {"embedding": {"kind": "hashing", "dimension": 128}},
        "ops/service.yaml": service,
        "ops/cache.yaml": cache | {"l2": l2 | {"backend": "lmdb"}},
    }
    for name, value in written.items():
        write_atomically(root / name, yaml.safe_dump(value))
    collections = settings.root / settings.project.books.collections
    if collections.is_file():
        write_atomically(root / "ops" / "collections.yaml", collections.read_bytes())


def _fill(ground: ProvingGround) -> None:
    ground.opsctl("stack", "up", "postgres", "vectors")
    ground.opsctl("catalog", "generate", "--items", str(_ITEMS), "--seed", str(_SEED))
    ground.opsctl("catalog", "readers", "--users", str(READERS), "--seed", str(_SEED))


def _start_watchdog(ground: ProvingGround) -> None:
    from opsctl.cli.ground_helpers import WATCHDOG, parent_words

    ground.helpers.start_own(WATCHDOG, "opsctl.cli.ground_watchdog", str(ground.root), parent_words())


def _draw_lines(ground: ProvingGround, *, is_for_drills: bool) -> None:
    """Put the fault proxy between the service and what it depends on."""
    from urllib.parse import urlsplit

    from opsctl.stack.status import stack_status

    state = stack_status(ground.home)
    upstreams = {
        "vectors": urlsplit(state.vectors_url).netloc,
        "database": urlsplit(state.database_url).netloc.rpartition("@")[2],
    }
    if is_for_drills:
        # Of two workers one may die; a project's own number may be one.
        ground.change_book("service", workers=2)
        upstreams["model"] = ground.lines.start_model()
        redis = ground.lines.start_redis()
        if redis is not None:
            upstreams["l2"] = redis
    lines = ground.lines.start(upstreams)
    ground.change_settings(
        qdrant={"url": f"http://{lines['vectors']}"},
        database={
            "url": state.database_url.replace(upstreams["database"], lines["database"]),
            "password_file": str(state.database_password_file),
        },
    )
    if "model" in lines:
        ground.change_book("service", model={"provider": "simulated", "url": f"http://{lines['model']}/v1"})
    if "l2" in lines:
        ground.change_book("cache", l2={"backend": "redis", "redis_url": f"redis://{lines['l2']}/0"})


def _key(ground: ProvingGround) -> str:
    made = ground.opsctl(
        *("security", "keys", "create", "--name", "proofs", "--plan", "bench", "--json"),
        *("--scope", "feed:read", "--scope", "interactions:write", "--scope", "content:write"),
    )
    return str(json.loads(made)["data"]["key"])


def _address(ground: ProvingGround) -> str:
    from opsctl.stack.status import stack_status

    url = stack_status(ground.home).service_url
    if url is None:
        raise NotReadyError(
            "the service of the proving ground does not answer",
            code="ALR091",
            fix=f"look at it: opsctl --project {ground.root} stack logs service",
        )
    return url


def traffic(ground: ProvingGround, *, key: str) -> "Traffic":
    """Return readers who ask the service of a ground, once they are let."""
    from opsctl.chaos.traffic import Traffic

    return Traffic(_address(ground), key=key, known_readers=READERS)
