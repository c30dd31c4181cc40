"""Which repository does an address stand for: a folder, or a bucket of a server that speaks S3."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from opsctl.clients.repository import Repository, is_key
from opsctl.core.errors import UsageError

ACCESS_KEY_VARIABLE = "OPSCTL_BACKUP_ACCESS_KEY"
SECRET_KEY_VARIABLE = "OPSCTL_BACKUP_SECRET_KEY"  # noqa: S105 - the name of a variable

_OPTIONS = frozenset({"endpoint", "region", "style", "part_mib"})
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,62}", re.ASCII)
_LONGEST_PREFIX = 200  # a key of S3 holds 1,024 bytes, and ours take up to 800
_MIB = 1024 * 1024
_FIX_KEYS = f"leave them out; set {ACCESS_KEY_VARIABLE} and {SECRET_KEY_VARIABLE} in the environment"
_FORMS = "write `/folder`, `file:///folder` or `s3://bucket/prefix?endpoint=https://host&region=us-east-1`"


def open_repository(url: str, *, secrets: Mapping[str, str]) -> Repository:
    """Return the repository of an address; nothing is asked of it yet.

    Args:
        url: `/folder`, `file:///folder`, or `s3://bucket/prefix` with `endpoint` (none for Amazon's own), `region`,
            `style` (`path` or `virtual`) and `part_mib` behind a `?`.
        secrets: where the keys for a bucket are found by name, such as the environment.

    Raises:
        UsageError: REP004 when the address makes no sense, REP005 when keys are missing.
        NotReadyError: REP010 when the extra `opsctl[backup]` is not installed.
    """
    if url.startswith("/"):
        return _folder(Path(url))
    try:
        parts = urlsplit(url)
        has_password = parts.username is not None or parts.password is not None
    except ValueError:
        raise _refused("...", why="it cannot be taken apart") from None
    if has_password:
        # The address itself is not repeated: what stands in it is a secret.
        raise _refused("...@...", why="a user or password has no place in an address", fix=_FIX_KEYS)
    match parts.scheme:
        case "file":
            return _file(url, parts)
        case "s3":
            return _bucket(url, parts, secrets=secrets)
        case "":
            raise _refused(url, why="it is neither a whole path nor an address")
        case scheme:
            raise _refused(url, why=f"opsctl keeps nothing in `{scheme}`")


def _file(url: str, parts: SplitResult) -> Repository:
    if parts.netloc not in ("", "localhost"):
        raise _refused(
            url, why=f"`{parts.netloc}` is another machine", fix="write three slashes: file:///folder"
        )
    if parts.query or parts.fragment:
        raise _refused(url, why="a folder has no options", fix="write `%3F` for a `?` and `%23` for a `#`")
    return _folder(Path(unquote(parts.path) or "/"))


def _folder(path: Path) -> Repository:
    from opsctl.clients.repository_folder import FolderRepository

    if "\0" in str(path) or path == Path("/"):
        raise _refused(str(path).replace("\0", "%00"), why="backups need a folder of their own")
    return FolderRepository(path)


def _bucket(url: str, parts: SplitResult, *, secrets: Mapping[str, str]) -> Repository:
    from opsctl.clients.repository_s3 import S3Repository
    from opsctl.clients.s3_place import S3Place

    options = _options(url, parts)
    prefix = unquote(parts.path).strip("/")
    if not _BUCKET.fullmatch(parts.netloc):
        raise _refused(url, why=f"`{parts.netloc}` cannot be the name of a bucket")
    if prefix and not (is_key(prefix) and len(prefix) <= _LONGEST_PREFIX):
        raise _refused(url, why=f"`{prefix}` cannot be the beginning of a key")
    endpoint = options.get("endpoint")
    style = options.get("style", "virtual" if endpoint is None else "path")
    if style not in ("path", "virtual"):
        raise _refused(url, why=f"`style` is `path` or `virtual`, and not `{style}`")
    return S3Repository(
        S3Place(
            bucket=parts.netloc,
            prefix=prefix,
            endpoint=_checked_endpoint(url, endpoint),
            region=options.get("region", "us-east-1"),
            path_style=style == "path",
            part_bytes=_part_bytes(url, options.get("part_mib", "16")),
            access_key=_key(ACCESS_KEY_VARIABLE, secrets=secrets),
            secret_key=_key(SECRET_KEY_VARIABLE, secrets=secrets),
        )
    )


def _options(url: str, parts: SplitResult) -> dict[str, str]:
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    options = dict(pairs)
    unknown = sorted(set(options) - _OPTIONS)
    if parts.fragment:
        raise _refused(url, why="nothing may stand behind a `#`")
    if unknown:
        raise _refused(
            url, why=f"there is no option `{unknown[0]}`", fix=f"there are: {', '.join(sorted(_OPTIONS))}"
        )
    if len(pairs) != len(options) or not all(options.values()):
        raise _refused(url, why="an option stands there twice, or is empty")
    return options


def _checked_endpoint(url: str, endpoint: str | None) -> str | None:
    if endpoint is None:
        return None
    try:
        parts = urlsplit(endpoint)
        is_plain = parts.username is None and parts.port != 0 and not parts.query and not parts.fragment
    except ValueError:
        raise _refused(url, why="`endpoint` cannot be taken apart") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_plain:
        why = "`endpoint` is an address such as https://host:9000, without user, password and options"
        raise _refused("s3://...", why=why)
    return endpoint.rstrip("/")


def _part_bytes(url: str, text: str) -> int:
    # Amazon takes parts from 5 MiB to 5 GiB; four of them are in memory at a time.
    if not text.isascii() or not text.isdigit() or not 5 <= int(text) <= 1024:
        raise _refused(url, why=f"`part_mib` is a whole number from 5 to 1024, and not `{text}`")
    return int(text) * _MIB


def _key(variable: str, *, secrets: Mapping[str, str]) -> str:
    value = secrets.get(variable, "").strip()
    if not value:
        raise UsageError(
            f"{variable} is not set",
            code="REP005",
            why="a repository in a bucket needs the two keys of who may write there",
            fix=f"set {ACCESS_KEY_VARIABLE} and {SECRET_KEY_VARIABLE} in the environment",
        )
    return value


def _refused(url: str, *, why: str, fix: str = _FORMS) -> UsageError:
    # Without its options: somebody may have put a key there.
    shown = url.partition("?")[0]
    return UsageError(f"`{shown}` is no address of a repository", code="REP004", why=why, fix=fix)
