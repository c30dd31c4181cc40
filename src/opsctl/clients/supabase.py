"""How opsctl gets into a Supabase project: its address, its key, and a client that gives up in time."""

import base64
import binascii
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from opsctl.core.errors import NotReadyError

if TYPE_CHECKING:
    import httpx
    from supabase import Client

CONNECT_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SupabasePlace:
    """Where a Supabase project is and how to get in; the key is no part of the text form.

    Args:
        url: such as `https://project.supabase.co`.
        key: the API key itself, read from a file or the environment by the caller.
        timeout_seconds: longest wait for one answer.
    """

    url: str
    key: str = field(repr=False)
    timeout_seconds: float = 30.0

    @property
    def shown(self) -> str:
        """Return the address without user, password or query, fit for messages."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))

    @property
    def bypasses_row_security(self) -> bool:
        """Tell whether the key is a secret one, which sees every row whatever the policies say."""
        return role_of(self.key) == "service_role"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSupabase:
    """An open client of a project, with the HTTP connections that it uses."""

    place: SupabasePlace
    client: "Client"
    http: "httpx.Client"


@contextmanager
def open_supabase(place: SupabasePlace) -> Iterator[OpenSupabase]:
    """Give a client of a project; nothing is asked of the server yet.

    Raises:
        NotReadyError: SUP003 when the extra is not installed.
    """
    import httpx

    try:
        from supabase import create_client
        from supabase.lib.client_options import SyncClientOptions
    except ImportError as error:
        raise NotReadyError(
            "talking to Supabase is not installed",
            code="SUP003",
            why=str(error),
            fix="pip install 'opsctl[supabase]'",
        ) from error
    timeout = httpx.Timeout(
        place.timeout_seconds, connect=min(CONNECT_TIMEOUT_SECONDS, place.timeout_seconds)
    )
    # A redirect is never followed: the key would go along to whoever is named there.
    with httpx.Client(timeout=timeout, follow_redirects=False) as http:
        # Nobody logs in here: a session that refreshes itself would only leave a timer behind.
        options = SyncClientOptions(httpx_client=http, auto_refresh_token=False, persist_session=False)
        yield OpenSupabase(place=place, client=create_client(place.url, place.key, options), http=http)


def role_of(key: str) -> str | None:
    """Return the database role that a key stands for, as far as the key itself tells.

    >>> role_of("sb_secret_x"), role_of("sb_publishable_x"), role_of("?")
    ('service_role', 'anon', None)
    """
    if key.startswith("sb_secret_"):
        return "service_role"
    if key.startswith("sb_publishable_"):
        return "anon"
    parts = key.split(".")
    if len(parts) != 3:
        return None
    try:
        # The keys of before 2025 are JSON web tokens; whether this one is genuine, the server decides.
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    role = claims.get("role") if isinstance(claims, dict) else None
    return role if isinstance(role, str) else None
