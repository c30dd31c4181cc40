"""What clients notice when the Redis behind L2 dies under load and comes back: nothing but time."""

import threading
import time
from pathlib import Path
from typing import Self

import httpx
import pytest
from tests.scratch_project import PATIENT, RunningService, ScratchProject, free_port, init_project
from tests.service.cache.redis_server import PASSWORD, redis_server

from opsctl.stack.status import stack_status

pytestmark = [pytest.mark.stack, pytest.mark.drill]  # half a minute of setting up


class Load:
    """Asks for feeds of ever other users, some forty a second, and keeps what came back."""

    def __init__(self, service: RunningService, key: str) -> None:
        self.statuses: list[int] = []
        self.caches: list[str] = []
        self._ended = threading.Event()
        self._client = httpx.Client(
            base_url=service.url, headers={"Authorization": f"Bearer {key}"}, timeout=120
        )
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        user = 10_000
        while not self._ended.wait(0.02):
            user += 1
            answer = self._client.get(f"/v1/feed/{user}?limit=5")
            self.statuses.append(answer.status_code)
            self.caches.append(answer.headers.get("x-cache", ""))

    def wait_for(self, outcome: str, *, seconds: float = 90.0) -> None:
        """Return as soon as an answer of now says so."""
        begin, deadline = len(self.caches), time.monotonic() + seconds
        while outcome not in self.caches[begin:]:
            assert time.monotonic() < deadline, f"no {outcome} in {self.caches[begin:]}"
            time.sleep(0.05)


def test_redis_gone_under_load_costs_no_answer(
    service_project: ScratchProject, bench_key: str, open_folder: Path, tmp_path: Path
) -> None:
    """Hits become misses while it is away, errors are counted, and hits come back with it."""
    redis = redis_server(tmp_path)
    redis.start()
    stack = stack_status(service_project.root / ".opsctl")
    other = init_project(open_folder / "with-redis")
    other.change_books(service=PATIENT, cache={"l2": {"backend": "redis", "redis_url": redis.url}})
    servers = {
        "OPSCTL_DATABASE_URL": stack.database_url,
        "OPSCTL_DATABASE_PASSWORD": stack.database_password_file.read_text().strip(),
        "OPSCTL_QDRANT_URL": stack.vectors_url,
        "OPSCTL_REDIS_PASSWORD": PASSWORD,
    }
    try:
        with (
            other.service(port=free_port(), environment=servers) as service,
            Load(service, bench_key) as load,
        ):
            load.wait_for("HIT-L2")
            redis.kill()
            load.wait_for("MISS")
            redis.start()
            load.wait_for("HIT-L2")
            failed = sum(
                value
                for (name, labels), value in service.metrics().items()
                if name == "ranking_cache_lookups_total" and ("outcome", "error") in labels
            )
    finally:
        redis.kill()
    assert set(load.statuses) == {200}
    assert failed > 0
