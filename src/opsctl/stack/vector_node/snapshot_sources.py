"""Where the bytes of a snapshot to recover from come from: a local file, a loopback URL, an upload."""

import asyncio
import ipaddress
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlsplit

from opsctl.stack.vector_node.api_error import ApiError
from opsctl.stack.vector_node.http import Request

_FETCH_TIMEOUT_SECONDS = 60.0
_LONGEST_PART_HEAD_BYTES = 16_384


async def fetch(location: str, *, target: Path, api_key: str | None) -> None:
    """Copy the snapshot at `location` into `target`; only this machine is asked.

    Raises:
        ApiError: 400 for a location that is not allowed or not there.
    """
    parts = urlsplit(location)
    if parts.scheme == "file":
        source = Path(unquote(parts.path))
        await asyncio.to_thread(_copy, source, target=target)
    elif parts.scheme in {"http", "https"} and _is_loopback(parts.hostname):
        await asyncio.to_thread(_download, location, target=target, api_key=api_key)
    else:
        raise ApiError(
            400,
            f"Wrong input: cannot recover from `{location}`: use a file:// URI or an http(s) URL of this machine",
        )


async def receive_upload(request: Request, *, target: Path) -> None:
    """Write the first part of a multipart upload into `target`, without holding it in memory.

    Raises:
        ApiError: 400, when the body is not a multipart form with one file; 413, when the disk has no room for it.
    """
    delimiter = b"\r\n--" + _boundary(request)
    pending = b"\r\n"
    is_in_file = False
    with target.open("wb") as stream:
        async for chunk in request.chunks(limit=_room(target)):
            pending += chunk
            if not is_in_file:
                start = pending.find(b"\r\n\r\n")
                if start < 0 and len(pending) > _LONGEST_PART_HEAD_BYTES:
                    break
                if start < 0:
                    continue
                is_in_file, pending = True, pending[start + 4 :]
            end = pending.find(delimiter)
            if end >= 0:
                stream.write(pending[:end])
                return
            safe = max(0, len(pending) - len(delimiter))
            stream.write(pending[:safe])
            pending = pending[safe:]
    raise ApiError(400, "Bad request: the body is not a multipart form with one file `snapshot`")


def _room(target: Path) -> int:
    """Return how many bytes a snapshot may have: it is unpacked beside itself."""
    return shutil.disk_usage(target.parent).free // 2


def _boundary(request: Request) -> bytes:
    kind, _, parameters = request.headers.get(b"content-type", b"").partition(b";")
    name, _, value = parameters.strip().partition(b"=")
    if kind.strip() != b"multipart/form-data" or name != b"boundary" or not value:
        raise ApiError(400, "Bad request: an upload must be multipart/form-data")
    return value.strip(b'"')


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return host is not None and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _copy(source: Path, *, target: Path) -> None:
    if not source.is_file():
        raise ApiError(400, f"Wrong input: Snapshot file {str(source)!r} does not exist")
    shutil.copyfile(source, target)


def _download(url: str, *, target: Path, api_key: str | None) -> None:
    request = urllib.request.Request(url, headers={} if api_key is None else {"api-key": api_key})  # noqa: S310 - the scheme has been checked
    # No redirects: a loopback URL must not lead elsewhere.
    opener = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_FETCH_TIMEOUT_SECONDS) as response, target.open("wb") as stream:
            shutil.copyfileobj(response, stream)
    except (urllib.error.URLError, TimeoutError) as error:
        raise ApiError(400, f"Wrong input: cannot download the snapshot from `{url}`: {error}") from error


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        """Refuse to follow."""
