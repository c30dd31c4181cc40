"""What is known of a key, who is asked for it, and what a good one grants."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from opsctl.service.edge.gcra import Allowance


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """What the database says of a key; `hash` is the SHA-256 of the whole key."""

    prefix: str
    hash: bytes
    plan: str
    scopes: frozenset[str]
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class KeySource(Protocol):
    """Where keys are kept."""

    async def find(self, prefix: str) -> KeyRecord | None:
        """Return the key of this prefix, revoked and expired ones too; None when there is none.

        Raises:
            Exception: the database cannot be asked; a key that was good a moment ago then stays good.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a good key may do."""

    prefix: str
    plan: str
    scopes: frozenset[str]
    allowance: Allowance


class KeyRefusedError(Exception):
    """The key is not good; `reason` is one of those of `metrics.REFUSED`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeysUnavailableError(Exception):
    """The database cannot say whether the key is good."""
