"""What only a bucket can go through: lost answers, servers that know less, refused keys; and no key is ever told."""

import os
import socket
import subprocess
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from tests.running_s3 import (
    ACCESS_KEY,
    SECRET_KEY,
    SMALLEST_PART,
    Passing,
    RunningS3,
    line_to,
    running_s3,
)

from opsctl.clients import repository_s3, repository_s3_errors
from opsctl.clients.repository_s3 import S3Repository
from opsctl.clients.s3_place import S3Place
from opsctl.core.errors import FailedError, NotReadyError, OpsError, RefusedError, UsageError

_PARTS = bytes(range(256)) * (SMALLEST_PART // 64) + b"end"  # four parts and a rest


@pytest.fixture(scope="module")
def s3() -> Iterator[RunningS3]:
    """Run an S3 server for the tests of this file."""
    with running_s3() as server:
        yield server


def _told(place: S3Place, ask: Callable[[S3Repository], object]) -> OpsError:
    """Return the error of a request, once it is sure that no key stands in anything of it."""
    with pytest.raises(OpsError) as caught:
        ask(S3Repository(place))
    error = caught.value
    said = "".join(traceback.format_exception(error)) + f"{error.why} {error.fix} {place} {place.shown}"
    assert SECRET_KEY not in said
    assert ACCESS_KEY not in said
    return error


_ASKS: dict[str, Callable[[S3Repository], object]] = {
    "put": lambda repository: repository.put("a", [b"1"]),
    "put parts": lambda repository: repository.put("a", [_PARTS]),
    "get": lambda repository: list(repository.get("a")),
    "find": lambda repository: repository.find("a"),
    "list": lambda repository: list(repository.list()),
}


@pytest.mark.parametrize("ask", _ASKS.values(), ids=_ASKS)
def test_a_bucket_that_is_not_there_is_told_apart_from_an_object(
    s3: RunningS3, ask: Callable[[S3Repository], object]
) -> None:
    """Whatever is asked of it first, it is REP006; removing, too, is no silent success."""
    place = replace(s3.new_place(), bucket="no-such-bucket")

    assert _told(place, ask).code == "REP006"
    assert _told(place, lambda repository: repository.list().__next__()).code == "REP006"


@pytest.mark.parametrize("ask", _ASKS.values(), ids=_ASKS)
def test_refused_keys_are_told(s3: RunningS3, ask: Callable[[S3Repository], object]) -> None:
    """The server's own word stands in it, the keys do not."""
    place = s3.new_place()

    with s3.asking_who_it_is():
        error = _told(place, ask)

    assert (error.code, type(error)) == ("REP007", NotReadyError)


def test_a_port_where_nobody_listens_is_told(s3: RunningS3) -> None:
    """The endpoint stands in the message."""
    place = replace(s3.new_place(), endpoint="http://127.0.0.1:9")

    error = _told(place, _ASKS["find"])

    assert (error.code, type(error)) == ("REP008", NotReadyError)
    assert "http://127.0.0.1:9" in error.message


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_told(s3: RunningS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """It accepts the connection and is silent; the wait has an end."""
    monkeypatch.setattr(repository_s3_errors, "_READ_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = replace(s3.new_place(), endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}")
        error = _told(place, _ASKS["put"])

    assert error.code == "REP008"


def test_what_does_not_speak_s3_is_told(s3: RunningS3) -> None:
    """A page for people is no list of objects."""
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\n\r\n<html>Log in!</html>"
    with line_to(s3, spoil=lambda _: page) as url:
        error = _told(replace(s3.new_place(), endpoint=url), _ASKS["list"])

    assert (error.code, type(error)) == ("REP011", NotReadyError)


@pytest.mark.slow
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_says_nothing_against_what_it_keeps(s3: RunningS3, status: int) -> None:
    """Or a verification would take its bad hour for a bad backup, and a restore would pass over the newest one."""
    place = s3.new_place()
    S3Repository(place).put("a", [b"1"])
    answer = f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    with line_to(s3, spoil=lambda it: answer if it.method == "GET" else None) as url:
        errors = [_told(replace(place, endpoint=url), _ASKS[ask]) for ask in ("get", "list")]

    assert [(error.code, type(error)) for error in errors] == [("REP009", NotReadyError)] * 2


@pytest.mark.parametrize(
    "found",
    [
        b"<Key>our/prefix/a</Key><Size>1</Size><LastModified>yesterday</LastModified>",
        b"<Key>our/prefix/a</Key><Size>much</Size><LastModified>2026-11-29T00:00:00Z</LastModified>",
        b"<Size>1</Size><LastModified>2026-11-29T00:00:00Z</LastModified>",
        b"<Key>our/prefix/a</Key>",
    ],
)
def test_a_list_with_a_value_that_is_none_is_no_defect_of_ours(s3: RunningS3, found: bytes) -> None:
    """A time that is a word, a size that is no number, an object without a name."""
    body = (
        b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated>'
        b"<Contents>" + found + b"</Contents></ListBucketResult>"
    )
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
    with line_to(s3, spoil=lambda _: head + body) as url:
        error = _told(replace(s3.new_place(), endpoint=url), _ASKS["list"])

    assert (error.code, type(error)) == ("REP011", NotReadyError)


def test_what_the_server_says_of_another_trouble_is_passed_on(s3: RunningS3) -> None:
    """Its word and its sentence stand in `why`."""
    body = b"<Error><Code>EntityTooLarge</Code><Message>the bucket takes 50 MB</Message></Error>"
    head = (
        b"HTTP/1.1 400 x\r\nContent-Type: application/xml\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        % len(body)
    )
    with line_to(s3, spoil=lambda it: head + body if it.method == "PUT" else None) as url:
        error = _told(replace(s3.new_place(), endpoint=url), _ASKS["put"])

    assert (error.code, error.why) == ("REP009", "EntityTooLarge: the bucket takes 50 MB")


@pytest.mark.slow
def test_settings_of_amazons_tools_do_not_matter(s3: RunningS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a profile that is not there, nor keys, tokens and an endpoint of somebody else."""
    for name, value in {
        "AWS_PROFILE": "nobody",
        "AWS_ACCESS_KEY_ID": "other",
        "AWS_SESSION_TOKEN": "other",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_CONFIG_FILE": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    repository_s3_errors._session.cache_clear()
    heads: list[str] = []

    with line_to(s3, spoil=lambda it: heads.append(f"{it.headers}")) as url:
        S3Repository(replace(s3.new_place(), endpoint=url)).put("a", [b"1"])

    assert all(f"Credential={ACCESS_KEY}/" in head for head in heads)
    assert "other" not in "".join(heads)


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"small", _PARTS], ids=["small", "parts"])
def test_an_answer_that_gets_lost_does_not_make_ones_own_object_somebody_elses(
    s3: RunningS3, content: bytes
) -> None:
    """The server has kept it, the line breaks, the second try is told that there is one already: it is ours."""
    lost: list[str] = []

    def lose_the_first(it: Passing) -> bytes | None:
        makes_it_appear = (it.method == "PUT" and "partNumber" not in it.path) or (
            "uploadId" in it.path and it.method == "POST"
        )
        if it.status == 200 and makes_it_appear and not lost:
            lost.append(it.path)
            return b""
        return None

    place = s3.new_place()
    with line_to(s3, spoil=lose_the_first) as url:
        S3Repository(replace(place, endpoint=url)).put("a", [content])

    assert len(lost) == 1
    assert b"".join(S3Repository(place).get("a")) == content


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"small", _PARTS], ids=["small", "parts"])
def test_a_server_that_knows_no_conditions_is_asked_without(s3: RunningS3, content: bytes) -> None:
    """There the look beforehand has to do; and it does."""
    asked: list[str] = []
    body = b"<Error><Code>NotImplemented</Code><Message>If-None-Match</Message></Error>"
    answer = (
        b"HTTP/1.1 501 x\r\nContent-Type: application/xml\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
        % (len(body), body)
    )

    def refuse_conditions(it: Passing) -> bytes | None:
        if "If-None-Match" not in it.headers:
            return None
        asked.append(it.path)
        return answer

    place = s3.new_place()
    with line_to(s3, spoil=refuse_conditions) as url:
        repository = S3Repository(replace(place, endpoint=url))
        repository.put("a", [content])
        with pytest.raises(RefusedError):
            repository.put("a", [b"other"])

    assert asked
    assert b"".join(S3Repository(place).get("a")) == content


def test_an_upload_that_fails_leaves_no_parts_that_are_paid_for(s3: RunningS3) -> None:
    """Neither an error of the source nor Ctrl-C nor a refusal of the server leaves any."""
    place = s3.new_place()
    repository = S3Repository(place)

    def pieces(error: BaseException) -> Iterator[bytes]:
        yield _PARTS
        raise error

    for error in (ValueError("the source broke"), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            repository.put("a", pieces(error))

    assert s3.client.list_multipart_uploads(Bucket=place.bucket).get("Uploads", []) == []
    assert list(repository.list()) == []


@pytest.mark.slow
def test_a_stretch_that_breaks_off_is_asked_for_again(s3: RunningS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that is cut once costs a try; one that is always cut is told."""
    monkeypatch.setattr(repository_s3, "_PIECE_BYTES", 1024 * 1024)
    place = s3.new_place()
    S3Repository(place).put("a", [_PARTS])
    cut: dict[str, int] = {}

    def cut_off(it: Passing) -> bytes | None:
        stretch = it.headers.get("Range", "")
        if it.status != 206 or cut.get(stretch, 0) >= most:
            return None
        cut[stretch] = cut.get(stretch, 0) + 1
        return it.answer[: len(it.answer) // 2]

    most = 1
    with line_to(s3, spoil=cut_off) as url:
        assert b"".join(S3Repository(replace(place, endpoint=url)).get("a")) == _PARTS
        most = 1_000
        error = _told(replace(place, endpoint=url), _ASKS["get"])

    assert len(cut) > 4
    assert error.code == "REP008"


@pytest.mark.slow
def test_an_object_that_is_replaced_while_it_is_read_is_told(
    s3: RunningS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody gets the beginning of one and the end of another."""
    monkeypatch.setattr(repository_s3, "_PIECE_BYTES", 1024 * 1024)
    place = s3.new_place()
    repository = S3Repository(place)
    repository.put("a", [_PARTS])
    pieces = repository.get("a")
    next(pieces)

    s3.client.put_object(Bucket=place.bucket, Key="our/prefix/a", Body=_PARTS[::-1])

    with pytest.raises(FailedError) as caught:
        list(pieces)
    assert caught.value.code == "REP003"


def test_objects_of_others_are_left_out_and_left_alone(s3: RunningS3) -> None:
    """Whatever lies above the prefix, beside it, or under names that are no keys."""
    place = s3.new_place()
    repository = S3Repository(place)
    for key in ("a", "our/a", "our/prefixed/a", "our/prefix/", "our/prefix/with blank"):
        s3.client.put_object(Bucket=place.bucket, Key=key, Body=b"not ours")

    repository.put("a", [b"1"])
    repository.delete("b")

    assert [found.key for found in repository.list()] == ["a"]
    assert len(s3.client.list_objects_v2(Bucket=place.bucket)["Contents"]) == 6


def test_a_bucket_without_a_prefix_is_ours_as_a_whole(s3: RunningS3) -> None:
    """Keys are then those of the bucket."""
    repository = s3.new_repository(prefix="")

    repository.put("a/b", [b"1"])

    assert [found.key for found in repository.list("a")] == ["a/b"]


def test_a_list_of_many_objects_is_whole(s3: RunningS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers tell a thousand at a time; this one ten."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")
    place = s3.new_place()
    for number in range(35):
        s3.client.put_object(Bucket=place.bucket, Key=f"our/prefix/{number:05}", Body=b"")

    assert len(s3.client.list_objects_v2(Bucket=place.bucket)["Contents"]) == 10
    assert [found.key for found in S3Repository(place).list()] == [f"{number:05}" for number in range(35)]


def test_more_parts_than_a_server_takes_are_told(s3: RunningS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint is a larger part."""
    monkeypatch.setattr(repository_s3, "_MOST_PARTS", 3)
    place = s3.new_place()

    with pytest.raises(UsageError) as caught:
        S3Repository(place).put("a", [_PARTS])

    assert caught.value.code == "REP012"
    assert "part_mib=20" in str(caught.value.fix)
    assert s3.client.list_multipart_uploads(Bucket=place.bucket).get("Uploads", []) == []


@pytest.mark.drill
def test_memory_is_bounded_whatever_the_size(s3: RunningS3) -> None:
    """Six times as much content takes no more than some parts in memory, on the way there and back."""
    place = s3.new_place()
    code = f"""
        import resource, sys
        from opsctl.clients.repository_s3 import S3Repository
        from opsctl.clients.s3_place import S3Place
        place = S3Place(bucket={place.bucket!r}, endpoint={s3.url!r}, part_bytes={SMALLEST_PART},
                        access_key={ACCESS_KEY!r}, secret_key={SECRET_KEY!r})
        repository = S3Repository(place)
        for name, mebibytes in (("warm", 20), ("large", 120)):
            repository.put(name, (bytes(1024 * 1024) for _ in range(mebibytes)))
            assert sum(len(piece) for piece in repository.get(name)) == mebibytes * 1024 * 1024
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": "src"},
    )
    warm, large = map(int, done.stdout.split())

    assert large - warm < 24 * 1024  # in KiB
