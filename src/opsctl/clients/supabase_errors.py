"""What went wrong when a Supabase project was asked: every foreign error as an OpsError."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opsctl.clients.supabase import SupabasePlace
from opsctl.core.errors import FailedError, NotReadyError, OpsError, UsageError

if TYPE_CHECKING:
    import httpx

_FIX_ADDRESS = "check `supabase.url`: opsctl config show"
_FIX_KEY = "set `supabase.key_file` in opsctl.yaml or OPSCTL_SUPABASE_KEY to the project's secret key"
_FIX_BUCKET = "make the bucket as a private one in the dashboard, or correct `supabase.bucket`"

# PostgREST's own codes (PGRST...) and PostgreSQL's SQLSTATEs, from https://docs.postgrest.org/en/stable/errors.html
_NOT_THERE = frozenset({"PGRST205", "42P01", "PGRST106", "PGRST200", "42703"})
_KEY_REFUSED = frozenset({"PGRST301", "PGRST302", "PGRST303", "401"})
_TOO_SLOW = frozenset({"57014", "PGRST003", "504"})


@contextmanager
def translated(place: SupabasePlace, *, doing: str) -> Iterator[None]:
    """Turn what the supabase client raises inside the block into an OpsError; `doing` such as `read listings`."""
    import httpx
    from postgrest.exceptions import APIError
    from pydantic import ValidationError
    from storage3.exceptions import StorageApiError

    try:
        yield
    except APIError as error:
        raise _from_tables(error, place=place, doing=doing) from error
    except StorageApiError as error:
        raise from_storage(
            str(error.status),
            word=error.code,
            said=_without_key(error.message, place),
            place=place,
            doing=doing,
        ) from error
    except httpx.HTTPError as error:
        raise _from_transport(error, place=place, doing=doing) from error
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        # The client takes an answer apart without looking whether it is one of Supabase's.
        why = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise not_supabase(place, doing=doing, why=why) from error


def from_storage(status: str, *, word: str, said: str, place: SupabasePlace, doing: str) -> OpsError:
    """Return the error for a refusal of the storage; it answers 400 and means the status in the body."""
    match status:
        case "413":
            return FailedError(
                f"cannot {doing}: it is larger than the project allows",
                code="SUP011",
                why=said,
                fix="raise the limit of the bucket and of the project in the dashboard, or store it elsewhere",
            )
        case _ if "Unable to parse error message" in said and not status.startswith("5"):
            return not_supabase(place, doing=doing, why=said[:200])
        case "401" | "403":
            return _key_refused(place, doing=doing, why=f"{word}: {said}")
        case "404" if "bucket" in f"{word} {said}".lower():
            return NotReadyError(f"cannot {doing}: no such bucket", code="SUP009", why=said, fix=_FIX_BUCKET)
        case "404":
            return FailedError(
                f"cannot {doing}: it is not there", code="SUP010", why=said, fix="opsctl artefacts list"
            )
        case _:
            return _refused(place, doing=doing, why=f"{word}: {said}", status=status)


def not_supabase(place: SupabasePlace, *, doing: str, why: str) -> FailedError:
    """Return the error for an answer that Supabase would not give."""
    return FailedError(
        f"cannot {doing}: the answer of `{place.shown}` is not Supabase's",
        code="SUP006",
        why=_without_key(why, place),
        fix=f"{_FIX_ADDRESS}; it is the project's address, without `/rest/v1`",
    )


def _from_tables(error: Any, *, place: SupabasePlace, doing: str) -> OpsError:
    code, said = str(error.code or ""), _without_key(str(error.message or error.details or ""), place)
    words = f"{said} ({error.hint})" if error.hint else said
    if code in _NOT_THERE:
        return UsageError(
            f"cannot {doing}: {said[:1].lower()}{said[1:]}",
            code="SUP007",
            why="the name is wrong, or its schema is not exposed by the project's Data API",
            fix="check the name; a table outside of `public` is written `supabase:SCHEMA.TABLE`",
        )
    if code == "42501":
        return NotReadyError(
            f"cannot {doing}: the role of the key has no right to it",
            code="SUP005",
            why=words,
            fix="grant select to the key's role, or use the project's secret key",
        )
    if code in _KEY_REFUSED or "api key" in said.lower():
        return _key_refused(place, doing=doing, why=words)
    if code in _TOO_SLOW:
        return _timed_out(place, doing=doing, why=words)
    if code in ("", "200", "404", "405") or (len(code) == 3 and code.startswith("3")):
        # No code of PostgREST's: something else answers there, or its answer is no JSON.
        return not_supabase(place, doing=doing, why=words[:200] or "an answer without content")
    return _refused(place, doing=doing, why=f"{code}: {words}", status=code)


def _from_transport(error: "httpx.HTTPError", *, place: SupabasePlace, doing: str) -> OpsError:
    import httpx

    words = str(error) or type(error).__name__
    if isinstance(error, httpx.ConnectTimeout):
        return _unreachable(place, doing=doing, why="no connection in time")
    if isinstance(error, httpx.TimeoutException):
        return _timed_out(place, doing=doing, why=f"no answer within {place.timeout_seconds:g} s")
    if isinstance(error, httpx.RemoteProtocolError | httpx.DecodingError):
        return not_supabase(place, doing=doing, why=words)
    return _unreachable(place, doing=doing, why=words)


def _unreachable(place: SupabasePlace, *, doing: str, why: str) -> NotReadyError:
    return NotReadyError(
        f"cannot {doing}: `{place.shown}` does not answer", code="SUP004", why=why, fix=_FIX_ADDRESS
    )


def _timed_out(place: SupabasePlace, *, doing: str, why: str) -> NotReadyError:
    return NotReadyError(
        f"cannot {doing}: `{place.shown}` took too long",
        code="SUP008",
        why=why,
        fix="set a longer `supabase.timeout_seconds`, or give the table an index on the id column",
    )


def _key_refused(place: SupabasePlace, *, doing: str, why: str) -> NotReadyError:
    return NotReadyError(
        f"cannot {doing}: `{place.shown}` does not accept the key", code="SUP005", why=why, fix=_FIX_KEY
    )


def _refused(place: SupabasePlace, *, doing: str, why: str, status: str) -> OpsError:
    if status.startswith("5") or status == "429":
        return NotReadyError(
            f"cannot {doing}: `{place.shown}` is failing or busy",
            code="SUP012",
            why=why,
            fix="look at the project's status and logs, then run the same command again",
        )
    return FailedError(
        f"cannot {doing}: `{place.shown}` refused",
        code="SUP012",
        why=why,
        fix="change what the server names, then run the same command again",
    )


def _without_key(text: str, place: SupabasePlace) -> str:
    return text.replace(place.key, "***")
