"""Whatever happens to a backup is found out and named before anything is restored from it; each on a copy of its own."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cli.dr_shop import Run, Shop, copy_of, flip, only, run, vault_of

from opsctl.clients.repository_folder import FolderRepository
from opsctl.clients.sealing import Sealing, new_key
from opsctl.dr.kept import Catalogue
from opsctl.dr.manifest import BackupManifest
from opsctl.dr.postgres.archive import Piece, read_archive
from opsctl.dr.postgres.wal import Segment, parse_lsn
from opsctl.dr.vault import Vault

pytestmark = pytest.mark.stack


class Copy:
    """A copy of a repository, and machines that look at it."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        self.shop = shop
        self.folder = folder
        self.repository = copy_of(shop.pristine, folder / "repository")

    def here(self, *words: str) -> Run:
        """Run a command on the machine that made the backups."""
        return self.shop.run("dr", *words, "--from", str(self.repository))

    def elsewhere(self, *words: str, key: Path | None = None) -> Run:
        """Run a command on another machine, with the key, or with another one."""
        machine = self.folder / "machine"
        machine.mkdir(exist_ok=True)
        identity = ("--identity", str(key or self.shop.key))
        return run(machine, "dr", *words, "--from", str(self.repository), *identity, "--json")

    def manifest(self, name: str) -> BackupManifest:
        """Return the manifest of a backup that the shop made."""
        wanted = self.shop.runs[name].data["manifest"]["backup_id"]
        catalogue = Catalogue(self.vault, copies=self.folder / "copies")
        return next(
            each.manifest for each in catalogue.backups() if each.backup_id == wanted and each.manifest
        )

    @property
    def vault(self) -> Vault:
        """Return the repository, opened."""
        return vault_of(self.repository, self.shop.key)

    @property
    def marks(self) -> list[str]:
        """Return what verifications have concluded."""
        return [path.name for path in (self.repository / "verified").rglob("*") if path.is_file()]

    def path(self, key: str) -> Path:
        """Return the file of an object."""
        return self.repository / key

    def manifest_path(self, name: str) -> Path:
        """Return the file of the manifest of a backup."""
        backup_id = self.shop.runs[name].data["manifest"]["backup_id"]
        return only(list((self.repository / "backups" / backup_id).glob("manifest@*")))

    def log_after(self, name: str) -> list[tuple[Segment, tuple[Piece, ...]]]:
        """Return the archived segments that follow a backup."""
        base = self.manifest(name).base
        assert base is not None
        archive = read_archive(
            self.vault, system_identifier=base.system_identifier, segment_bytes=base.wal_segment_bytes
        )
        last_inside = (parse_lsn(base.end_lsn) - 1) // base.wal_segment_bytes
        return sorted(each for each in archive.pieces.items() if each[0].number > last_inside)


@pytest.fixture
def copy(dr_shop: Shop, tmp_path: Path) -> Copy:
    """Give a copy that may be spoiled."""
    return Copy(dr_shop, tmp_path)


@pytest.fixture
def into(dr_shop: Shop) -> Iterator[Path]:
    """Give the name of a folder for a restore."""
    folder = dr_shop.folder / "from-damage"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


FILES: dict[str, Callable[[BackupManifest], str]] = {
    "snapshot": lambda of: of.vectors[0].snapshot.key,
    "base": lambda of: of.base.tar.key if of.base else "",
    "postgres's manifest": lambda of: of.base.manifest.key if of.base else "",
    "configuration": lambda of: of.configuration.key if of.configuration else "",
}


@pytest.mark.slow
@pytest.mark.parametrize("what", FILES)
def test_one_flipped_bit_in_a_file_is_refused_by_its_name(copy: Copy, what: str):
    """Whichever it is; and the backup is marked as bad, for everybody to see."""
    key = FILES[what](copy.manifest("incremental"))
    flip(copy.path(key))

    done = copy.here("verify")

    assert (done.exit_code, done.codes) == (1, ["DRC001"])
    assert key in done.document["findings"][0]["title"]
    assert done.document["data"][0]["depth"] == "stored"
    assert len(copy.marks) == 1
    assert "-bad@" in copy.marks[0]
    assert copy.here("list").data["backups"][0]["verified"]["mark"] == "bad"


def test_a_file_that_is_cut_short_is_refused(copy: Copy):
    """With both lengths."""
    key = FILES["base"](copy.manifest("incremental"))
    size = copy.path(key).stat().st_size
    with copy.path(key).open("r+b") as file:
        file.truncate(size - 1)

    done = copy.here("verify", "--stored-only")

    assert (done.exit_code, done.codes) == (1, ["DRC001"])
    assert f"it has {size - 1:,} bytes, not {size:,}" in str(done.document["findings"][0]["evidence"])


def test_a_file_that_is_gone_is_refused(copy: Copy):
    """It is not taken for damage, but it is no backup any more."""
    key = FILES["snapshot"](copy.manifest("incremental"))
    copy.path(key).unlink()

    done = copy.here("verify")

    assert (done.exit_code, done.codes) == (1, ["REP003"])
    assert key in done.document["findings"][0]["title"]


def test_damage_in_what_a_backup_builds_on_is_damage_of_it(copy: Copy):
    """An incremental one cannot come back without its parent."""
    key = FILES["base"](copy.manifest("full"))
    flip(copy.path(key))

    done = copy.here("verify")

    assert (done.exit_code, done.codes) == (1, ["DRC001"])
    assert done.document["data"][0]["backup_id"] == copy.manifest("incremental").backup_id


def test_a_backup_whose_parent_is_gone_is_refused_at_every_depth(copy: Copy):
    """Also where only bytes are hashed: those of the parent were as much a part of it."""
    parent = copy.manifest("full").backup_id
    copy.manifest_path("full").unlink()

    done = copy.here("verify", "--stored-only")

    assert (done.exit_code, done.codes) == (1, ["DRC027"])
    assert parent in done.document["findings"][0]["title"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["incremental", "full"])
def test_a_flipped_bit_in_a_manifest_is_refused_also_where_a_copy_of_it_is_whole(copy: Copy, name: str):
    """On the machine that made it; another one can tell nothing else of it."""
    flip(copy.manifest_path(name))

    here = copy.here("verify", "--stored-only")
    elsewhere = copy.elsewhere("verify", "--stored-only", copy.shop.runs[name].data["manifest"]["backup_id"])

    assert (here.exit_code, here.codes) == (1, ["DRC003"])
    assert (elsewhere.exit_code, elsewhere.codes) == (1, ["DRC063"])
    assert "DRC003" in str(elsewhere.document["findings"][0]["evidence"])


def test_a_restore_passes_over_a_backup_whose_manifest_is_damaged_and_says_so(copy: Copy, into: Path):
    """The older one and the log lead to the same point."""
    damaged = copy.shop.runs["incremental"].data["manifest"]["backup_id"]
    flip(copy.manifest_path("incremental"))

    plan = copy.elsewhere("restore", "--into", str(into), "--dry-run")

    assert plan.data["backups"] == [copy.shop.runs["full"].data["manifest"]["backup_id"]]
    assert plan.data["left_out"] == [damaged]


@pytest.mark.slow
@pytest.mark.parametrize("depth", [(), ("--stored-only",)], ids=["restored", "stored"])
def test_a_flipped_bit_in_the_log_is_refused(copy: Copy, depth: tuple[str, ...]):
    """In the middle of it: what follows could not be replayed."""
    piece = copy.log_after("incremental")[0][1][0]
    flip(copy.path(piece.key))

    done = copy.here("verify", *depth)

    assert (done.exit_code, done.codes) == (1, ["DRC003"])
    assert piece.key in done.document["findings"][0]["title"]


def test_a_segment_of_the_log_that_is_missing_is_refused(copy: Copy, into: Path):
    """By verification, and by a restore, which says how far one can go."""
    segment, pieces = copy.log_after("incremental")[0]
    for piece in pieces:
        copy.path(piece.key).unlink()

    verified = copy.here("verify")
    restored = copy.here("restore", "--into", str(into))

    assert (verified.exit_code, verified.codes) == (1, ["DRC026"])
    assert (restored.exit_code, restored.codes) == (1, ["DRC026"])
    assert segment.name(16 * 1024**2) in str(verified.document["findings"][0]["evidence"])
    assert not into.exists()


@pytest.mark.slow
def test_without_the_right_key_nothing_is_concluded(copy: Copy, tmp_path: Path, into: Path):
    """A missing key is no damage: exit 2, and the good backup is not marked as bad."""
    other = tmp_path / "other.key"
    other.write_text(new_key()[0])
    machine = tmp_path / "without"
    machine.mkdir()
    source = ("--from", str(copy.repository), "--json")

    wrong = copy.elsewhere("verify", key=other)
    missing = run(machine, "dr", "verify", *source)
    restored = copy.elsewhere("restore", "--into", str(into), key=other)
    listed = run(machine, "dr", "list", *source)

    assert (wrong.exit_code, wrong.codes) == (2, ["SEA004"])
    assert (missing.exit_code, missing.codes) == (2, ["SEA003"])
    assert (restored.exit_code, restored.codes) == (2, ["SEA004"])
    assert copy.marks == []
    assert not into.exists()
    assert [each["stored_bytes"] for each in listed.data["backups"]] == [None, None]
    assert all(each["is_encrypted"] for each in listed.data["backups"])
    assert "SEA003" in listed.data["backups"][0]["trouble"]


@pytest.mark.slow
def test_a_backup_that_was_found_bad_is_passed_over_until_it_is_named(copy: Copy, into: Path):
    """Verified again, it is looked at again: it does not become good because another one is."""
    key = FILES["configuration"](copy.manifest("incremental"))
    bad, good = (copy.manifest(name).backup_id for name in ("incremental", "full"))
    flip(copy.path(key))
    assert copy.here("verify").exit_code == 1

    plan = copy.here("restore", "--into", str(into), "--dry-run")
    named = copy.here("restore", "--into", str(into), "--backup", bad, "--dry-run")
    again = copy.here("verify")

    assert (plan.data["backups"], plan.data["left_out"]) == ([good], [bad])
    assert named.data["backups"] == [good, bad]
    assert (again.exit_code, again.codes) == (1, ["DRC001"])


@pytest.mark.slow
def test_where_every_backup_is_bad_that_is_what_is_said(copy: Copy, into: Path):
    """Not that there is none."""
    for name in ("incremental", "full"):
        flip(copy.path(FILES["base"](copy.manifest(name))))
    assert copy.here("verify", "--all", "--stored-only").exit_code == 1

    done = copy.here("restore", "--into", str(into))

    assert (done.exit_code, done.codes) == (1, ["DRC085"])
    assert not into.exists()


@pytest.mark.drill
def test_a_restore_goes_on_with_an_older_backup_where_the_newest_is_damaged(copy: Copy, into: Path):
    """Found out only while it is fetched; the point is the same."""
    manifest = copy.manifest("incremental")
    flip(copy.path(FILES["base"](manifest)))

    done = copy.here("restore", "--into", str(into))

    assert done.exit_code == 0, done.stderr + done.stdout
    assert done.data["backup_id"] == copy.manifest("full").backup_id
    assert f"{manifest.backup_id} is damaged (DRC001" in done.stderr
    assert (into / "opsctl.yaml").is_file()


@pytest.mark.drill
@pytest.mark.parametrize("what", ["snapshot", "base"])
def test_a_restore_of_a_damaged_backup_that_was_named_leaves_nothing_behind(
    copy: Copy, into: Path, what: str
):
    """The folder is not there, as before."""
    manifest = copy.manifest("full")
    flip(copy.path(FILES[what](manifest)))

    done = copy.here("restore", "--backup", manifest.backup_id, "--into", str(into))

    assert (done.exit_code, done.codes) == (1, ["DRC001"])
    assert not into.exists()


@pytest.mark.drill
def test_a_snapshot_of_an_older_minor_version_is_refused(copy: Copy):
    """Its bytes are whole, and yet no node here can read it; another host may, so no mark is left for all of them."""
    manifest, path = copy.manifest("full"), copy.manifest_path("full")
    path.unlink()
    shutil.rmtree(copy.manifest_path("incremental").parent)
    older = tuple(replace(each, engine_version="0.1.0") for each in manifest.vectors)
    sealing = Sealing(recipients=(_recipient(copy.shop),), identities=(copy.shop.key.read_text(),))
    vault = Vault(FolderRepository(copy.repository), sealing)
    Catalogue(vault, copies=copy.folder / "others").add(replace(manifest, vectors=older))

    done = copy.here("verify")

    assert (done.exit_code, done.codes) == (1, ["DRC044"])
    assert not list((copy.repository / "verified").rglob("*@*"))


def _recipient(shop: Shop) -> str:
    recipient: str = shop.runs["key"].data["recipient"]
    return recipient
