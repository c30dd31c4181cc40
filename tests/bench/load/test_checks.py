"""Which answers are good: status, headers, and the body of a sample."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.bench.load.test_requests import job

from opsctl.bench.load.checks import Checks, outcome_of
from opsctl.bench.load.tally import Outcome
from opsctl.core.errors import UsageError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Cache: MISS"
GOOD = b'{"items": [{"id": 1}]}'


def checks(folder: Path = Path(), **check: Any) -> Checks:
    """Return the checks of one endpoint."""
    return Checks(job({"feed": {"share": 1, "path": "/", "check": check}}).book, folder=folder)


def test_the_status_decides_first_and_a_redirect_is_told_apart():
    """Redirects are not followed."""
    made = checks(status=[200, 304])
    said = [made.inspect(0, status=status, head=HEAD, body=b"") for status in (200, 304, 302, 500, 404)]
    assert said == [None, None, "redirect 302", "status 500", "status 404"]
    assert [outcome_of(each) for each in said[1:4]] == [Outcome.OK, Outcome.REDIRECT, Outcome.BAD_STATUS]


def test_a_missing_header_is_an_error_whatever_the_case_of_its_name():
    """`x-cache` is `X-Cache`."""
    assert checks(headers=["x-CACHE"]).inspect(0, status=200, head=HEAD, body=b"") is None
    complaint = checks(headers=["ETag"]).inspect(0, status=200, head=HEAD, body=b"")
    assert complaint == "no header ETag"
    assert outcome_of(complaint) is Outcome.CHECK_FAILED


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (GOOD, None),
        (b'{"items": []}', "items is empty"),
        (b"{}", "items is empty"),
        (b"[]", "items is empty"),
        (b'{"items": [', "the body is no JSON"),
        (b"\xff\xfe", "the body is no JSON"),
        (b"", "the body is no JSON"),
        (b'{"items": 0}', None),
        (b'{"items": false}', None),
        (b'{"items": null}', "items is empty"),
    ],
)
def test_a_dotted_path_must_hold_something(body, complaint):
    """Zero and false are something, an empty list is not."""
    assert checks(json_path="items", sample=1).inspect(0, status=200, head=HEAD, body=body) == complaint


def test_a_path_goes_through_lists_by_number():
    """`items.0.id` is the id of the first one."""
    assert checks(json_path="items.0.id", sample=1).inspect(0, status=200, head=HEAD, body=GOOD) is None
    assert checks(json_path="items.1.id", sample=1).inspect(0, status=200, head=HEAD, body=GOOD) is not None


@pytest.mark.parametrize(("share", "read"), [(0.0, 0), (0.1, 10), (0.01, 1), (1.0, 100), (0.3, 30)])
def test_bodies_are_read_by_share_evenly_and_the_first_one_is(share, read):
    """The first bad body among good ones is found where its turn to be read has come."""

    def is_found(place: int) -> bool:
        made = checks(json_path="items", sample=share)
        before = [made.inspect(0, status=200, head=HEAD, body=GOOD) for _ in range(place)]
        assert not any(before)
        return made.inspect(0, status=200, head=HEAD, body=b"broken") is not None

    found = [is_found(place) for place in range(100)]
    assert sum(found) == read
    assert found[0] == (share > 0)


def test_errors_in_bodies_are_counted_as_often_as_they_come_not_as_often_as_a_sample_sees_them():
    """One empty feed in nineteen is an error rate of more than five in a hundred, also at a sample of one in a hundred."""
    made = checks(json_path="items", sample=0.01)
    bodies = [b'{"items": []}' if place % 19 == 7 else GOOD for place in range(40_000)]
    bad = sum(made.inspect(0, status=200, head=HEAD, body=body) is not None for body in bodies)
    assert 0.05 < bad / len(bodies) < 0.053


def test_after_many_good_bodies_a_sample_is_enough_again():
    """A single bad answer does not cost the sender its time for ever."""
    made = checks(json_path="items", sample=0.01)
    assert made.inspect(0, status=200, head=HEAD, body=b"broken") is not None
    for _ in range(9_999):
        assert made.inspect(0, status=200, head=HEAD, body=GOOD) is None
    assert made.inspect(0, status=200, head=HEAD, body=b"broken") is not None
    for _ in range(10_000):
        assert made.inspect(0, status=200, head=HEAD, body=GOOD) is None
    assert made.inspect(0, status=200, head=HEAD, body=b"broken") is None


def test_a_schema_is_looked_for_beside_the_book_and_says_where_a_body_does_not_fit(tmp_path: Path):
    """Places in lists are one reason, not one each."""
    schema = {
        "type": "object",
        "properties": {"items": {"items": {"properties": {"id": {"type": "integer"}}}}},
    }
    (tmp_path / "feed.json").write_text(json.dumps(schema))
    made = checks(tmp_path, schema_file="feed.json", sample=1)
    assert made.inspect(0, status=200, head=HEAD, body=GOOD) is None
    said = {
        made.inspect(0, status=200, head=HEAD, body=GOOD.replace(b"1", word)) for word in (b'"x"', b"null")
    }
    assert said == {"does not fit feed.json: type at /items/*/id"}


def test_a_schema_that_is_missing_or_none_or_elsewhere_is_refused_before_anything_is_sent(tmp_path: Path):
    """References are not followed into the net."""
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "wrong.json").write_text('{"type": 7}')
    (tmp_path / "remote.json").write_text('{"$ref": "http://127.0.0.1:9/schema.json"}')
    (tmp_path / "deep.json").write_text('{"items":' * 5000 + "{}" + "}" * 5000)
    for name in ("absent.json", "broken.json", "wrong.json", "remote.json", "deep.json"):
        with pytest.raises(UsageError) as caught:
            checks(tmp_path, schema_file=name)
        assert caught.value.code == "BEN032"
