"""Under which number and address is a panel found: the same in every render, so that links never break."""

from hashlib import blake2b

UID_PREFIX = "opsctl-"
_LARGEST = 2**31 - 1


def dashboard_uid(book: str) -> str:
    """Return the address of a dashboard.

    >>> dashboard_uid("system")
    'opsctl-system'
    """
    return f"{UID_PREFIX}{book}"


def panel_id(book: str, panel: str) -> int:
    """Return the number of a panel, from 1: it depends on names alone, not on what stands beside it."""
    digest = blake2b(f"{book}/{panel}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % _LARGEST + 1
