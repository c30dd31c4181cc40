"""What makes hashes of user ids those of this installation only: a random salt, made once and kept."""

import os
import secrets
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from opsctl.clients.files import file_error

_SALT_BYTES = 32


def installation_salt(path: Path) -> bytes:
    """Return the salt of a file; whoever comes first of several workers makes it, for its owner only.

    Raises:
        NotReadyError: FIL001 when the disk is full, FIL003 for any other refusal.
    """
    try:
        with suppress(FileNotFoundError):
            return _whole(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        own = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        own.unlink(missing_ok=True)
        descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, secrets.token_bytes(_SALT_BYTES))
            os.fsync(descriptor)
            # A link fails where a rename would replace the salt that another worker already uses.
            with suppress(FileExistsError):
                os.link(own, path)
        finally:
            os.close(descriptor)
            own.unlink()
        return _whole(path)
    except OSError as error:
        raise file_error(error, path=path, doing="write") from error


def _whole(path: Path) -> bytes:
    """Return the salt; one that was cut short is removed, because its hashes could be guessed."""
    salt = path.read_bytes()
    if len(salt) == _SALT_BYTES:
        return salt
    path.unlink(missing_ok=True)
    raise FileNotFoundError(path)


def hash_user(user_id: int, *, salt: bytes) -> str:
    """Return 16 hexadecimal digits that name a user to whoever has the salt, and to nobody else."""
    return blake2b(b"%d" % user_id, key=salt, digest_size=8).hexdigest()
