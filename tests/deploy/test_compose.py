"""One machine: what compose starts is locked down, names its secrets and holds none, and its parts can read their files."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from syrupy.assertion import SnapshotAssertion
from tests.deploy.projects import HOSTED, rendered

from opsctl.clients import file_checkers
from opsctl.deploy.facts import Part
from opsctl.stack.placement import choose_account, choose_programs_dir

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
JOBS = {"migrate", "backup"}


def compose(book: dict[str, Any] | None = None, **facts: Any) -> dict[str, Any]:
    """Return the parsed compose file, its merges resolved."""
    found: dict[str, Any] = yaml.safe_load(rendered(Part.COMPOSE, book, **facts)["compose.yaml"])
    return found


@contextmanager
def said_by(*words: Any) -> Iterator[Iterator[str]]:
    """Start a program and give its lines; it is ended with the block."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        too_late = threading.Timer(60, process.kill)
        too_late.start()
        try:
            yield iter(process.stdout)
        finally:
            too_late.cancel()
            process.kill()


def up_to(lines: Iterator[str], *last: str) -> Iterator[str]:
    """Yield lines up to the first that holds one of these texts."""
    for line in lines:
        yield line
        if any(text in line for text in last):
            return


def services() -> list[tuple[str, dict[str, Any]]]:
    """Return every container of the default book."""
    return sorted(compose()["services"].items())


def test_the_files_are_as_they_were(snapshot: SnapshotAssertion):
    """Byte for byte; a change of a template is read here."""
    assert rendered(Part.COMPOSE) == snapshot


def test_the_same_book_gives_the_same_bytes_and_every_file_says_where_it_comes_from():
    """Rules and dashboards say it in words of their own."""
    files = rendered(Part.COMPOSE)

    assert files == rendered(Part.COMPOSE)
    plain = [
        path
        for path in files
        if not path.endswith(".json") and "rules/" not in path and "provisioning/" not in path
    ]
    assert [
        path for path in plain if "rendered by opsctl from ops/deploy.yaml; do not edit" not in files[path]
    ] == []


@pytest.mark.parametrize("name,service", services())  # noqa: PT006
def test_every_container_is_locked_down(name: str, service: dict[str, Any]):
    """Nobody is root, nothing is writable, no capability, a limit, an end of restarts for jobs."""
    assert re.fullmatch(r"[1-9]\d*:\d+", service["user"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert service["pids_limit"] > 0
    assert service["restart"] == ({"migrate": "on-failure:3", "backup": "no"}.get(name, "unless-stopped"))
    assert re.search(r":[^:]*\d+\.\d+", service["image"])


@pytest.mark.parametrize("name,service", services())  # noqa: PT006
def test_every_container_is_looked_at_or_says_that_it_is_not(name: str, service: dict[str, Any]):
    """The archiver is seen by an alert; jobs end."""
    is_looked_at = "test" in service["healthcheck"]

    assert is_looked_at == (name not in JOBS | {"archiver"})


def test_only_the_service_is_published_and_on_loopback():
    """Grafana too, where the book says so."""
    assert {name: each["ports"] for name, each in services() if "ports" in each} == {
        "service": ["127.0.0.1:8080:8000"]
    }
    grafana = compose({"publish": {"grafana_port": 3000}})["services"]["grafana"]
    assert grafana["ports"] == ["127.0.0.1:3000:3000"]


def test_only_who_has_to_reaches_the_outside():
    """The networks of data and of watching are internal."""
    found = compose()
    internal = {name for name, each in found["networks"].items() if each.get("internal")}

    outward = {name for name, each in found["services"].items() if set(each["networks"]) - internal}

    assert internal == {"data", "watch"}
    assert outward == {"service", "archiver", "backup", "alertmanager"}


def test_no_secret_stands_in_an_environment_and_each_that_is_used_is_declared():
    """What looks like one is the path of a file."""
    found = compose()
    environments = [dict(each.get("environment", {})) for each in found["services"].values()]

    secret = [
        (name, value)
        for each in environments
        for name, value in each.items()
        if re.search("PASSWORD|KEY|TOKEN|SECRET", name)
    ]
    used = {
        each if isinstance(each, str) else each["source"]
        for service in found["services"].values()
        for each in service.get("secrets", [])
    }

    assert secret
    assert [name for name, value in secret if not value.startswith("/run/secrets/")] == []
    assert used == set(found["secrets"])
    assert {each["file"].rpartition("/")[0] for each in found["secrets"].values()} == {"../../secrets"}


def test_what_waits_for_another_waits_until_that_works():
    """The service for its tables, pooler, vectors and cache."""
    waits = compose()["services"]["service"]["depends_on"]

    assert {name: each["condition"] for name, each in waits.items()} == {
        "migrate": "service_completed_successfully",
        "pooler": "service_healthy",
        "qdrant": "service_healthy",
        "cache": "service_healthy",
    }


def test_volumes_are_declared_and_files_that_are_mounted_are_rendered():
    """A folder that is not there would be made, empty and root's, by docker."""
    files, found = rendered(Part.COMPOSE), compose()
    mounts = [
        each.split(":")[0] for service in found["services"].values() for each in service.get("volumes", [])
    ]

    named = {each for each in mounts if not each.startswith("./")}
    places = {each.removeprefix("./") for each in mounts if each.startswith("./")}

    assert named == set(found["volumes"])
    assert [
        place
        for place in places
        if place not in files and not any(path.startswith(f"{place}/") for path in files)
    ] == []


def test_a_hosted_database_brings_no_database_and_its_pooler_is_asked_with_tls():
    """Migrations go past the pooler."""
    files = rendered(Part.COMPOSE, HOSTED)
    found = yaml.safe_load(files["compose.yaml"])["services"]

    assert {"postgres", "pooler", "archiver"}.isdisjoint(found)
    assert found["migrate"]["environment"]["OPSCTL_DATABASE_URL"] == (
        "postgresql://postgres@db.abcdefgh.supabase.co:5432/postgres?sslmode=require"
    )
    assert yaml.safe_load(files["project/opsctl.yaml"])["database"]["url"] == (
        "postgresql://postgres.abcdefgh@aws-0-eu-central-1.pooler.supabase.com:6543/postgres?sslmode=require"
    )


def test_a_bucket_brings_its_keys_as_files():
    """To those who write into it."""
    found = compose(backup={"repository": "s3://bucket/feed"})["services"]

    assert "backup_access_key" in found["archiver"]["secrets"]
    assert found["backup"]["environment"]["OPSCTL_BACKUP_SECRET_KEY_FILE"] == "/run/secrets/backup_secret_key"


def test_the_schema_of_compose_files_takes_it(tmp_path: Path):
    """The compose-spec project's own, offline; and it would refuse a file that is wrong."""
    text = rendered(Part.COMPOSE)["compose.yaml"]
    (tmp_path / "good.yaml").write_text(text)
    (tmp_path / "bad.yaml").write_text(text.replace("stop_grace_period", "stop_grace_periode"))

    def said(name: str) -> tuple[str, ...]:
        return file_checkers.check_schema(name, schema="vendor.compose-spec", folder=tmp_path)

    assert said("good.yaml") == ()
    assert any("stop_grace_periode" in line for line in said("bad.yaml"))


def make_secrets(project: Path) -> subprocess.CompletedProcess[str]:
    """Run the script in a project."""
    script = project / "deploy" / "compose" / "make-secrets.sh"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(rendered(Part.COMPOSE)["make-secrets.sh"])
    return subprocess.run(["sh", script], capture_output=True, text=True, check=False)


def test_secrets_are_made_once_and_those_of_others_are_asked_for(tmp_path: Path):
    """Nobody but their owner can enter the folder, and a second run changes nothing."""
    first = make_secrets(tmp_path)
    folder = tmp_path / "secrets"
    (folder / "slack_webhook_url").write_text("https://hooks.example.com/x")
    made = {path.name: path.read_text() for path in folder.iterdir()}

    second = make_secrets(tmp_path)

    assert (first.returncode, first.stderr.splitlines()[0]) == (3, "missing  secrets/slack_webhook_url")
    assert (second.returncode, second.stdout) == (0, "")
    assert {path.name: path.read_text() for path in folder.iterdir()} == made
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    assert len({made[name] for name in ("database_password", "qdrant_api_key", "qdrant_read_key")}) == 3
    assert all(re.fullmatch("[0-9a-f]{64}", made[name]) for name in ("database_password", "cache_password"))
    assert yaml.safe_load(made["qdrant_config"])["service"]["api_key"] == made["qdrant_api_key"]


def test_every_secret_of_compose_is_made_or_asked_for(tmp_path: Path):
    """None is forgotten by the script."""
    done = make_secrets(tmp_path)

    made = {path.name for path in (tmp_path / "secrets").iterdir()}
    asked = set(re.findall(r"missing  secrets/(\S+)", done.stderr))
    assert made | asked == set(compose()["secrets"])


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="no redis-server here")
def test_a_server_of_the_same_protocol_starts_with_the_cache_configuration(tmp_path: Path):
    """And asks for the password of the secret file."""
    make_secrets(tmp_path)
    text = rendered(Part.COMPOSE)["valkey/valkey.conf"]
    configuration = tmp_path / "valkey.conf"
    configuration.write_text(
        text.replace("/run/secrets/", f"{tmp_path}/secrets/").replace("port 6379", "port 0")
    )
    socket = tmp_path / "s"
    password = (tmp_path / "secrets" / "cache_password").read_text()
    with said_by("redis-server", configuration, "--unixsocket", socket, "--dir", tmp_path) as lines:
        assert any("ready to accept" in line.lower() for line in lines)

        def ask(*words: str, **environment: str) -> str:
            return subprocess.run(
                ["redis-cli", "-s", socket, *words],
                capture_output=True,
                text=True,
                env=environment,
                check=False,
            ).stdout

        refused = ask("ping")
        answer = ask("config", "get", "maxmemory", REDISCLI_AUTH=password)
    assert refused.startswith("NOAUTH")
    assert answer.split() == ["maxmemory", str(576 * 1024 * 1024)]


def test_postgres_itself_takes_its_configuration(open_folder: Path):
    """The embedded one, of the same version as the image, tells what it read."""
    account = choose_account(open_folder)
    program = choose_programs_dir(account=account) / "postgres"
    folder = open_folder / "deployed"
    folder.mkdir()
    (folder / "postgresql.conf").write_text(rendered(Part.COMPOSE)["postgres/postgresql.conf"])
    (folder / "postgresql.conf").chmod(0o644)
    if account is not None:
        shutil.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)

    def value(name: str) -> str:
        done = subprocess.run(
            [program, "-D", folder, "-C", name],
            capture_output=True,
            text=True,
            check=False,
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
        )
        return done.stdout.strip() or done.stderr

    assert value("summarize_wal") == "on"
    assert value("shared_buffers") == str(512 * 1024 // 8)


@pytest.mark.skipif(PGBOUNCER is None, reason="no pgbouncer here")
def test_the_pooler_itself_takes_its_configuration(open_folder: Path):
    """It complains about a key that it does not know, and about nothing in ours."""
    text = rendered(Part.COMPOSE)["pgbouncer/pgbouncer.ini"]
    folder = open_folder / "pooler"
    folder.mkdir()
    folder.chmod(0o777)  # its socket is made by whomever it becomes
    (folder / "users").write_text('"postgres" "x"\n')
    text = text.replace("listen_addr = *", "listen_addr =")
    text = text.replace("unix_socket_dir =", f"unix_socket_dir = {folder}")
    text = text.replace("/run/secrets/pgbouncer_userlist", f"{folder}/users")

    def said(name: str, text: str) -> str:
        (folder / name).write_text(text)
        user = ["--user=nobody"] if os.geteuid() == 0 else []
        with said_by(PGBOUNCER, *user, folder / name) as lines:
            return "".join(up_to(lines, "process up", "FATAL", "cannot load"))

    assert "process up" in said("good.ini", text)
    assert "pool_modus" in said("bad.ini", text.replace("pool_mode", "pool_modus"))


def test_an_image_is_built_from_the_wheel_by_nobody_in_particular():
    """Pinned base, constraints, not root, and only what is named goes into the build."""
    files = rendered(Part.IMAGE)
    lines = files["Dockerfile"].splitlines()

    assert [line for line in lines if line.startswith("FROM")] == [
        "FROM python:3.11.14-slim-bookworm AS build",
        "FROM python:3.11.14-slim-bookworm",
    ]
    assert [line for line in lines if line.startswith("USER")] == ["USER 10001:10001"]
    assert any("--constraint /build/constraints.txt" in line for line in lines)
    assert json.loads(lines[-1].removeprefix("CMD "))[0] == "serve"
    assert files[".dockerignore"].splitlines()[1:] == ["*", "!constraints.txt"]


def test_the_image_s_healthcheck_is_a_program_that_python_takes():
    """The words of the Dockerfile, compiled."""
    line = next(line for line in rendered(Part.IMAGE)["Dockerfile"].splitlines() if "urlopen" in line)

    words = json.loads(line.strip().removeprefix("CMD "))

    assert words[:2] == ["python", "-c"]
    assert (
        subprocess.run([sys.executable, "-c", f"compile({words[2]!r}, 'x', 'exec')"], check=False).returncode
        == 0
    )


def test_the_image_s_files_are_as_they_were(snapshot: SnapshotAssertion):
    """Byte for byte."""
    assert rendered(Part.IMAGE) == snapshot


@pytest.mark.parametrize("nodes", [1, 3])
def test_the_cluster_s_settings_are_as_they_were(nodes: int, snapshot: SnapshotAssertion):
    """With the sentence why for each."""
    chosen = {"nodes": nodes, "shards": 6, "replication": min(nodes, 2), "write_consistency": 1}

    assert rendered(Part.QDRANT, {"qdrant": chosen})["production.yaml"] == snapshot
