"""Can other users of this machine read secrets, or change what opsctl trusts?

Looked at: every file that the settings or a book names as a secret and the whole of `.opsctl/secrets`, which nobody else
may read; and everything in the state folder, its ledger, pid files, logs and sockets, which nobody else may write: whoever can
write the ledger or a pid file decides what opsctl believes and which processes it ends. What lies below a folder of the
state that nobody else can enter is safe whatever its mode. All of it has to belong to whoever runs the audit, or to root:
an owner reads and writes whatever the mode says, or changes the mode. PostgreSQL does not run as root, so the stack gives
what is its own to the project's owner, or to `nobody` where that is root: there, and only there, that is no finding.

Mend: take the rights away (chmod go-rwx), and give what is somebody else's to the user of the stack (chown). A secret that a platform mounts into a container is often readable by all inside
of it; where nobody else is inside, waive its place in `ops/waivers.yaml`.
"""

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from opsctl.core.findings import Location
from opsctl.security.context import Context
from opsctl.security.model import (
    Answer,
    CannotTellError,
    SecurityCheck,
    Trouble,
    Weight,
    could_not_tell,
    failed,
    passed,
)
from opsctl.security.project_files import shown
from opsctl.security.saying import counted

_OTHERS_READ = stat.S_IRGRP | stat.S_IROTH
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def look(context: Context) -> Answer:
    """Look at modes and owners."""
    secret = [path for path in _secret_files(context) if path.exists()]
    state = list(_below(context.home)) if context.home.is_dir() else []
    if not secret and not state:
        return could_not_tell(
            "no secret file is named, and there is no state folder yet",
            mend="run the audit where the service runs, or after: opsctl stack up",
        )
    troubles = [each for path in secret for each in _exposed(path, context, forbidden=_OTHERS_READ)]
    troubles += [each for path in state for each in _exposed(path, context, forbidden=_OTHERS_WRITE)]
    if troubles:
        return failed(
            f"{len(troubles)} of {counted(len(secret) + len(state), 'path')} open to other users",
            mend="take the rights away (chmod go-rwx PATH), and give to the user of the stack what is somebody else's (chown)",
            troubles=tuple(troubles),
        )
    return passed(
        f"{counted(len(secret), 'secret file')} and {counted(len(state), 'path')} of the state folder, closed to others"
    )


def _secret_files(context: Context) -> Iterator[Path]:
    named = {source.file for source in context.secrets if source.file is not None}
    own = context.home / "secrets"
    yield from sorted(named | ({own} if own.is_dir() else set()) | set(_below(own)))


def _below(folder: Path) -> Iterator[Path]:
    yield folder
    for parent, folders, files in os.walk(folder, onerror=_require_seen):
        yield from (Path(parent) / name for name in sorted([*folders, *files]))


def _require_seen(error: OSError) -> None:
    """Let a folder be gone; what cannot be listed was not looked at."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise CannotTellError(
            f"`{error.filename}` cannot be listed: {error.strerror}",
            mend="run the audit as the user of the stack, or as root",
        ) from error


def _exposed(path: Path, context: Context, *, forbidden: int) -> Iterator[Trouble]:
    try:
        found = path.lstat()
    except FileNotFoundError:  # such as a socket whose process has just ended
        return
    named = shown(str(path.relative_to(context.root) if path.is_relative_to(context.root) else path))
    if found.st_uid not in _trusted_users() | _database_users(path, context):
        yield Trouble(
            title=f"`{named}` belongs to {_name_of(found.st_uid)}, and an owner does with it as they like",
            place=named,
            location=Location(file=named),
            mend=f"chown {os.geteuid()} {named}",
        )
    if stat.S_ISLNK(found.st_mode) or (found.st_mode & forbidden) == 0 or _is_kept_out(path, context):
        return
    verb = "read" if forbidden == _OTHERS_READ else "change"
    yield Trouble(
        title=f"others can {verb} `{named}`: mode {stat.S_IMODE(found.st_mode):o}",
        place=named,
        location=Location(file=named),
        mend=f"chmod go-rwx {named}",
    )


def _trusted_users() -> frozenset[int]:
    """Return whose files may be trusted: those of this user, and of root, who may do anything anyway.

    As root, whoever it was that became root with sudo runs the stack at other times.
    """
    own = os.geteuid()
    before = os.environ.get("SUDO_UID", "") if own == 0 else ""
    return frozenset({0, own} | ({int(before)} if before.isdecimal() else set()))


def _database_users(path: Path, context: Context) -> frozenset[int]:
    """Return to whom the stack gives this path when root runs it: the project's owner, or `nobody` if that is root."""
    if os.geteuid() != 0 or not path.is_relative_to(context.home / "stack"):
        return frozenset()
    owner = context.root.stat().st_uid
    try:
        return frozenset({owner or pwd.getpwnam("nobody").pw_uid})
    except KeyError:
        return frozenset()


def _name_of(user: int) -> str:
    try:
        return f"`{pwd.getpwuid(user).pw_name}`"
    except KeyError:
        return f"user {user}"


def _is_kept_out(path: Path, context: Context) -> bool:
    """Tell whether a folder between the project and the path lets nobody else through."""
    closed = stat.S_IXGRP | stat.S_IXOTH
    between = [folder for folder in path.parents if folder.is_relative_to(context.home)]
    return any(folder.lstat().st_mode & closed == 0 for folder in between)


CHECK = SecurityCheck(
    code="SEC006",
    title="permissions of secrets and state",
    weight=Weight.HIGH,
    owasp="A01",
    asvs=("V13.3.2", "V16.4.2"),
    look=look,
    explanation=__doc__ or "",
)
