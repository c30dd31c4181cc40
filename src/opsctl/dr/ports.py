"""What must a place for backups be able to do, as the code that fills and reads it sees it."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from opsctl.dr.manifest import SealedFile


class FileVault(Protocol):
    """Keeps files of any size, compressed and perhaps encrypted, and verifies what it gives back."""

    def put(self, key: str, pieces: Iterable[bytes]) -> SealedFile:
        """Keep a content, which appears as a whole or not at all; an error of `pieces` goes through."""
        ...

    def get(self, file: SealedFile) -> Iterator[bytes]:
        """Yield the content; the last piece comes only where all of it was what was put."""
        ...


class NamedVault(Protocol):
    """Keeps small things by name, each under a key that ends in the digest of what is stored."""

    def put_named(self, prefix: str, name: str, data: bytes) -> str:
        """Keep bytes and return their key."""
        ...

    def get_named(self, key: str) -> bytes:
        """Return the bytes of a key, verified."""
        ...

    def keys_named(self, prefix: str) -> Iterator[str]:
        """Yield the keys below a prefix."""
        ...


class Vault(FileVault, NamedVault, Protocol):
    """Both."""
