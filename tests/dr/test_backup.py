"""A backup exists from the moment on when all of it is there; until then there is nothing that looks like one."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.dr.manifests import full_manifest
from tests.fakes.clock import FakeClock

from opsctl.clients.repository_folder import FolderRepository
from opsctl.clients.sealing import Sealing
from opsctl.core.errors import NotReadyError
from opsctl.dr.backup import Made, Sources, take_backup
from opsctl.dr.kept import Catalogue
from opsctl.dr.manifest import SecretName
from opsctl.dr.unfinished import Beginning, Unfinished, open_unfinished
from opsctl.dr.vault import Vault
from opsctl.dr.vectors.take_all import TakenVectors

AT = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
WHOLE = full_manifest()
ID = "20261122T120000Z-full-0a1b2c"
COPIED = ["vectors", "base", "configuration"]


class KilledError(BaseException):
    """Stands for SIGKILL: nothing of ours runs after it."""


@dataclass
class World:
    """From where a backup comes and where it goes; `fails` names the source that does not answer."""

    folder: Path
    asked: list[tuple[str, str]] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    fails: str | None = None
    error: BaseException = field(default_factory=lambda: NotReadyError("the server is gone", code="DBS001"))

    @property
    def repository(self) -> FolderRepository:
        """Return where it goes."""
        return FolderRepository(self.folder / "repository")

    @property
    def catalogue(self) -> Catalogue:
        """Return what is there."""
        return Catalogue(Vault(self.repository, Sealing()), copies=self.folder / "copies")

    def ask(self, name: str, prefix: str, value: Any) -> Any:
        """Give what a source gives, and look how many backups there are meanwhile."""
        self.asked.append((name, prefix))
        self.seen.append(len(self.catalogue.backups()))
        if prefix:
            Vault(self.repository, Sealing()).put(f"{prefix}/{name}", [b"content"])
        if name == self.fails:
            raise self.error
        return value

    def sources(self, **changes: Any) -> Sources:
        """Return sources that note what they are asked."""
        taken = TakenVectors(snapshots=WHOLE.vectors, golden=WHOLE.golden, aliases=dict(WHOLE.aliases))
        made = Sources(
            vectors=lambda prefix: self.ask("vectors", prefix, taken),
            base=lambda prefix: self.ask("base", prefix, WHOLE.base),
            dump=None,
            configuration=lambda prefix: self.ask("configuration", prefix, WHOLE.configuration),
            migrations=lambda: self.ask("migrations", "", {"0001": "a" * 64}),
            secrets=lambda: self.ask("secrets", "", [SecretName(name="k", origin="file", is_present=True)]),
            tools={"opsctl": "1"},
        )
        return replace(made, **changes)

    def notes(self, kind: str = "full") -> Unfinished:
        """Open the notes as `opsctl dr backup` does."""
        beginning = Beginning(backup_id=ID, kind=kind, parent=None, started_at=AT, settings="")
        kept = [each.backup_id for each in self.catalogue.backups()]
        return open_unfinished(self.folder / "unfinished.json", beginning, now=AT, kept=kept)

    def take(self, **changes: Any) -> Made:
        """Make a backup."""
        clock = FakeClock()
        return take_backup(self.sources(**changes), notes=self.notes(), catalogue=self.catalogue, clock=clock)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Give a world in which everything answers."""
    return World(tmp_path)


def test_vectors_come_before_the_truth_and_the_manifest_after_everything(world: World):
    """So the snapshots are never ahead of a point to which the backup can go."""
    made = world.take()

    assert [name for name, _ in world.asked] == [*COPIED, "migrations", "secrets"]
    assert set(world.seen) == {0}
    assert [each.manifest for each in world.catalogue.backups()] == [made.manifest]
    assert world.catalogue.backups()[0].key == made.key


def test_the_manifest_holds_what_every_source_gave(world: World):
    """And from when to when it was made."""
    made = world.take().manifest

    assert (made.backup_id, made.kind, made.parent) == (ID, "full", None)
    assert (made.base, made.dump, made.vectors, made.golden) == (
        WHOLE.base,
        None,
        WHOLE.vectors,
        WHOLE.golden,
    )
    assert (made.aliases, made.configuration) == (WHOLE.aliases, WHOLE.configuration)
    assert (made.migrations, made.secrets[0].name, made.tools) == ({"0001": "a" * 64}, "k", {"opsctl": "1"})
    assert made.started_at == AT <= made.ended_at


def test_a_dump_takes_the_place_of_the_base_backup(world: World):
    """Of servers whose files nobody can reach."""
    made = world.take(base=None, dump=lambda prefix: world.ask("dump", prefix, WHOLE.dump)).manifest

    assert (made.base, made.dump) == (None, WHOLE.dump)
    assert [name for name, _ in world.asked][:3] == ["vectors", "dump", "configuration"]


@pytest.mark.parametrize("failing", [*COPIED, "migrations", "secrets"])
def test_whatever_fails_there_is_no_backup_and_the_next_run_makes_it_whole(world: World, failing: str):
    """What was copied already is not copied again; nothing is written where the first run wrote."""
    world.fails = failing
    with pytest.raises(NotReadyError):
        world.take()
    assert world.catalogue.backups() == ()
    before = list(world.asked)

    world.fails = None
    made = world.take()

    done = [name for name, prefix in before if prefix and name != failing]
    again = [(name, prefix) for name, prefix in world.asked[len(before) :] if prefix]
    assert [name for name, _ in again] == [name for name in COPIED if name not in done]
    assert all(prefix.startswith(f"backups/{ID}/2") for _, prefix in again)
    assert all(prefix.startswith(f"backups/{ID}/1") for _, prefix in before if prefix)
    assert [each.manifest for each in world.catalogue.backups()] == [made.manifest]


def test_one_that_is_killed_anywhere_is_listed_once_in_the_end(world: World, monkeypatch: pytest.MonkeyPatch):
    """Also where the manifest was kept, and nothing was noted of that any more."""

    def killed(_: Unfinished) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(Unfinished, "forget", killed)
        with pytest.raises(KilledError):
            world.take()
    (first,) = world.catalogue.backups()

    notes = world.notes()

    assert (notes.done, notes.attempt) == ((), 1)
    assert [each.key for each in world.catalogue.backups()] == [first.key]


def test_notes_are_gone_when_the_backup_is_whole(world: World):
    """The next one begins anew."""
    world.take()

    assert not (world.folder / "unfinished.json").exists()
