"""A manifest comes back from its JSON as it was; what is not exactly one is refused by the name of the field."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from tests.dr.manifests import any_manifests, full_manifest, paths

from opsctl.core.errors import FailedError, UsageError
from opsctl.dr.manifest import SCHEMA, BackupManifest
from opsctl.dr.manifest_json import from_json, to_json

_GOLDEN = Path(__file__).with_name("manifest.json")
_STEP = re.compile(r"\.?(?P<name>[^.\[\]]+)|\[(?P<number>\d+)\]")


def _document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(to_json(full_manifest()))
    return found


def _holder(document: Any, path: str) -> tuple[Any, Any]:
    """Return what holds a field, and the field's name in it."""
    steps = [each["name"] or int(each["number"]) for each in _STEP.finditer(path)]
    for step in steps[:-1]:
        document = document[step]
    return document, steps[-1]


def _refused(document: Any) -> FailedError:
    with pytest.raises(FailedError) as caught:
        from_json(json.dumps(document).encode())
    return caught.value


def test_a_manifest_is_written_as_the_golden_file_has_it() -> None:
    """What repositories hold for years does not change by accident: a change of this file is a change of the schema."""
    assert to_json(full_manifest()).decode() == _GOLDEN.read_text(encoding="utf-8")


def test_the_golden_file_can_be_read() -> None:
    """Which has been kept since the schema was made."""
    assert from_json(_GOLDEN.read_bytes()) == full_manifest()


@settings(max_examples=60)
@given(manifest=any_manifests())
def test_any_manifest_comes_back_as_it_was(manifest: BackupManifest) -> None:
    """And its JSON is the same again."""
    data = to_json(manifest)

    assert from_json(data) == manifest
    assert to_json(from_json(data)) == data


def test_times_are_written_in_utc() -> None:
    """A restore elsewhere must not read them as local ones."""
    tokyo = datetime(2026, 11, 29, 12, 0, tzinfo=timezone(timedelta(hours=9)))

    document = json.loads(to_json(replace(full_manifest(), started_at=tokyo)))

    assert document["started_at"] == "2026-11-29T03:00:00+00:00"


@pytest.mark.parametrize(
    "change",
    [
        {"started_at": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"golden": (replace(full_manifest().golden[0], scores=(float("nan"),)),)},
    ],
)
def test_what_json_cannot_say_is_not_written(change: dict[str, Any]) -> None:
    """Neither a time without a zone, nor a number that is none."""
    with pytest.raises(ValueError, match=r"zone|JSON compliant"):
        to_json(replace(full_manifest(), **change))


def test_every_field_has_to_be_there() -> None:
    """A missing one is named by its path."""
    for path in paths(full_manifest()):
        document = _document()
        holder, name = _holder(document, path)
        if path == "schema":
            continue
        del holder[name]

        error = _refused(document)

        assert (error.code, error.message.partition("`")[2].partition("`")[0]) == ("DRC007", path)
        assert error.why == "it is missing"


def test_no_field_may_be_there_that_is_not_known() -> None:
    """It may be what a newer opsctl needs; at every depth."""
    for path in paths(full_manifest()):
        document = _document()
        holder, name = _holder(document, path)
        extra = path.removesuffix(str(name)) + "extra"
        holder["extra"] = 1

        error = _refused(document)

        assert (error.code, f"`{extra}`" in error.message) == ("DRC007", True)


@pytest.mark.parametrize("wrong", [[], {}, True, 1.5, "text"], ids=str)
def test_every_field_has_to_be_of_its_kind(wrong: object) -> None:
    """Nothing is taken for something else: no text for a number, no number for true."""
    refused = 0
    for path in paths(full_manifest()):
        document = _document()
        holder, name = _holder(document, path)
        if path == "schema" or type(holder[name]) is type(wrong):
            continue
        if isinstance(wrong, str) and (holder[name] is None or name in ("embedding_model", "lsn_after")):
            continue  # a text is what may stand there
        holder[name] = wrong

        error = _refused(document)

        assert (error.code, f"`{path}" in error.message) == ("DRC007", True)
        refused += 1
    assert refused > 30


@pytest.mark.parametrize(
    ("path", "wrong", "why"),
    [
        ("kind", "differential", "not one of full, incremental, logical"),
        ("started_at", "yesterday", "`yesterday` is no time"),
        ("started_at", "2026-11-29T03:00:00", "has no zone"),
        ("vectors[0].points", 1.0, "it is a number, and not a whole number"),
        ("vectors[0].is_quiet", 1, "it is a whole number, and not true or false"),
        ("golden[0].ids[1]", None, "it is null, and not a whole number or a text"),
        ("dump.tables.public.items", 1, ""),
    ],
)
def test_the_reason_stands_in_the_message(path: str, wrong: object, why: str) -> None:
    """So that whoever edited it sees what is wrong."""
    document = _document()
    if path == "dump.tables.public.items":
        document["dump"]["tables"]["public.items"] = "8000"
    else:
        holder, name = _holder(document, path)
        holder[name] = wrong

    error = _refused(document)

    assert why in str(error.why)
    assert f"`{path}`" in error.message


def test_whole_numbers_may_stand_for_numbers() -> None:
    """Other writers of JSON write 1.0 as 1."""
    document = _document()
    document["golden"][0]["vector"] = [1, 2, 3, 4]

    assert from_json(json.dumps(document).encode()).golden[0].vector == (1.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize("schema", ["opsctl.dr.backup/2", "opsctl.dr.backup/0"])
def test_another_version_of_the_schema_says_which_opsctl_is_needed(schema: str) -> None:
    """Whatever else is in it."""
    with pytest.raises(UsageError) as caught:
        from_json(json.dumps({"schema": schema, "tools": {"opsctl": "3.1.4"}, "new": []}).encode())

    assert caught.value.code == "DRC006"
    assert schema in caught.value.message
    assert SCHEMA in caught.value.message
    assert "opsctl 3.1.4" in str(caught.value.fix)


def test_another_version_that_does_not_say_who_made_it_is_refused_all_the_same() -> None:
    """The hint is less exact then."""
    with pytest.raises(UsageError) as caught:
        from_json(b'{"schema": "opsctl.dr.backup/2"}')

    assert caught.value.code == "DRC006"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"no json",
        b"[]",
        b"null",
        b"{}",
        b'{"schema": 1}',
        b'{"schema": "opsctl.evidence/1"}',
        b"[" * 100_000,
        to_json(full_manifest())[:-10],
        to_json(full_manifest()).replace(b'"parent"', b'"kind"'),
        to_json(full_manifest()).replace(b"0.99", b"NaN"),
    ],
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    """Cut off, of something else, twice the same field, or nothing like JSON."""
    with pytest.raises(FailedError) as caught:
        from_json(data)

    assert caught.value.code == "DRC008"


def test_times_come_back_as_moments() -> None:
    """Another zone in the JSON is the same moment."""
    document = _document()
    document["started_at"] = "2026-11-29T12:00:00+09:00"

    assert from_json(json.dumps(document).encode()).started_at == datetime(2026, 11, 29, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "token"),
    [
        ("golden[0].scores[0]", "1e999"),
        ("golden[0].scores[0]", "1" + "0" * 400),
        ("ended_at", '"0001-01-01T00:00:00+23:00"'),
        ("ended_at", '"9999-12-31T23:59:59-23:00"'),
        ("base.wal_segment_bytes", "0"),
        ("base.wal_segment_bytes", "-16777216"),
    ],
)
def test_a_number_or_a_time_with_which_nobody_can_reckon_is_refused(path: str, token: str) -> None:
    """JSON holds them; later they would be an overflow, or a division by zero, in the middle of a restore."""
    document = _document()
    holder, name = _holder(document, path)
    holder[name] = "@@"

    with pytest.raises(FailedError) as caught:
        from_json(json.dumps(document).replace('"@@"', token).encode())

    assert (caught.value.code, path in caught.value.message) == ("DRC007", True)
