"""An address says where a repository is, and nothing that is wrong in it is guessed at."""

from pathlib import Path

import pytest

from opsctl.clients.open_repository import open_repository
from opsctl.clients.repository_folder import FolderRepository
from opsctl.clients.repository_s3 import S3Repository
from opsctl.core.errors import UsageError

_KEYS = {"OPSCTL_BACKUP_ACCESS_KEY": "AKIA", "OPSCTL_BACKUP_SECRET_KEY": "s3cret\n"}


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("/srv/backups", "/srv/backups"),
        ("/srv/with blank?and=sign", "/srv/with blank?and=sign"),
        ("file:///srv/with%20blank", "/srv/with blank"),
        ("file://localhost/srv", "/srv"),
    ],
)
def test_a_path_and_a_file_address_are_folders(url: str, place: str) -> None:
    """A path is taken as it is, an address is decoded."""
    repository = open_repository(url, secrets={})

    assert isinstance(repository, FolderRepository)
    assert repository.place == place


def test_an_address_of_a_bucket_says_everything_but_the_keys() -> None:
    """Those come from the environment, where a line break at the end is none of them."""
    url = "s3://our-bucket/a/b/?endpoint=http://127.0.0.1:5000/&region=eu-west-1&style=virtual&part_mib=64"

    repository = open_repository(url, secrets=_KEYS)

    assert isinstance(repository, S3Repository)
    assert repository.place == "s3://our-bucket/a/b"
    place = repository._place
    assert (place.endpoint, place.region) == ("http://127.0.0.1:5000", "eu-west-1")
    assert (place.path_style, place.part_bytes) == (False, 64 * 1024 * 1024)
    assert (place.access_key, place.secret_key) == ("AKIA", "s3cret")


@pytest.mark.parametrize(
    ("url", "is_path_style"), [("s3://our-bucket", False), ("s3://our-bucket?endpoint=https://x", True)]
)
def test_the_bucket_is_a_part_of_the_host_at_amazon_only(url: str, is_path_style: bool) -> None:  # noqa: FBT001
    """Servers of one's own mostly have one name."""
    repository = open_repository(url, secrets=_KEYS)

    assert isinstance(repository, S3Repository)
    assert repository._place.path_style is is_path_style


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "neither a whole path"),
        ("backups", "neither a whole path"),
        ("./backups", "neither a whole path"),
        ("~/backups", "neither a whole path"),
        ("/", "a folder of their own"),
        ("file:///", "a folder of their own"),
        ("file:///a%00b", "a folder of their own"),
        ("file://server/backups", "`server` is another machine"),
        ("file:///a?b=c", "no options"),
        ("ftp://host/backups", "nothing in `ftp`"),
        ("s3://[bad", "cannot be taken apart"),
        ("s3://", "cannot be the name of a bucket"),
        ("s3:///prefix", "cannot be the name of a bucket"),
        ("s3://bucket:80/prefix", "cannot be the name of a bucket"),
        ("s3://bucket/with%20blank", "`with blank` cannot be the beginning"),
        ("s3://bucket/../up", "cannot be the beginning"),
        ("s3://bucket/" + "x" * 201, "cannot be the beginning"),
        ("s3://bucket?colour=red", "no option `colour`"),
        ("s3://bucket?region=", "twice, or is empty"),
        ("s3://bucket?region=a&region=b", "twice, or is empty"),
        ("s3://bucket#fragment", "behind a `#`"),
        ("s3://bucket?style=baroque", "not `baroque`"),
        ("s3://bucket?part_mib=4", "not `4`"),
        ("s3://bucket?part_mib=many", "not `many`"),
        ("s3://bucket?endpoint=host:9000", "an address such as"),
        ("s3://bucket?endpoint=ftp://host", "an address such as"),
        ("s3://bucket?endpoint=http://host:99999", "cannot be taken apart"),
        ("s3://bucket?region=no such", "region_name 'no such'"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused_with_the_reason(url: str, why: str) -> None:
    """And with the forms that there are."""
    with pytest.raises(UsageError) as caught:
        open_repository(url, secrets=_KEYS)

    assert caught.value.code == "REP004"
    assert why in str(caught.value.why)


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIA:s3cret@bucket/prefix",
        "s3://bucket?secret_key=s3cret",
        "s3://bucket?endpoint=http://me:s3cret@host",
        "s3://me:s3cret@[bad",
        "ftp://me:s3cret@host/backups",
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(url: str) -> None:
    """The message may end up in a log."""
    with pytest.raises(UsageError) as caught:
        open_repository(url, secrets=_KEYS)

    assert caught.value.code == "REP004"
    assert "s3cret" not in f"{caught.value.message} {caught.value.why} {caught.value.fix}"


@pytest.mark.parametrize("missing", _KEYS)
def test_a_missing_key_is_named(missing: str) -> None:
    """An empty one is a missing one."""
    with pytest.raises(UsageError) as caught:
        open_repository("s3://bucket", secrets=_KEYS | {missing: " "})

    assert caught.value.code == "REP005"
    assert missing in caught.value.message


def test_opening_asks_and_makes_nothing(tmp_path: Path) -> None:
    """A wrong endpoint shows when something is asked of it, a folder is made with the first thing kept in it."""
    open_repository("s3://bucket?endpoint=http://127.0.0.1:9", secrets=_KEYS)
    open_repository(str(tmp_path / "backups"), secrets={})

    assert list(tmp_path.iterdir()) == []
