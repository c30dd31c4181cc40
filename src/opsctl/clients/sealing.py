"""As what does a content lie in a repository: compressed, and where there are recipients, encrypted for them.

Compressed by zstd, encrypted by `age`: `age -d -i key.txt x.zst.age | zstd -d` opens it by hand.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from opsctl.clients.packing import damaged, missing_extra, packed, unpacked
from opsctl.clients.pumping import PumpError, Reader, Writer, pumped
from opsctl.core.errors import UsageError

_AGE_MAGIC = b"age-encryption.org/"
_SECRET_BEGINS = "AGE-SECRET-KEY-"  # noqa: S105 - how every secret key begins
_LEVELS = range(1, 23)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """How contents are sealed and opened again.

    Args:
        recipients: public keys (`age1...`); with none, contents are compressed only.
        identities: secret keys, or whole texts of key files; needed to open what is encrypted, and for nothing else.
        level: how hard zstd tries, from 1 to 22.
        absent: the file in which a secret key would be, where there is none; for the message of who needs it.

    Raises:
        UsageError: SEA001 for a bad recipient, SEA002 for a bad identity, SEA006 for a level that zstd does not have.
    """

    recipients: tuple[str, ...] = ()
    identities: tuple[str, ...] = field(default=(), repr=False)
    level: int = 1
    absent: str | None = None

    def __post_init__(self) -> None:
        for recipient in self.recipients:
            _recipient(recipient)
        _identities(self.identities)
        if self.level not in _LEVELS:
            raise UsageError(
                f"zstd has no level {self.level}",
                code="SEA006",
                fix=f"choose one from {_LEVELS.start} (fastest) to {_LEVELS[-1]} (smallest)",
            )

    @property
    def suffix(self) -> str:
        """Return what the name of a sealed content ends in."""
        return ".zst.age" if self.recipients else ".zst"

    def seal(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the content sealed; an error of `pieces` goes through."""
        smaller = packed(pieces, level=self.level)
        if not self.recipients:
            return smaller
        recipients = [_recipient(each) for each in self.recipients]

        def encrypt(reader: Reader, writer: Writer) -> None:
            _pyrage().encrypt_io(reader, writer, recipients)

        return pumped(smaller, pump=encrypt)

    def unseal(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the content of what was sealed, each piece checked; a missing end is an error at the end.

        Raises:
            UsageError: SEA003 when it is encrypted and there is no key, SEA004 when no key fits.
            FailedError: SEA005 when it is damaged or not whole.
        """
        rest = iter(pieces)
        beginning = b""
        for piece in rest:
            beginning += piece
            if len(beginning) >= len(_AGE_MAGIC):
                break
        whole = chain([beginning], rest) if beginning else rest
        if not beginning.startswith(_AGE_MAGIC):
            yield from unpacked(whole)
            return
        with closing(self._decrypted(whole)) as opened:
            yield from unpacked(opened)

    def _decrypted(self, pieces: Iterable[bytes]) -> Generator[bytes, None, None]:
        identities = _identities(self.identities)
        if not identities:
            raise UsageError(
                "it is encrypted, and there is no key here to open it",
                code="SEA003",
                why=f"there is no `{self.absent}`"
                if self.absent
                else "the secret key is kept apart from the backups on purpose",
                fix="name the file with the key: --identity FILE, `encryption.identity_file` in the book, or OPSCTL_BACKUP_IDENTITY",
            )

        def decrypt(reader: Reader, writer: Writer) -> None:
            _pyrage().decrypt_io(reader, writer, identities)

        try:
            yield from pumped(pieces, pump=decrypt)
        except PumpError as error:
            if "No matching keys" not in str(error):
                raise damaged(f"age: {error}") from error
            raise UsageError(
                "none of the keys here opens it",
                code="SEA004",
                why="it was encrypted for others, or its head is damaged",
                fix="name the file with the key of one of its recipients (`encryption.identity_file`)",
            ) from error


def new_key() -> tuple[str, str]:
    """Return a new pair of keys: the text of the file with the secret one, and the recipient to encrypt for."""
    identity = _pyrage().x25519.Identity.generate()
    recipient = str(identity.to_public())
    return f"# public key: {recipient}\n{identity}\n", recipient


def _recipient(text: str) -> Any:
    pyrage = _pyrage()
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        is_secret = text.strip().upper().startswith(_SECRET_BEGINS)
        raise UsageError(
            "a secret key stands where a recipient belongs"
            if is_secret
            else f"`{text}` is no recipient of age",
            code="SEA001",
            why="whoever can read it can open every backup" if is_secret else str(error),
            fix="write the public key there, which begins with `age1`; `opsctl dr key` makes a new pair",
        ) from None


def _identities(texts: Sequence[str]) -> list[Any]:
    """Return the keys of the texts; neither they nor any other line is ever part of a message."""
    found = [_identity(line) for text in texts for line in _lines(text)]
    if texts and not found:
        raise _no_identity("there is no key in it")
    return found


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))


def _identity(line: str) -> Any:
    pyrage = _pyrage()
    if "AGE ENCRYPTED FILE" in line or line.startswith(_AGE_MAGIC.decode()):
        raise _no_identity("it is itself encrypted: open it with `age -d` first")
    if not line.startswith(_SECRET_BEGINS):
        raise _no_identity(f"a line of it does not begin with {_SECRET_BEGINS}")
    try:
        return pyrage.x25519.Identity.from_str(line)
    except pyrage.IdentityError as error:
        raise _no_identity(str(error)) from None


def _no_identity(why: str) -> UsageError:
    return UsageError(
        "what should be one is no secret key of age",
        code="SEA002",
        why=why,
        fix="use the file that `opsctl dr key` or `age-keygen` has made; OPSCTL_BACKUP_IDENTITY takes its text, not its name",
    )


def _pyrage() -> Any:
    try:
        import pyrage
    except ImportError as error:
        raise missing_extra(error) from error
    return pyrage
