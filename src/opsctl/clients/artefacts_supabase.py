"""How artefacts are kept in a private bucket of Supabase Storage."""

import mimetypes
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.clients.artefacts import (
    Artefact,
    changed_meanwhile,
    checked_name,
    damaged,
    digest_of,
    key_of,
    newest_first,
    parse_key,
    receive,
    require_free,
)
from opsctl.clients.supabase_errors import from_storage, not_supabase, translated

if TYPE_CHECKING:
    import httpx
    from storage3.types import FileOptions, ListBucketFilesOptions

    from opsctl.clients.supabase import OpenSupabase

_ENTRIES_AT_ONCE = 1000
_PIECE_BYTES = 256 * 1024


class SupabaseArtefacts:
    """Artefacts as objects of one bucket, each named by name and digest; content is streamed both ways."""

    def __init__(self, project: "OpenSupabase", *, bucket: str) -> None:
        self._project = project
        self._bucket_name = bucket
        self._bucket = project.client.storage.from_(bucket)

    @property
    def place(self) -> str:
        """Return the project and the bucket."""
        return f"{self._project.place.shown}, bucket {self._bucket_name}"

    def put(self, path: Path, *, name: str) -> Artefact:
        """Upload a file, and see that it arrived whole."""
        checked_name(name)
        sha256, size_bytes = digest_of(path)
        key = key_of(name, sha256=sha256)
        with translated(self._project.place, doing=f"store `{name}`"):
            is_ours = self._upload(path, key=key)
            if digest_of(path)[0] != sha256:
                if is_ours:  # what was there before is whole, whatever becomes of the file here
                    self._bucket.remove([key])
                raise changed_meanwhile(path)
            for artefact in self._entries(search=name):
                if artefact.key == key and artefact.size_bytes == size_bytes:
                    return artefact
        raise damaged(name, why=f"the project does not list an object `{key}` of {size_bytes:,} bytes")

    def entries(self) -> tuple[Artefact, ...]:
        """Return the artefacts of the bucket; other objects are nobody's business."""
        with translated(self._project.place, doing=f"list the bucket `{self._bucket_name}`"):
            found = newest_first(self._entries())
        if not found:
            self._require_bucket()
        return found

    def get(self, artefact: Artefact, *, target: Path, overwrite: bool = False) -> None:
        """Download an artefact into a file."""
        if require_free(target, sha256=artefact.sha256, overwrite=overwrite):
            pieces = self._download(artefact)
            receive(
                pieces, target=target, artefact=artefact.name, sha256=artefact.sha256, overwrite=overwrite
            )

    def _upload(self, path: Path, *, key: str) -> bool:
        """Upload a file, and tell whether it was not there yet."""
        from storage3.exceptions import StorageApiError

        kind = mimetypes.guess_type(key.rpartition("@")[0])[0] or "application/octet-stream"
        options: FileOptions = {"content-type": kind, "upsert": "false"}
        try:
            # The client opens the path itself and sends it a piece at a time.
            self._bucket.upload(key, path, options)
        except StorageApiError as error:
            # The digest is part of the key: what is there already is this content.
            if str(error.status) != "409":
                raise
            return False
        return True

    def _entries(self, *, search: str = "") -> Iterator[Artefact]:
        seen = 0
        while True:
            options: ListBucketFilesOptions = {
                "limit": _ENTRIES_AT_ONCE,
                "offset": seen,
                "sortBy": {"column": "name", "order": "asc"},
                "search": search,
            }
            page = self._bucket.list("", options)
            if not page:
                return
            seen += len(page)
            yield from (artefact for entry in page if (artefact := _artefact(entry)) is not None)

    def _require_bucket(self) -> None:
        """Refuse a bucket that is not there: not every server refuses to list one.

        The client's own `get_bucket` fails on the way in which Supabase Lite writes times.
        """
        doing = f"list the bucket `{self._bucket_name}`"
        with translated(self._project.place, doing=doing):
            answer = self._project.http.get(self._url("bucket", self._bucket_name), headers=self._headers())
        if not answer.is_success:
            raise self._refused(answer, doing=doing)

    def _download(self, artefact: Artefact) -> Iterator[bytes]:
        """Yield the content; the client's own `download` would hold all of it in memory."""
        import httpx

        received, doing = 0, f"fetch `{artefact.name}`"
        url, headers = self._url("object", self._bucket_name, artefact.key), self._headers()
        with (
            translated(self._project.place, doing=doing),
            self._project.http.stream("GET", url, headers=headers) as answer,
        ):
            if not answer.is_success:
                answer.read()
                raise self._refused(answer, doing=doing)
            try:
                for piece in answer.iter_bytes(_PIECE_BYTES):
                    received += len(piece)
                    yield piece
            except httpx.RemoteProtocolError as error:
                why = f"the answer ended after {received:,} of {artefact.size_bytes:,} bytes: {error}"
                raise damaged(artefact.name, why=why) from error

    def _url(self, *parts: str) -> str:
        return str(self._project.client.storage_url.joinpath(*parts))

    def _headers(self) -> dict[str, str]:
        return dict(self._project.client.options.headers)

    def _refused(self, answer: "httpx.Response", *, doing: str) -> Exception:
        status, word, said = str(answer.status_code), "", answer.text[:200]
        try:
            body: Any = answer.json()
            status, word, said = str(body["statusCode"]), str(body["error"]), str(body["message"])
        except (ValueError, KeyError, TypeError):
            if not answer.is_server_error:
                why = f"HTTP {status}: {said}"
                return not_supabase(self._project.place, doing=doing, why=why)
        return from_storage(status, word=word, said=said, place=self._project.place, doing=doing)


def _artefact(entry: dict[str, Any]) -> Artefact | None:
    """Return what the list says of an object; None for a folder or what somebody else put there."""
    parsed, metadata = parse_key(str(entry["name"])), entry.get("metadata")
    if parsed is None or not metadata:
        return None
    name, sha256 = parsed
    stored_at = datetime.fromisoformat(entry["created_at"])
    return Artefact(name=name, sha256=sha256, size_bytes=int(metadata["size"]), stored_at=stored_at)
