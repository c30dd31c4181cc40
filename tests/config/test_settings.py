"""Settings: which source wins, and who said so."""

import doctest
import re
from pathlib import Path

import pytest

import opsctl
from opsctl.config import settings
from opsctl.config.settings import Settings, find_root, resolve_settings, secret, with_secret_files
from opsctl.core.errors import OpsError, UsageError


def resolved(tmp_path: Path, *, text: str = "", user: str = "", environment=None, flags=None):
    """Resolve settings from texts."""
    (tmp_path / "opsctl.yaml").write_text(text)
    user_file = tmp_path / "user.yaml"
    user_file.write_text(user)
    return resolve_settings(
        root=tmp_path, environment=environment or {}, user_file=user_file, flags=flags or {}
    )


def origin(found: Settings, name: str) -> str:
    """Return who set a value."""
    return {row.name: row.origin for row in found.rows()}[name]


def test_examples_in_the_docstrings_hold():
    """Every example that the module shows is true."""
    assert doctest.testmod(settings).failed == 0


def test_every_source_wins_over_the_weaker_ones(tmp_path: Path):
    """Flag over environment over project file over user file over default."""
    found = resolved(
        tmp_path,
        user="qdrant: {url: http://user, grpc_port: 1, timeout_seconds: 2, prefer_grpc: true}",
        text="qdrant: {url: http://project, grpc_port: 2, timeout_seconds: 3}",
        environment={"OPSCTL_QDRANT_URL": "http://environment", "OPSCTL_QDRANT_GRPC_PORT": "3"},
        flags={"qdrant.url": "http://flag"},
    )

    assert found.project.qdrant.url == "http://flag"
    assert found.project.qdrant.grpc_port == 3
    assert found.project.qdrant.timeout_seconds == 3
    assert found.project.qdrant.prefer_grpc is True
    assert found.project.embedding.kind == "hashing"


def test_each_value_names_its_origin(tmp_path: Path):
    """Nobody has to guess who set a value."""
    found = resolved(
        tmp_path, text="state_dir: elsewhere", environment={"OPSCTL_QDRANT_URL": "http://127.0.0.1:1"}
    )

    assert origin(found, "state_dir") == str(tmp_path / "opsctl.yaml")
    assert origin(found, "qdrant.url") == "OPSCTL_QDRANT_URL"
    assert origin(found, "database.url") == "default"


def test_an_unknown_variable_is_refused_with_the_nearest(tmp_path: Path):
    """A misspelt variable would otherwise be ignored in silence."""
    with pytest.raises(UsageError, match="OPSCTL_QDRANT_ULR") as caught:
        resolved(tmp_path, environment={"OPSCTL_QDRANT_ULR": "x"})

    assert caught.value.fix == "did you mean `OPSCTL_QDRANT_URL`?"


def test_a_wrong_variable_names_itself(tmp_path: Path):
    """The message says which variable holds the bad value."""
    with pytest.raises(UsageError, match=r"qdrant\.grpc_port") as caught:
        resolved(tmp_path, environment={"OPSCTL_QDRANT_GRPC_PORT": "seventy"})

    assert caught.value.why == "it was set by OPSCTL_QDRANT_GRPC_PORT"


def test_every_variable_that_the_code_names_may_be_set(tmp_path: Path):
    """One that is read but not known here would make every command fail for whoever sets it."""
    source = Path(opsctl.__file__).parent
    text = "".join(path.read_text() for path in source.rglob("*.py"))
    named = set(re.findall(r"\"(OPSCTL_[A-Z_]+[A-Z])\"", text)) - {
        "OPSCTL_AUTHORIZATION"
    }  # Locust's worker only

    assert {"OPSCTL_BACKUP_IDENTITY", "OPSCTL_BACKUP_OFFSITE_SECRET_KEY"} <= named
    for variable in sorted(named):
        value = "true" if variable == "OPSCTL_DATABASE_THROUGH_POOLER" else "http://127.0.0.1:1"
        resolved(tmp_path, environment={variable: value})


def test_an_unknown_key_of_the_project_file_has_a_place(tmp_path: Path):
    """The same loader as for books checks the settings."""
    with pytest.raises(UsageError) as caught:
        resolved(tmp_path, text="qdrant:\n  ulr: x\n")

    assert str(caught.value.findings[0].location).endswith("opsctl.yaml:2:3")


def test_the_project_is_found_upward(tmp_path: Path):
    """A command works from any folder of the project."""
    (tmp_path / "opsctl.yaml").write_text("")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)

    assert find_root(inner) == tmp_path


def test_a_secret_comes_from_its_variable_or_its_file(tmp_path: Path):
    """The variable wins; the newline at the end of a file is not part of the secret."""
    (tmp_path / "key").write_text("from-file\n")

    assert (
        secret(variable="K", file="key", root=tmp_path, environment={"K": "from-variable"}) == "from-variable"
    )
    assert secret(variable="K", file="key", root=tmp_path, environment={}) == "from-file"
    assert secret(variable="K", file=None, root=tmp_path, environment={}) is None


def test_a_missing_secret_file_is_named(tmp_path: Path):
    """The command stops before it tries without a key."""
    with pytest.raises(UsageError, match="nowhere"):
        secret(variable="K", file="nowhere", root=tmp_path, environment={})


@pytest.mark.parametrize(
    "url", ["notaurl", "ftp://host", "http://127.0.0.1:99999", "http://[::1", "http://", "http://[zz]:1"]
)
def test_an_address_that_no_client_can_use_is_refused_where_it_is_set(tmp_path: Path, url: str):
    """It would surface as a defect deep in a client."""
    with pytest.raises(UsageError, match="is not a web address") as caught:
        resolved(tmp_path, environment={"OPSCTL_QDRANT_URL": url})

    assert caught.value.why == "it was set by OPSCTL_QDRANT_URL"


def test_addresses_of_every_usual_shape_are_taken(tmp_path: Path):
    """Names, IPv4, IPv6, a path behind a proxy."""
    for url in ("http://localhost:6333", "https://a.example/qdrant", "http://[::1]:6333", "http://10.0.0.1"):
        assert resolved(tmp_path, environment={"OPSCTL_QDRANT_URL": url}).project.qdrant.url == url


def test_an_empty_variable_is_not_set(tmp_path: Path):
    """The next weaker source holds."""
    found = resolved(tmp_path, text="state_dir: mine", environment={"OPSCTL_STATE_DIR": ""})

    assert (found.project.state_dir, origin(found, "state_dir")) == ("mine", str(tmp_path / "opsctl.yaml"))


@pytest.mark.parametrize("name", ["opsctl.yaml", "opsctl.yaml/below"])
def test_a_state_folder_that_is_a_file_is_refused(tmp_path: Path, name: str):
    """Otherwise the stack would look stopped and the ledger empty."""
    with pytest.raises(UsageError, match="is not a folder"):
        resolved(tmp_path, environment={"OPSCTL_STATE_DIR": name})


def test_an_empty_secret_file_is_named(tmp_path: Path):
    """It would be sent as no key at all."""
    (tmp_path / "key").write_text("\n")

    with pytest.raises(UsageError, match="is empty"):
        secret(variable="OPSCTL_QDRANT_API_KEY", file="key", root=tmp_path, environment={})


def test_a_secret_may_come_from_the_file_that_a_variable_names(tmp_path: Path):
    """As containers are given them; the value itself wins, and what is set to nothing is not set."""
    (tmp_path / "redis").write_text("from-file\n")
    named = {
        "OPSCTL_REDIS_PASSWORD_FILE": str(tmp_path / "redis"),
        "OPSCTL_SENTRY_DSN_FILE": "",
        "PATH": "/bin",
    }

    assert with_secret_files(named)["OPSCTL_REDIS_PASSWORD"] == "from-file"
    assert (
        with_secret_files({**named, "OPSCTL_REDIS_PASSWORD": "itself"})["OPSCTL_REDIS_PASSWORD"] == "itself"
    )
    assert "OPSCTL_SENTRY_DSN" not in with_secret_files(named)
    assert (
        secret(variable="OPSCTL_REDIS_PASSWORD", file=None, root=tmp_path, environment=named) == "from-file"
    )


def test_such_a_variable_is_known_and_one_that_only_looks_like_it_is_not(tmp_path: Path):
    """`OPSCTL_DATABASE_PASSWORD_FILE` is a setting of its own, and means the same."""
    known = {"OPSCTL_REDIS_PASSWORD_FILE": "/x", "OPSCTL_DATABASE_PASSWORD_FILE": "/y"}

    assert resolved(tmp_path, environment=known).project.database.password_file == "/y"
    with pytest.raises(UsageError, match="OPSCTL_REDIS_PASWORD_FILE"):
        resolved(tmp_path, environment={"OPSCTL_REDIS_PASWORD_FILE": "/x"})


def test_a_secret_s_file_that_is_not_there_is_said(tmp_path: Path):
    """Not taken for a service without a password."""
    with pytest.raises(OpsError):
        with_secret_files({"OPSCTL_REDIS_PASSWORD_FILE": str(tmp_path / "gone")})
