"""Processes that many tests share: each is started once a session, on loopback, and ended by its own pid."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings
from qdrant_client import QdrantClient
from tests.running_node import RunningNode, start_node
from tests.scheduling import ByCost, rank
from tests.scratch_project import PATIENT, RunningService, ScratchProject, free_port, scratch_project

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.core.clock import SystemClock
from opsctl.core.events import ignore
from opsctl.stack import postgres
from opsctl.stack.down import stop_stack
from opsctl.stack.model import PartName
from opsctl.stack.postgres_cluster import cluster_dir
from opsctl.stack.record import read_stack_record
from opsctl.stack.up import start_stack
from opsctl.store.migrate import apply_migrations

# Whoever starts the tests in the background of a shell has them ignore Ctrl-C, and every program that they start: those
# that are to hear it would not.
signal.signal(signal.SIGINT, signal.default_int_handler)

# xdist gives its workers the width of the caller's terminal; what a test prints would depend on it.
os.environ.pop("COLUMNS", None)

_TEMPLATE = "opsctl_template"
_DRILL_SECONDS = 3600.0

# a busy machine must not fail a property: how long one example takes proves nothing
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByCost:
    """Choose which worker runs what."""
    return ByCost(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, and give drills the time that they take."""
    items.sort(key=lambda item: rank(item.nodeid))
    for item in items:
        if item.get_closest_marker("drill") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(_DRILL_SECONDS))


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedPostgres:
    """A running PostgreSQL of the stack; `url` is its maintenance database, without the password."""

    url: str
    port: int
    data_dir: Path
    home: Path
    password_file: Path
    password: str = field(repr=False)

    def address(self, database: str = "postgres") -> DatabaseAddress:
        """Return the address of one of its databases."""
        return DatabaseAddress(
            url=postgres.database_url(self.port, database=database), password=self.password
        )

    @contextmanager
    def new_database(self, *, template: str = "template1") -> Iterator[DatabaseAddress]:
        """Make a database and drop it afterwards, whoever still holds a connection to it."""
        name = f"test_{uuid4().hex[:12]}"
        self.execute(f"create database {name} template {template}")
        try:
            yield self.address(name)
        finally:
            self.execute(f"drop database {name} with (force)")

    def execute(self, statement: str) -> None:
        """Run one statement in the maintenance database, outside a transaction."""
        with connect(self.address(), autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """Give a folder that an unprivileged user may enter, which pytest's own temporary folders are not."""
    with tempfile.TemporaryDirectory(prefix="opsctl-test-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture(scope="session")
def embedded_postgres(open_folder: Path) -> Iterator[EmbeddedPostgres]:
    """Start the stack's PostgreSQL for the whole test session."""
    home = open_folder / f"session-{os.getpid()}" / ".opsctl"
    clock = SystemClock()
    try:
        state = start_stack(home, listener=ignore, clock=clock, only=[PartName.POSTGRES])
        place = read_stack_record(home).places[PartName.POSTGRES]
        yield EmbeddedPostgres(
            url=postgres.database_url(place.port, database="postgres"),
            port=place.port,
            data_dir=cluster_dir(place),
            home=home,
            password_file=state.database_password_file,
            password=state.database_password_file.read_text().strip(),
        )
    finally:
        stop_stack(home, listener=ignore, clock=clock)


@pytest.fixture(scope="session")
def migrated_template(embedded_postgres: EmbeddedPostgres) -> str:
    """Make a database with all migrations, from which each test gets its own copy."""
    embedded_postgres.execute(f"create database {_TEMPLATE}")
    with connect(embedded_postgres.address(_TEMPLATE)) as connection:
        apply_migrations(connection)
    return _TEMPLATE


@pytest.fixture
def database(embedded_postgres: EmbeddedPostgres, migrated_template: str) -> Iterator[DatabaseAddress]:
    """Give the address of a fresh database with all migrations; it is dropped after the test."""
    with embedded_postgres.new_database(template=migrated_template) as address:
        yield address


@pytest.fixture
def empty_database(embedded_postgres: EmbeddedPostgres) -> Iterator[DatabaseAddress]:
    """Give the address of a fresh database without any migration; it is dropped after the test."""
    with embedded_postgres.new_database() as address:
        yield address


@pytest.fixture(scope="session")
def vector_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """Start a vector node for the whole test session."""
    node = start_node(tmp_path_factory.mktemp("vector-node") / "data")
    try:
        yield node
    finally:
        node.end()


@pytest.fixture
def qdrant(vector_node: RunningNode) -> Iterator[QdrantClient]:
    """Give Qdrant's own client for the session's node; the collections that the test made are deleted."""
    client = vector_node.client()
    before = {each.name for each in client.get_collections().collections}
    try:
        yield client
    finally:
        for each in client.get_collections().collections:
            if each.name not in before:
                client.delete_collection(each.name)


@pytest.fixture(scope="session")
def service_project(open_folder: Path) -> Iterator[ScratchProject]:
    """Make a project with a small catalogue, simulated readers and derived collections, its stack up."""
    with scratch_project(open_folder / f"service-{os.getpid()}", items=3_000, users=200) as project:
        yield project


@pytest.fixture(scope="session")
def bench_key(service_project: ScratchProject) -> str:
    """Make a key whose limit is out of the way, with every scope."""
    scopes = ("feed:read", "interactions:write", "content:read", "content:write")
    made = service_project.opsctl(
        *("security", "keys", "create", "--name", "tests", "--plan", "bench"),
        *(word for scope in scopes for word in ("--scope", scope)),
    )
    return str(made["key"])


@pytest.fixture(scope="session")
def live_service(service_project: ScratchProject) -> Iterator[RunningService]:
    """Run the whole service, edge and API, with two workers, and with time enough for a machine that is slow."""
    service_project.change_books(service={"workers": 2} | PATIENT)
    with service_project.service(port=free_port()) as service:
        yield service
