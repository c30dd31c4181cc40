"""Permissions, credentials, keys, origins of secrets, addresses and ports: what passes, what fails, what nobody can tell."""

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.clock import FakeClock
from tests.security.audited_project import NOW, AuditedProject, look_at

from opsctl.evidence.ledger import Ledger
from opsctl.evidence.model import Evidence, Verdict
from opsctl.security.addresses import read_address, why_unsafe
from opsctl.security.checks.sec006_permissions import CHECK as PERMISSIONS
from opsctl.security.checks.sec007_default_credentials import CHECK as CREDENTIALS
from opsctl.security.checks.sec008_api_keys import CHECK as API_KEYS
from opsctl.security.checks.sec009_secrets_by_reference import CHECK as REFERENCES
from opsctl.security.checks.sec010_encryption_on_the_way import CHECK as ENCRYPTION
from opsctl.security.checks.sec012_open_ports import CHECK as PORTS
from opsctl.security.checks.sec013_ledger import CHECK as LEDGER
from opsctl.security.context import Listening
from opsctl.security.model import State
from opsctl.store.api_keys import ApiKey

GOOD = "q7Rk2mVx" + "9TzL4bWc"
KEY = ApiKey(
    prefix="Xk29fQ4z",
    hash=bytes(32),
    name="storefront",
    plan="free",
    scopes=("feed:read",),
    created_at=NOW - timedelta(days=10),
    expires_at=NOW + timedelta(days=80),
    revoked_at=None,
    last_used_at=NOW - timedelta(days=1),
)


def titles(project: AuditedProject, check: Any) -> list[str]:
    """Return what a failing check names."""
    checked = look_at(check, project)
    assert checked.state is State.FAIL, checked.reason
    return [each.title for each in checked.troubles]


def test_permissions(project: AuditedProject) -> None:
    """A secret that others can read, and state that others can write, each with the command that mends it."""
    assert look_at(PERMISSIONS, project).state is State.UNKNOWN

    key = project.secret_file("qdrant", "secrets/key", GOOD)
    for folder in ("evidence", "logs", "stack"):
        project.write(f".opsctl/{folder}/file", "x", mode=0o644)
    assert look_at(PERMISSIONS, project).state is State.PASS

    key.chmod(0o640)
    (project.root / ".opsctl/evidence/file").chmod(0o666)
    (project.root / ".opsctl/stack").chmod(0o777)
    checked = look_at(PERMISSIONS, project)
    assert sorted(each.title for each in checked.troubles) == [
        "others can change `.opsctl/evidence/file`: mode 666",
        "others can change `.opsctl/stack`: mode 777",
        "others can read `secrets/key`: mode 640",
    ]
    assert checked.troubles[0].mend == "chmod go-rwx secrets/key"


def test_what_belongs_to_somebody_else_is_theirs_whatever_its_mode(
    project: AuditedProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An owner changes the mode as they like; files of root, and of whoever became root with sudo, are no trouble."""
    project.secret_file("qdrant", "secrets/key", GOOD)
    ledger = project.write(".opsctl/evidence/ledger", "x", mode=0o600)
    usual = Path.lstat

    def foreign(path: Path) -> os.stat_result:
        found = list(usual(path))
        found[4] = 54321 if path == ledger else found[4]
        return os.stat_result(found)

    monkeypatch.setattr(Path, "lstat", foreign)
    (title,) = titles(project, PERMISSIONS)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_UID", "54321")

    assert title.startswith("`.opsctl/evidence/ledger` belongs to user 54321, and ")
    assert look_at(PERMISSIONS, project).state is State.PASS


def test_a_folder_that_cannot_be_listed_could_not_be_looked_at(
    project: AuditedProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else's part of the state; as root, who runs tests in containers, nothing refuses."""
    project.write(".opsctl/stack/data/file", "x", mode=0o666)
    usual = os.scandir

    def refusing(path: Any) -> Any:
        if str(path).endswith("data"):
            raise PermissionError(13, "Permission denied", str(path))
        return usual(path)

    monkeypatch.setattr(os, "scandir", refusing)
    checked = look_at(PERMISSIONS, project)

    assert checked.state is State.UNKNOWN
    assert "cannot be listed: Permission denied" in checked.reason


def test_a_closed_folder_keeps_others_from_what_is_in_it(project: AuditedProject) -> None:
    """Modes below a folder that nobody else can enter do not matter."""
    project.write(".opsctl/stack/file", "x", mode=0o666)
    (project.root / ".opsctl/stack").chmod(0o700)

    assert look_at(PERMISSIONS, project).state is State.PASS


def test_credentials(project: AuditedProject) -> None:
    """Empty, well-known and short ones fail, from a file, a variable or an address."""
    project.secret_file("good", "secrets/good", f"{GOOD}\n")
    assert look_at(CREDENTIALS, project).state is State.PASS

    project.secret_file("empty", "secrets/empty", "\n")
    project.secret_variable("OPSCTL_REDIS_PASSWORD", "Changeme")
    project.secret_variable("OPSCTL_SUPABASE_KEY", "a1b2")
    project.write(
        "opsctl.yaml", "database:\n  url: postgresql://shop:shop@db.example/shop?sslmode=verify-full\n"
    )
    assert titles(project, CREDENTIALS) == [
        "the secret `empty` is empty",
        "the secret `opsctl_redis_password` is one that everybody tries first",
        "the secret `opsctl_supabase_key` has fewer than 12 characters",
        "the password in `database.url` is one that everybody tries first",
    ]


def test_a_server_elsewhere_without_a_credential_fails(project: AuditedProject) -> None:
    """On loopback it may go without."""
    project.write("opsctl.yaml", "qdrant:\n  url: http://127.0.0.1:6333\n")
    project.write("ops/cache.yaml", "l2:\n  backend: redis\n  redis_url: redis://127.0.0.1:6379/0\n")
    assert look_at(CREDENTIALS, project).state is State.PASS

    project.write("opsctl.yaml", "qdrant:\n  url: https://qdrant.example:6333\n")
    project.write("ops/cache.yaml", "l2:\n  backend: redis\n  redis_url: rediss://redis.example:6379/0\n")
    assert titles(project, CREDENTIALS) == [
        "`qdrant.url` is on another machine, and no credential for it is set",
        "`ops/cache.yaml: l2.redis_url` is on another machine, and no credential for it is set",
    ]

    project.secret_variable("OPSCTL_QDRANT_API_KEY", GOOD)
    project.secret_variable("OPSCTL_REDIS_PASSWORD", GOOD)
    assert look_at(CREDENTIALS, project).state is State.PASS


def test_a_secret_file_that_is_not_here_could_not_tell(project: AuditedProject) -> None:
    """It is named, so that a waiver can name it, too."""
    project.secret_file("gone", "secrets/gone", GOOD).unlink()

    for check in (CREDENTIALS, REFERENCES):
        checked = look_at(check, project)
        assert checked.state is State.UNKNOWN
        assert [each.place for each in checked.troubles] == ["opsctl.yaml: gone"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"expires_at": None}, "never ends"),
        ({"created_at": NOW - timedelta(days=100)}, "is 100 days old"),
        (
            {"created_at": NOW - timedelta(days=40), "last_used_at": None},
            "was made 40 days ago and never used",
        ),
        ({"scopes": ("content:write", "feed:read")}, "is good for `feed:read` and `content:write` at once"),
    ],
)
def test_a_key_that_should_not_hold_so_fails(
    project: AuditedProject, changes: dict[str, Any], said: str
) -> None:
    """Each reason by itself, with the command that ends the key."""
    project.keys = [KEY, replace(KEY, **changes)]

    assert titles(project, API_KEYS) == [f"key Xk29fQ4z (storefront) {said}"]


def test_keys_that_hold_well_or_no_more_pass(project: AuditedProject) -> None:
    """Revoked and expired ones do not count, however old; nor does a new one that nobody has used yet."""
    old = replace(KEY, created_at=NOW - timedelta(days=500), expires_at=None)
    project.keys = [
        KEY,
        replace(old, revoked_at=NOW - timedelta(days=1)),
        replace(old, expires_at=NOW - timedelta(days=1)),
        replace(KEY, last_used_at=None),
    ]

    checked = look_at(API_KEYS, project)

    assert checked.state is State.PASS
    assert checked.reason.startswith("2 keys that hold")


def test_a_service_without_keys_says_so(project: AuditedProject) -> None:
    """Nothing is said of keys that are not there."""
    project.keys = []

    checked = look_at(API_KEYS, project)

    assert (checked.state, checked.reason) == (State.PASS, "there is no key that holds")


def test_without_a_database_keys_could_not_be_looked_at(project: AuditedProject) -> None:
    """The refusal says what to do."""
    checked = look_at(API_KEYS, project)

    assert (checked.state, checked.mend) == (State.UNKNOWN, "opsctl stack up")


def test_the_list_of_secrets_tells_origin_and_age_and_never_a_value(project: AuditedProject) -> None:
    """The age of a variable is not known."""
    file = project.secret_file("qdrant key", "secrets/key", GOOD)
    three_days_ago = (NOW - timedelta(days=3)).timestamp()
    os.utime(file, (three_days_ago, three_days_ago))
    project.secret_variable("OPSCTL_REDIS_PASSWORD", f"other{GOOD}")

    checked = look_at(REFERENCES, project)

    assert checked.state is State.PASS
    assert checked.figures["secrets"] == [
        {
            "name": "qdrant key",
            "origin": "file secrets/key",
            "named_by": "opsctl.yaml: qdrant key",
            "age_seconds": 3 * 24 * 3600,
        },
        {
            "name": "opsctl_redis_password",
            "origin": "variable OPSCTL_REDIS_PASSWORD",
            "named_by": "OPSCTL_REDIS_PASSWORD",
            "age_seconds": None,
        },
    ]
    assert GOOD not in json.dumps(checked.figures)


def test_old_secrets_and_passwords_in_addresses_fail(project: AuditedProject) -> None:
    """A password in an address of a book is none by reference."""
    file = project.secret_file("qdrant key", "secrets/key", GOOD)
    long_ago = (NOW - timedelta(days=400)).timestamp()
    os.utime(file, (long_ago, long_ago))
    project.write("ops/cache.yaml", f"l2:\n  redis_url: redis://me:{GOOD}@127.0.0.1:6379\n")

    found = titles(project, REFERENCES)

    assert found == ["a password stands in `ops/cache.yaml: l2.redis_url`", "`qdrant key` is 400 days old"]
    assert GOOD not in json.dumps(found)


@pytest.mark.parametrize(
    ("text", "is_safe"),
    [
        ("https://qdrant.example:6333", True),
        ("http://qdrant.example:6333", False),
        ("http://127.0.0.1:6333", True),
        ("http://[::1]:6333", True),
        ("http://localhost:9090", True),
        ("http://10.0.0.5:9090", False),
        ("redis://redis.example", False),
        ("rediss://redis.example", True),
        ("postgresql://me@db.example/shop", False),
        ("postgresql://me@db.example/shop?sslmode=require", False),
        ("postgresql://me@db.example/shop?sslmode=verify-full", True),
        ("postgresql:///shop?host=/run/postgresql", True),
        ("postgresql:///shop?host=db.example", False),
        ("s3://bucket/prefix?endpoint=http://store.example", False),
        ("s3://bucket/prefix?endpoint=https://store.example", True),
        ("s3://bucket/prefix", True),
        ("HTTP://qdrant.example:6333", False),
        ("Redis://redis.example", False),
        ("postgresql+psycopg://me@db.example/shop", False),
        ("S3://bucket/prefix?endpoint=HTTP://store.example", False),
        ("http://[broken", True),
        ("a text: with // in it", True),
    ],
)
def test_addresses(text: str, *, is_safe: bool) -> None:
    """What leaves the machine is encrypted, and says whose server it wants."""
    address = read_address(text)

    assert (address is None or why_unsafe(address) is None) == is_safe


def test_encryption(project: AuditedProject) -> None:
    """Settings, books, mail, and the service itself, each with its place."""
    project.write("opsctl.yaml", "qdrant:\n  url: https://qdrant.example:6333\n")
    assert look_at(ENCRYPTION, project).state is State.PASS

    project.write(
        "opsctl.yaml", "watch:\n  prometheus_url: http://prometheus.example\nservice:\n  host: 0.0.0.0\n"
    )
    project.write("ops/cache.yaml", "l2:\n  redis_url: redis://redis.example\n")
    project.write(
        "alerts/delivery.yaml",
        "receivers:\n  mail: {kind: email, smarthost: 'mail.example:25', require_tls: false}\n",
    )
    checked = look_at(ENCRYPTION, project)
    assert [(each.place, each.location and each.location.line) for each in checked.troubles] == [
        ("service.host", None),
        ("watch.prometheus_url", None),
        ("ops/cache.yaml: l2.redis_url", 2),
        ("alerts/delivery.yaml: receivers.mail.require_tls", None),
    ]


def test_an_address_of_an_unknown_kind_could_not_be_judged(project: AuditedProject) -> None:
    """On this machine it does not matter; elsewhere nobody here knows whether it is encrypted."""
    project.write("ops/cache.yaml", "l2:\n  redis_url: grpc://127.0.0.1:4317\n")
    assert look_at(ENCRYPTION, project).state is State.PASS

    project.write("ops/cache.yaml", "l2:\n  redis_url: grpc://traces.example:4317\n")
    checked = look_at(ENCRYPTION, project)
    assert (checked.state, [each.place for each in checked.troubles]) == (
        State.UNKNOWN,
        ["ops/cache.yaml: l2.redis_url"],
    )


def test_open_ports(project: AuditedProject) -> None:
    """Without the service there is too little to look at; one address beyond loopback is enough to fail."""
    assert look_at(PORTS, project).state is State.UNKNOWN

    inside = Listening(part="postgres", address="127.0.0.1", port=5432)
    project.sockets = [inside, replace(inside, address="::1")]
    assert look_at(PORTS, project).state is State.UNKNOWN

    service = Listening(part="service", address="127.0.0.1", port=8000)
    project.sockets = [*project.sockets, service]
    checked = look_at(PORTS, project)
    assert (checked.state, checked.reason) == (State.PASS, "2 ports: postgres, service on loopback alone")

    project.sockets = [inside, Listening(part="service", address="0.0.0.0", port=8000)]  # noqa: S104 - read, not bound
    assert titles(project, PORTS) == ["`service` listens on 0.0.0.0, port 8000"]


def test_the_ledger(project: AuditedProject) -> None:
    """An empty one tells nothing; a record that was changed fails with its line."""
    assert look_at(LEDGER, project).state is State.UNKNOWN

    ledger = Ledger(project.root / ".opsctl/evidence", clock=FakeClock())
    for subject in ("one", "two"):
        ledger.append(
            Evidence(
                kind="test.kind",
                subject=subject,
                verdict=Verdict.FAIL,
                figures={},
                inputs={},
                tools={},
                started_at=NOW,
                duration_seconds=1.0,
            )
        )
    assert look_at(LEDGER, project).state is State.PASS

    file = project.root / ".opsctl/evidence/ledger.jsonl"
    file.write_text(file.read_text().replace('"verdict":"fail"', '"verdict":"pass"', 1))
    assert "was changed" in titles(project, LEDGER)[0]
