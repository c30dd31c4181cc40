"""The project that is rendered for the containers works: the service starts in it, with its secrets out of files."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from tests.cli.command import run_opsctl
from tests.conftest import EmbeddedPostgres
from tests.deploy.projects import FACTS, rendered
from tests.running_node import RunningNode
from tests.scratch_project import free_port

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.deploy.compose import grace_seconds
from opsctl.deploy.facts import Part
from opsctl.stack.postgres_cluster import SUPERUSER

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="no redis-server here"),
]


@contextmanager
def redis(folder: Path, *, port: int) -> Iterator[None]:
    """Run a server of the cache's protocol as its rendered configuration says, on a port of its own."""
    text = rendered(Part.COMPOSE)["valkey/valkey.conf"].replace("port 6379", f"port {port}")
    (folder / "valkey.conf").write_text(text.replace("/run/secrets", str(folder)))
    (folder / "cache_config").write_text("requirepass from-a-file\n")
    words: list[str | Path] = ["redis-server", folder / "valkey.conf", "--dir", folder]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as server:
        try:
            yield
        finally:
            server.kill()


@pytest.fixture
def project(
    tmp_path: Path,
    empty_database: DatabaseAddress,
    embedded_postgres: EmbeddedPostgres,
    vector_node: RunningNode,
) -> Iterator[tuple[Path, dict[str, str]]]:
    """Give the project of the containers, its hosts and folders replaced by those of this machine."""
    port = free_port()
    name = empty_database.url.rpartition("/")[2]
    for path, text in rendered(Part.COMPOSE, {"database": {"user": SUPERUSER}}).items():
        if path.startswith("project/"):
            here = text.replace("http://qdrant:6333", vector_node.url).replace(
                "cache:6379", f"127.0.0.1:{port}"
            )
            here = here.replace("pooler:6432/postgres", f"127.0.0.1:{embedded_postgres.port}/{name}")
            here = here.replace("/run/secrets", str(tmp_path)).replace(
                "/var/lib/opsctl", str(tmp_path / "state")
            )
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(here)
    secrets = {
        "database_password": embedded_postgres.password,
        "qdrant_api_key": "key",
        "cache_password": "from-a-file",
    }
    for secret, value in secrets.items():
        (tmp_path / secret).write_text(value)
    with redis(tmp_path, port=port):
        yield tmp_path / "project", {"OPSCTL_REDIS_PASSWORD_FILE": str(tmp_path / "cache_password")}


def test_the_books_of_the_containers_are_right(project: tuple[Path, dict[str, str]]):
    """All of them are read as any project's."""
    folder, environment = project

    checked = run_opsctl("config", "check", folder=folder, environment=environment)

    assert checked.exit_code == 0, checked.stderr


def test_migrations_run_alone_and_once(project: tuple[Path, dict[str, str]], empty_database: DatabaseAddress):
    """A dry run names them, the next applies them, the one after has nothing to do; no secret is in the environment."""
    folder, environment = project

    def migrate(*words: str) -> str:
        return run_opsctl("catalog", "migrate", *words, folder=folder, environment=environment).stdout

    tried, done, again = migrate("--dry-run"), migrate(), migrate()

    assert tried.startswith("due  ")
    assert done == tried.replace("due  ", "applied  ")
    assert again == "✔ the tables are up to date\n"
    with connect(empty_database) as connection:
        assert connection.execute("select count(*) from content").fetchone() == (0,)


@pytest.mark.slow
def test_the_service_starts_sees_all_of_it_and_ends_in_time(project: tuple[Path, dict[str, str]]):
    """Database, vectors and the cache with its password; SIGTERM ends it within what compose and Kubernetes give it."""
    folder, named = project
    port = free_port()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("OPSCTL_", "XDG_"))
    }
    words: list[str | Path] = [
        sys.executable,
        "-m",
        "opsctl",
        "--project",
        folder,
        "serve",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(words, env=environment | named, stdout=log, stderr=log) as service,
    ):
        try:
            found = ready(f"http://127.0.0.1:{port}/readyz", service=service)
            service.send_signal(signal.SIGTERM)
            code = service.wait(timeout=grace_seconds(FACTS))
        finally:
            service.kill()

    assert found.get("dependencies") == {"database": "ok", "l2": "ok", "vectors": "ok"}, (
        folder / "log"
    ).read_text()
    assert code == 0
    assert re.search("from-a-file|" + re.escape("key\n"), (folder / "log").read_text()) is None


def ready(address: str, *, service: subprocess.Popen[bytes]) -> dict[str, dict[str, str]]:
    """Wait until the service is ready or has ended, and return what it says."""
    deadline, found = time.monotonic() + 60, dict[str, dict[str, str]]()
    while time.monotonic() < deadline and service.poll() is None:
        with suppress(httpx.TransportError):
            answer = httpx.get(address)
            found = answer.json()
            if answer.status_code == 200 and found["dependencies"].get("l2") == "ok":
                break
        time.sleep(0.2)
    return found
