"""A book of backups that names places which are not what they seem is refused where it is read."""

import pytest
from pydantic import ValidationError

from opsctl.dr.book import BackupBook


@pytest.mark.parametrize(
    ("repository", "offsite"),
    [
        ("backups", "backups"),
        ("backups", "./backups/"),
        ("/srv/backups", "file:///srv/backups"),
        ("/srv/backups", "/srv/backups/copy"),
        ("s3://one/feed", "s3://one/feed"),
    ],
)
def test_a_copy_in_the_same_place_is_none(repository: str, offsite: str):
    """However the place is written."""
    with pytest.raises(ValidationError, match="survives nothing more"):
        BackupBook(repository=repository, offsite=offsite)


@pytest.mark.parametrize(
    ("repository", "offsite"),
    [
        ("backups", "backups2"),
        ("/srv/backups", "/mnt/backups"),
        ("/a", "s3://one/a"),
        ("s3://one/a", "s3://two/a"),
    ],
)
def test_a_copy_elsewhere_is_one(repository: str, offsite: str):
    """Also where names look alike."""
    assert BackupBook(repository=repository, offsite=offsite).offsite == offsite


@pytest.mark.parametrize(
    "book",
    [
        {"repository": "~/backups"},
        {"offsite": "~/backups"},
        {"encryption": {"identity_file": "~/backup.key"}},
    ],
)
def test_a_home_that_only_a_shell_knows_is_refused(book: dict[str, object]):
    """It would become a folder of that name, which somebody would remove as a shell understands it."""
    with pytest.raises(ValidationError, match="write the whole path"):
        BackupBook.model_validate(book)
