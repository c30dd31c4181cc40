"""How are backups kept in a bucket of Amazon S3 or of any server that speaks its protocol, as Supabase Storage does.

It stands on `botocore` and not on `obstore`, which was tried: that one cannot make the end of an upload in parts
conditional, so two writers could overwrite each other, and it does not hear Ctrl-C while it waits for a server.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any
from uuid import uuid4

from opsctl.clients.pieces import in_blocks
from opsctl.clients.repository import StoredObject, checked_key, is_key, missing, occupied
from opsctl.clients.repository_s3_errors import (
    IS_THERE,
    NO_CONDITIONS,
    NOT_THERE,
    UPLOAD_GONE,
    TranslatedErrors,
    code_of,
    new_client,
    no_bucket,
    not_s3,
    too_many_parts,
)
from opsctl.clients.s3_place import S3Place
from opsctl.clients.side_by_side import in_order

_PIECE_BYTES = 8 * 1024 * 1024
_AT_ONCE = 3
_TRIES = 3
_MOST_PARTS = 10_000  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
_TOKEN = "opsctl-put"  # noqa: S105 - the name of a note beside an object


class S3Repository:
    """Objects of one bucket, below a prefix."""

    def __init__(self, place: S3Place) -> None:
        self._place = place
        self._client = new_client(place)
        self._has_bucket = False

    @property
    def place(self) -> str:
        """Return bucket and prefix."""
        return self._place.shown

    def put(self, key: str, pieces: Iterable[bytes]) -> StoredObject:
        """Keep a content under a key; what is larger than one part goes there in parts, three at a time."""
        where, token = self._where(key), uuid4().hex
        with self._translated(f"keep `{key}`"):
            if self._head(key) is not None:
                raise occupied(key, place=self.place)
            parts = in_blocks(pieces, size_bytes=self._place.part_bytes)
            first = next(parts, b"")
            if len(first) < self._place.part_bytes:
                send = partial(self._client.put_object, **where, Body=first, Metadata={_TOKEN: token})
                self._send_once(key, token=token, send=send)
                sent = len(first)
            else:
                sent = self._put_parts(key, chain([first], parts), token=token)
        found = self.find(key)
        if found is None or found.size_bytes != sent:
            there = "none" if found is None else f"{found.size_bytes:,}"
            raise missing(key, place=self.place, why=f"of {sent:,} bytes that were sent, {there} are there")
        return found

    def get(self, key: str) -> Iterator[bytes]:
        """Yield the content; a few stretches of it are fetched ahead."""
        with self._translated(f"read `{key}`", only_reads=True):
            head = self._head(key)
            if head is None:
                raise missing(key, place=self.place)
            size = int(head["ContentLength"])
            calls = (
                partial(self._fetch, key, start, min(size, start + _PIECE_BYTES), etag=head["ETag"])
                for start in range(0, size, _PIECE_BYTES)
            )
            yield from in_order(calls, at_once=_AT_ONCE)

    def find(self, key: str) -> StoredObject | None:
        """Return what is known of an object; None when there is none."""
        with self._translated(f"look for `{key}`", only_reads=True):
            head = self._head(key)
        if head is None:
            return None
        return StoredObject(key=key, size_bytes=int(head["ContentLength"]), modified_at=head["LastModified"])

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Yield every object whose key begins with `prefix`; servers list in the order of keys."""
        above = f"{self._place.prefix}/" if self._place.prefix else ""
        with self._translated("list the objects", only_reads=True):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._place.bucket, Prefix=above + prefix):
                if "IsTruncated" not in page:
                    # A page for people would pass for an empty list, and an empty list for a lost repository.
                    raise not_s3(
                        self._place, doing="list the objects", why="the answer is no list of objects"
                    )
                for found in page.get("Contents", ()):
                    key = found["Key"].removeprefix(above)
                    if is_key(key):
                        yield StoredObject(
                            key=key, size_bytes=int(found["Size"]), modified_at=found["LastModified"]
                        )

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        from botocore.exceptions import ClientError

        where = self._where(key)
        with self._translated(f"remove `{key}`"):
            try:
                self._client.delete_object(**where)
            except ClientError as error:
                # Amazon does not mind; Supabase does.
                if code_of(error) not in NOT_THERE:
                    raise

    def _where(self, key: str) -> dict[str, str]:
        steps = [self._place.prefix, checked_key(key)] if self._place.prefix else [checked_key(key)]
        return {"Bucket": self._place.bucket, "Key": "/".join(steps)}

    def _translated(self, doing: str, *, only_reads: bool = False) -> "TranslatedErrors":
        return TranslatedErrors(self._place, doing=doing, only_reads=only_reads)

    def _head(self, key: str) -> dict[str, Any] | None:
        from botocore.exceptions import ClientError

        try:
            head: dict[str, Any] = self._client.head_object(**self._where(key))
        except ClientError as error:
            if code_of(error) not in NOT_THERE:
                raise
            self._require_bucket()
            return None
        return head

    def _require_bucket(self) -> None:
        """Tell a missing object from a missing bucket: the answer to a look at an object is the same."""
        from botocore.exceptions import ClientError

        if self._has_bucket:
            return
        try:
            self._client.head_bucket(Bucket=self._place.bucket)
        except ClientError as error:
            if code_of(error) in NOT_THERE:
                raise no_bucket(self._place) from error
            raise
        self._has_bucket = True

    def _send_once(self, key: str, *, token: str, send: Callable[..., object]) -> None:
        """Send what makes the object appear, on condition that there is none.

        A server that knows no conditions is sent it without; there the look beforehand has to do.
        """
        from botocore.exceptions import ClientError

        try:
            send(IfNoneMatch="*")
        except ClientError as error:
            code = code_of(error)
            if code in IS_THERE | UPLOAD_GONE and self._is_ours(key, token=token):
                return
            if code in IS_THERE:
                raise occupied(key, place=self.place) from error
            if code not in NO_CONDITIONS:
                raise
            send()

    def _is_ours(self, key: str, *, token: str) -> bool:
        """Tell whether the object is from this very call: the answer to a first try got lost, and a second was made."""
        head = self._head(key)
        return head is not None and head.get("Metadata", {}).get(_TOKEN) == token

    def _put_parts(self, key: str, parts: Iterable[bytes], *, token: str) -> int:
        where = self._where(key)
        upload = where | {
            "UploadId": self._client.create_multipart_upload(**where, Metadata={_TOKEN: token})["UploadId"]
        }
        try:
            calls = (partial(self._send_part, upload, number, part) for number, part in enumerate(parts, 1))
            sent, sizes = zip(*in_order(calls, at_once=_AT_ONCE), strict=True)
            complete = partial(
                self._client.complete_multipart_upload, **upload, MultipartUpload={"Parts": list(sent)}
            )
            self._send_once(key, token=token, send=complete)
        except BaseException:
            # Parts that nobody removes are paid for without being seen.
            with suppress(Exception):
                self._client.abort_multipart_upload(**upload)
            raise
        return sum(sizes)

    def _send_part(self, upload: dict[str, str], number: int, part: bytes) -> tuple[dict[str, Any], int]:
        if number > _MOST_PARTS:
            raise too_many_parts(self._place, most=_MOST_PARTS)
        answer = self._client.upload_part(**upload, PartNumber=number, Body=part)
        return {"PartNumber": number, "ETag": answer["ETag"]}, len(part)

    def _fetch(self, key: str, start: int, end: int, *, etag: str) -> bytes:
        """Return one stretch of an object, asking again where it breaks off."""
        from botocore.exceptions import (
            ClientError,
            IncompleteReadError,
            ReadTimeoutError,
            ResponseStreamingError,
        )

        where = self._where(key) | {"Range": f"bytes={start}-{end - 1}", "IfMatch": etag}
        for left in reversed(range(_TRIES)):
            try:
                content: bytes = self._client.get_object(**where)["Body"].read()
            except (IncompleteReadError, ReadTimeoutError, ResponseStreamingError):
                if not left:
                    raise
                continue
            except ClientError as error:
                if code_of(error) in NOT_THERE | IS_THERE:
                    raise missing(key, place=self.place, why="it went while it was read") from error
                raise
            if len(content) == end - start:
                return content
            break
        raise missing(
            key, place=self.place, why=f"it ends before byte {end:,}, where the server said it goes on"
        )
