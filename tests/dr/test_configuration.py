"""What is kept of a project's folder are its books, never a secret, and it comes back below one folder only."""

import io
import os
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest

from opsctl.core.errors import FailedError, NotReadyError, UsageError
from opsctl.dr import configuration as module
from opsctl.dr.configuration import pack, project_files, unpack

BOOKS = ("opsctl.yaml", "ops/cache.yaml", "ops", "docs/runbooks", "not/there")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a project with books, runbooks, and what is no business of a backup."""
    root = tmp_path / "project"
    for name in (
        "opsctl.yaml",
        "ops/cache.yaml",
        "ops/drills/one.yaml",
        "ops/notes.txt",
        "docs/runbooks/a.md",
        "docs/other.md",
        ".opsctl/stack/password",
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"of {name}\n")
    return root


def kept(project: Path, *without: str) -> list[str]:
    """Return the names of what would be kept."""
    files = project_files(project, books=BOOKS, without=[project / name for name in without])
    return [path.relative_to(project).as_posix() for path in files]


def packed(project: Path) -> bytes:
    """Return the packed books."""
    return b"".join(pack(project_files(project, books=BOOKS, without=()), root=project))


def test_books_and_folders_of_books_are_kept_once_in_order(project: Path):
    """What has another ending, or is named by no setting, stays away."""
    assert kept(project) == ["docs/runbooks/a.md", "ops/cache.yaml", "ops/drills/one.yaml", "opsctl.yaml"]


def test_a_secret_is_left_out_wherever_it_lies_and_however_it_is_called(project: Path, tmp_path: Path):
    """Also inside a folder of books, behind a link, or under a second name of the same file."""
    secret = project / "ops" / "key.yaml"
    secret.write_text("AGE-SECRET-KEY-1\n")
    (project / "ops" / "link.yaml").symlink_to("key.yaml")
    os.link(secret, project / "ops" / "hard.yaml")
    outside = tmp_path / "password.yaml"
    outside.write_text("secret\n")
    (project / "ops" / "elsewhere.yaml").symlink_to(outside)

    found = kept(project, "ops/key.yaml", "../password.yaml", "never/made.key")

    assert found == kept(project, "ops/key.yaml")
    assert not [
        name for name in found if "key" in name or "link" in name or "hard" in name or "where" in name
    ]


def test_links_are_followed_within_the_books_only(project: Path, tmp_path: Path):
    """Out of the project, or into what is hidden in it, they may lead to anything."""
    (tmp_path / "outside.yaml").write_text("x\n")
    for name, target in (
        ("good", "cache.yaml"),
        ("out", tmp_path / "outside.yaml"),
        ("hidden", "../.opsctl/stack/password"),
        ("nowhere", "gone.yaml"),
        ("folder", "."),
    ):
        (project / "ops" / f"{name}.yaml").symlink_to(target)

    found = kept(project)

    assert "ops/good.yaml" in found
    assert not [
        name for name in found if any(word in name for word in ("out", "hidden", "nowhere", "folder"))
    ]


def test_a_project_that_is_reached_through_a_link_is_kept_all_the_same(project: Path, tmp_path: Path):
    """As `/srv/current` leads to a release."""
    (tmp_path / "current").symlink_to(project)

    assert len(project_files(tmp_path / "current", books=BOOKS, without=())) == 4


def test_the_same_files_give_the_same_bytes(project: Path):
    """Whenever they were touched, and by whom."""
    first = packed(project)
    for path in project.rglob("*.yaml"):
        os.utime(path, (1, 1))
        path.chmod(0o600)

    assert packed(project) == first
    with tarfile.open(fileobj=io.BytesIO(first)) as archive:
        assert {(each.mtime, each.uid, each.uname, each.mode) for each in archive} == {(0, 0, "", 0o644)}


def test_what_was_packed_comes_back(project: Path, tmp_path: Path):
    """With names that are not plain, too, and over nothing but itself."""
    (project / "ops" / "größe 'a'.yaml").write_bytes(b"\xff\x00")

    names = unpack([packed(project)], into=tmp_path / "new" / "place")

    assert sorted(names) == sorted(kept(project))
    for name in names:
        assert (tmp_path / "new" / "place" / name).read_bytes() == (project / name).read_bytes()


@pytest.mark.parametrize("name", ["../evil.yaml", "a/../../evil.yaml", "{outside}/evil.yaml"])
def test_nothing_leads_out_of_the_folder(tmp_path: Path, name: str):
    """A backup that is not encrypted may have been made by anybody; what begins at the root begins at the folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name.format(outside=tmp_path)))

    with suppress(FailedError):
        unpack([buffer.getvalue()], into=tmp_path / "into")

    assert not (tmp_path / "evil.yaml").exists()


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path):
    """The next file of the archive would be written through it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        link = tarfile.TarInfo("ops")
        link.type, link.linkname = tarfile.SYMTYPE, "../.."
        archive.addfile(link)

    with pytest.raises(FailedError) as caught:
        unpack([buffer.getvalue()], into=tmp_path / "into")
    assert caught.value.code == "DRC084"


@pytest.mark.parametrize("data", [b"", b"no tar file", b"\x1f\x8b\x08"])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes):
    """Whatever its digest says."""
    with pytest.raises(FailedError) as caught:
        unpack([data], into=tmp_path / "into")
    assert caught.value.code == "DRC084"


def test_far_too_much_for_books_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch):
    """It is held in memory, so a folder of data must not get into it by mistake."""
    monkeypatch.setattr(module, "_MOST_BYTES", 100_000)
    (project / "ops" / "data.json").write_bytes(bytes(200_000))

    with pytest.raises(UsageError) as caught:
        packed(project)
    assert (caught.value.code, "data.json" in str(caught.value.why)) == ("DRC062", True)


def test_a_book_that_vanishes_meanwhile_is_told(project: Path):
    """Not as a defect of ours."""
    files = project_files(project, books=BOOKS, without=())
    (project / "opsctl.yaml").unlink()

    with pytest.raises(NotReadyError) as caught:
        b"".join(pack(files, root=project))
    assert caught.value.code == "FIL003"
