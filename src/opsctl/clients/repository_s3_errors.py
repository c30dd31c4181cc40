"""What went wrong when a bucket was asked: every foreign error as an OpsError, and no key in any message."""

from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import NotReadyError, OpsError, UsageError

if TYPE_CHECKING:
    from opsctl.clients.s3_place import S3Place

# The words of the protocol, and the bare numbers that a HEAD answers with, because it has no body.
NOT_THERE = frozenset({"NoSuchKey", "NoSuchBucket", "NotFound", "404"})
IS_THERE = frozenset({"PreconditionFailed", "412"})
UPLOAD_GONE = frozenset({"NoSuchUpload"})
NO_CONDITIONS = frozenset({"NotImplemented", "501"})
_REFUSED = frozenset(
    {
        *("401", "403", "AccessDenied", "AccountProblem", "AllAccessDisabled", "AuthFailure", "ExpiredToken"),
        *(
            "InvalidAccessKeyId",
            "InvalidToken",
            "SignatureDoesNotMatch",
            "RequestTimeTooSkewed",
            "Unauthorized",
        ),
    }
)
# botocore's own variables with neither environment nor file behind them: a stray AWS_PROFILE must not matter.
_NOTHING_OF_THE_USER = {
    "profile": (None, None, None, None),
    "config_file": (None, None, None, None),
    "credentials_file": (None, None, "/dev/null", None),
}
_CONNECT_SECONDS = 5
_READ_SECONDS = 60


def new_client(place: "S3Place") -> Any:
    """Return botocore's client for a bucket; nothing but what `place` says goes into it, whatever ~/.aws holds.

    Raises:
        NotReadyError: REP010 when botocore is not installed.
        UsageError: REP004 when an address makes no sense.
    """
    session = _session()
    from botocore.config import Config

    try:
        return session.create_client(
            "s3",
            endpoint_url=place.endpoint,
            region_name=place.region,
            aws_access_key_id=place.access_key,
            aws_secret_access_key=place.secret_key,
            config=Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": 3},
                s3={"addressing_style": "path" if place.path_style else "virtual"},
                signature_version="s3v4",
                ignore_configured_endpoint_urls=True,
                # Servers other than Amazon's mostly do not know its newer checksums; ours are in the manifest.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
    except ValueError as error:
        raise UsageError(
            f"`{place.shown}` is no address of a repository",
            code="REP004",
            why=without_keys(str(error), place),
            fix="check `endpoint` and `region` in it",
        ) from None


@cache
def _session() -> Any:
    """Return what knows the protocol, of which it reads thousands of lines from files; one serves all clients."""
    try:
        from botocore.session import Session
    except ImportError as error:
        raise NotReadyError(
            "a repository in a bucket needs the extra `opsctl[backup]`",
            code="REP010",
            why=str(error),
            fix="pip install 'opsctl[backup]'",
        ) from error
    return Session(session_vars=_NOTHING_OF_THE_USER)


def code_of(error: Any) -> str:
    """Return the server's word for a `ClientError`, such as `NoSuchKey`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def without_keys(text: str, place: "S3Place") -> str:
    """Return a text with neither of the keys in it."""
    return text.replace(place.secret_key, "***").replace(place.access_key, "***")


def no_bucket(place: "S3Place") -> NotReadyError:
    """Return the error for a bucket that is not there."""
    return NotReadyError(
        f"there is no bucket `{place.bucket}`",
        code="REP006",
        why=f"{_where(place)} says so",
        fix="make it there, private; or correct the address of the repository in ops/backup.yaml",
    )


def not_s3(place: "S3Place", *, doing: str, why: str) -> NotReadyError:
    """Return the error for an answer that no server of S3 would give."""
    return NotReadyError(
        f"cannot {doing}: what answers at {_where(place)} does not speak S3",
        code="REP011",
        why=why,
        fix="check `endpoint`; that of Supabase ends in /storage/v1/s3",
    )


def too_many_parts(place: "S3Place", *, most: int) -> UsageError:
    """Return the error for an object that needs more parts than a server takes."""
    mebibytes = place.part_bytes // 1024**2
    return UsageError(
        f"an object of {place.shown} would be larger than {most:,} parts of {mebibytes} MiB",
        code="REP012",
        why="no server that speaks S3 takes more parts",
        fix=f"add `part_mib={4 * mebibytes}` to the address of the repository; three parts at a time are in memory",
    )


class TranslatedErrors:
    """Turn what botocore raises inside a `with` block into an OpsError.

    Args:
        place: the bucket that is asked.
        doing: what it is asked to do, such as ``keep `wal/1` ``.
        only_reads: nothing but answers is handled in the block, so a value that is none is the server's.
    """

    def __init__(self, place: "S3Place", *, doing: str, only_reads: bool = False) -> None:
        self._place = place
        self._doing = doing
        self._only_reads = only_reads

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        match error:
            case ClientError():
                # Its text and its request hold the access key: it is no cause that a log should show.
                raise self._refused(code_of(error), error.response) from None
            case BotoCoreError():
                raise self._unreachable(error) from None
            case ResponseParserError():
                why = without_keys(str(error).partition("\n")[0][:200], self._place)
                raise not_s3(self._place, doing=self._doing, why=why) from None
            case ValueError() | KeyError() | TypeError() if self._only_reads:
                why = without_keys(f"a value is missing, or is none: {error}"[:200], self._place)
                raise not_s3(self._place, doing=self._doing, why=why) from None
            case _:
                return

    def _refused(self, code: str, response: dict[str, Any]) -> OpsError:
        said = without_keys(str(response.get("Error", {}).get("Message", "")), self._place)
        if code == "NoSuchBucket":
            return no_bucket(self._place)
        if code in _REFUSED:
            return NotReadyError(
                f"cannot {self._doing}: {self._place.shown} refuses the access key",
                code="REP007",
                why=f"{code}: {said}",
                fix="check OPSCTL_BACKUP_ACCESS_KEY and OPSCTL_BACKUP_SECRET_KEY, and what their owner may do there",
            )
        # Whatever it is, it says nothing against what is kept there: a verification must not take it for damage.
        return NotReadyError(
            f"cannot {self._doing}: {self._place.shown} refuses",
            code="REP009",
            why=f"{code}: {said}",
            fix="see what the server means by it, then run the command again",
        )

    def _unreachable(self, error: Exception) -> NotReadyError:
        return NotReadyError(
            f"cannot {self._doing}: no answer from {_where(self._place)}",
            code="REP008",
            why=without_keys(str(error).partition("\n")[0], self._place),
            fix="check `endpoint` and `region` in the address of the repository, network and TLS",
        )


def _where(place: "S3Place") -> str:
    return place.endpoint or f"Amazon S3 in {place.region}"
