"""A restore into a folder has it for itself, and removes nothing that is not its own."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from opsctl.cli import wiring
from opsctl.cli.dr_hand_over import FolderSite
from opsctl.cli.dr_site import ScratchSite
from opsctl.core.errors import RefusedError
from opsctl.core.events import ignore


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the project from which is restored; PostgreSQL itself is not."""
    root = tmp_path / "shop"
    root.mkdir()
    monkeypatch.setattr(wiring, "_chosen", {"root": root})
    monkeypatch.setattr(ScratchSite, "database", lambda _site: None)
    wiring.settings.cache_clear()
    yield root
    wiring.settings.cache_clear()


def site(folder: Path) -> FolderSite:
    """Return a restore into a folder."""
    manifest: Any = SimpleNamespace(backup_id="20261130T120000Z", configuration=None)
    vault: Any = SimpleNamespace()
    return FolderSite(folder, chain=None, manifest=manifest, vault=vault, listener=ignore)


def test_of_two_at_once_one_is_refused_and_leaves_the_other_alone(tmp_path: Path):
    """Both found the folder free; who comes second ends nothing and removes nothing."""
    first, second = site(tmp_path / "new"), site(tmp_path / "new")
    first.database()
    (tmp_path / "new" / "opsctl.yaml").write_text("{}")

    with pytest.raises(RefusedError) as caught:
        second.database()
    second.abandon()

    assert caught.value.code == "DRC068"
    assert (tmp_path / "new" / "opsctl.yaml").is_file()
    first.hand_over()
    assert [path.name for path in sorted((tmp_path / "new").iterdir())] == [".opsctl", "opsctl.yaml"]


def test_what_somebody_put_there_since_it_was_found_free_stays(tmp_path: Path):
    """The restore is refused."""
    late = site(tmp_path / "new")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine").touch()

    with pytest.raises(RefusedError) as caught:
        late.database()
    late.abandon()

    assert caught.value.code == "DRC068"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["mine"]


def test_one_that_is_given_up_leaves_no_folder(tmp_path: Path, project: Path):
    """The settings are those of before."""
    given_up = site(tmp_path / "new")
    given_up.database()

    given_up.abandon()

    assert not (tmp_path / "new").exists()
    assert wiring.settings().root == project
