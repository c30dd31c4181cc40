"""The list of backups is what the repository holds, whatever else lies there, and needs a key only where nobody copied it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.dr.manifests import full_manifest

from opsctl.clients.repository_folder import FolderRepository
from opsctl.clients.sealing import Sealing, new_key
from opsctl.core.errors import FailedError, UsageError
from opsctl.dr.kept import Catalogue, Kept, Mark, choose, new_backup_id
from opsctl.dr.manifest import BackupKind, BackupManifest
from opsctl.dr.vault import Vault

AT = datetime(2026, 11, 29, 3, 0, 0, tzinfo=UTC)
IDENTITY, RECIPIENT = new_key()
OWNER = Sealing(recipients=(RECIPIENT,), identities=(IDENTITY,))
MAKER = Sealing(recipients=(RECIPIENT,))


class Place:
    """A repository, and machines that look at it: each with notes of its own, and with the key or without."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = FolderRepository(folder / "repository")

    def seen_by(self, machine: str, sealing: Sealing = OWNER) -> Catalogue:
        """Return the backups as a machine sees them."""
        return Catalogue(Vault(self.repository, sealing), copies=self.folder / machine)

    def stored(self, key: str) -> Path:
        """Return the file of an object."""
        return Path(self.repository.place) / key


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Give an empty repository."""
    return Place(tmp_path)


def manifest(kind: BackupKind = BackupKind.FULL, *, days: int = 0, end: str = "0a1b2c") -> BackupManifest:
    """Return the manifest of a backup of some days later."""
    at = AT + timedelta(days=days)
    return replace(
        full_manifest(), backup_id=new_backup_id(kind, now=at, token=end), kind=kind, started_at=at
    )


def flip(path: Path, at: int = 50) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_name_says_when_in_utc_and_which_kind():
    """Wherever the machine stands."""
    at = datetime.fromisoformat("2026-11-29T05:00:00+02:00")

    assert new_backup_id(BackupKind.LOGICAL, now=at, token="0a1b2c") == "20261129T030000Z-logical-0a1b2c"


def test_backups_are_listed_newest_first_with_what_their_names_say(place: Place):
    """Two of one second have an order, too."""
    catalogue = place.seen_by("maker", MAKER)
    made = [manifest(days=day) for day in (1, 0, 3)] + [manifest(days=3, end="ffffff")]
    keys = {each.backup_id: catalogue.add(each) for each in made}

    found = catalogue.backups()

    assert [each.backup_id for each in found] == sorted(keys, reverse=True)
    assert [each.started_at for each in found] == sorted((each.started_at for each in made), reverse=True)
    assert all(each.key == keys[each.backup_id] and each.verified is None for each in found)


def test_who_made_backups_reads_them_without_the_key(place: Place):
    """It keeps a copy of each manifest; another machine without the key sees name, time and kind, and why no more."""
    made = manifest()
    place.seen_by("maker", MAKER).add(made)

    (mine,) = place.seen_by("maker", MAKER).backups()
    (theirs,) = place.seen_by("other", MAKER).backups()
    (owners,) = place.seen_by("owner").backups()

    assert (mine.manifest, owners.manifest) == (made, made)
    assert (theirs.manifest, theirs.kind, theirs.started_at) == (None, BackupKind.FULL, AT)
    assert str(theirs.trouble).startswith("SEA003 ")
    assert place.seen_by("owner", MAKER).backups()[0].manifest == made  # seen once, it is remembered


def test_copies_are_for_nobody_else(place: Place):
    """What they say of the data is as secret as the backup."""
    place.seen_by("maker").add(manifest())

    (copy,) = (place.folder / "maker").iterdir()
    assert copy.stat().st_mode & 0o077 == 0


def test_a_damaged_copy_is_read_anew_from_the_repository(place: Place):
    """Also one that is no text, or of another backup."""
    catalogue, made = place.seen_by("maker"), manifest()
    catalogue.add(made)
    (copy,) = (place.folder / "maker").iterdir()

    for content in (b"", b"{", b"\xff\xfe", copy.read_bytes().replace(b"0a1b2c", b"ffffff")):
        copy.write_bytes(content)
        assert [each.manifest for each in catalogue.backups()] == [made]


def test_a_disk_here_that_takes_nothing_keeps_nobody_from_reading(place: Place):
    """The copy is left out, nothing else."""
    place.seen_by("maker").add(manifest())
    (place.folder / "other").write_text("where the folder of the copies would be")

    assert place.seen_by("other").backups()[0].manifest == manifest()


def test_a_manifest_below_another_backup_is_refused(place: Place):
    """It would bring back something else than its name says."""
    key = place.seen_by("maker").add(manifest())
    moved = key.replace("0a1b2c", "ffffff")
    place.repository.put(moved, place.repository.get(key))

    newest, _ = place.seen_by("other").backups()

    assert newest.manifest is None
    assert str(newest.trouble).startswith("DRC061 the manifest below `20261129T030000Z-full-ffffff` is of ")
    with pytest.raises(FailedError) as caught:
        place.seen_by("other").require(newest)
    assert caught.value.code == "DRC061"


def test_a_damaged_manifest_is_listed_with_its_trouble_and_the_others_as_ever(place: Place):
    """Nobody learns of it only when everything is lost."""
    maker = place.seen_by("maker")
    maker.add(manifest(days=0))
    flip(place.stored(maker.add(manifest(days=1))))

    other = place.seen_by("other")
    newest, older = other.backups()

    assert (newest.manifest, str(newest.trouble)[:7]) == (None, "DRC003 ")
    assert (older.manifest, older.trouble) == (manifest(days=0), None)
    with pytest.raises(FailedError) as caught:
        other.require(newest)
    assert caught.value.code == "DRC003"


def test_a_missing_key_is_told_apart_from_damage(place: Place):
    """The one is mended by whoever has the key, the other by nobody."""
    place.seen_by("maker", MAKER).add(manifest())
    stranger = replace(MAKER, identities=(new_key()[0],))

    for sealing, code in ((MAKER, "SEA003"), (stranger, "SEA004")):
        catalogue = place.seen_by(code, sealing)
        with pytest.raises(UsageError) as caught:
            catalogue.require(catalogue.backups()[0])
        assert caught.value.code == code


def test_what_is_no_backup_is_left_alone(place: Place):
    """Files of backups in the making, other people's things, names of impossible times."""
    vault = Vault(place.repository, OWNER)
    vault.put("backups/20261129T030000Z-full-0a1b2c/1/vectors/a.snapshot", [b"x"])
    vault.put_named("backups/20261129T030000Z-full-0a1b2c", "other", b"x")
    vault.put_named("backups/20261399T030000Z-full-0a1b2c", "manifest", b"x")
    vault.put_named("backups/notes", "manifest", b"x")
    vault.put_named("verified/20261129T030000Z-full-0a1b2c", "20261399T030000Z-good", b"x")
    vault.put_named("verified/20261129T030000Z-full-0a1b2c", "note-good", b"x")

    assert place.seen_by("maker").backups() == ()

    place.seen_by("maker").add(manifest())
    (found,) = place.seen_by("maker").backups()
    assert (found.manifest, found.verified) == (manifest(), None)


def test_the_newest_mark_counts_and_needs_no_key(place: Place):
    """Whoever watches over backups need not be able to open them."""
    catalogue, made = place.seen_by("owner"), manifest()
    catalogue.add(made)
    for hour, mark in ((2, Mark.BAD), (1, Mark.GOOD)):
        catalogue.mark(made.backup_id, at=AT + timedelta(hours=hour), mark=mark, report=b"why")

    (found,) = place.seen_by("watcher", MAKER).backups()

    assert found.verified is not None
    assert (found.verified.at, found.verified.mark) == (AT + timedelta(hours=2), Mark.BAD)


def test_a_backup_is_chosen_by_the_beginning_of_its_name(place: Place):
    """The newest without one; what fits none or several is refused, with what to do."""
    catalogue = place.seen_by("maker")
    for day in (0, 1):
        catalogue.add(manifest(days=day))
    found = catalogue.backups()

    def refusal(backups: tuple[Kept, ...], name: str | None) -> tuple[str, str, str | None]:
        with pytest.raises(UsageError) as caught:
            choose(backups, name)
        return caught.value.code, caught.value.message, caught.value.fix

    assert choose(found, None) is found[0]
    assert choose(found, "20261129") is found[1]
    assert refusal(found, "202611") == (
        "DRC060",
        "2 backups begin with `202611`",
        "see what there is: opsctl dr list",
    )
    assert refusal(found, "2027")[1] == "there is no backup `2027`"
    assert refusal((), None) == ("DRC060", "there is no backup yet", "make one: opsctl dr backup")
    assert refusal((), "2027")[1] == "there is no backup `2027`"
