"""A render touches its own files and nobody else's, whatever folder it is given."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from opsctl.cli.rendering import compare, out_folder, render_into
from opsctl.clients.file_locks import FileLock
from opsctl.config.project import ProjectSettings
from opsctl.config.settings import Settings
from opsctl.core.errors import NotReadyError, OpsError, RefusedError


def rendered(*names: str, schema: str = "opsctl.alerts.lock/v1") -> dict[str, str]:
    """Return files as a render makes them, the lock among them."""
    files = {name: f"{name}\n" for name in names}
    return {**files, "lock.json": json.dumps({"schema": schema, "files": dict.fromkeys(files, "")})}


def names_below(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Give a project with books."""
    root = tmp_path / "project"
    for folder in ("alerts", "dashboards", "docs/runbooks", "ops/loads"):
        (root / folder).mkdir(parents=True)
        (root / folder / "book.yaml").write_text("book")
    return Settings(root=root, project=ProjectSettings(), origins={})


def test_a_render_removes_what_the_one_before_it_has_made_and_nothing_else(settings: Settings):
    """The lock that it left says what that is."""
    folder = settings.root / "alerts" / "rendered"
    render_into(folder, rendered("rules/a.yml", "rules/b.yml"), settings=settings)
    (folder / "rules" / "notes.txt").write_text("mine")

    changes = render_into(folder, rendered("rules/a.yml"), settings=settings)

    assert names_below(folder) == ["lock.json", "rules/a.yml", "rules/notes.txt"]
    assert [(each.path, each.state) for each in changes] == [
        ("lock.json", "changed"),
        ("rules/b.yml", "left over"),
    ]


def test_a_lock_that_names_files_outside_removes_none_of_them(settings: Settings):
    """Whoever writes `../book.yaml` into it."""
    folder = settings.root / "alerts" / "rendered"
    render_into(folder, rendered("a.yml"), settings=settings)
    (folder / "out").symlink_to(settings.root / "dashboards")
    names = ["../book.yaml", str(settings.root / "alerts" / "book.yaml"), "out/book.yaml", "a\x00b"]
    (folder / "lock.json").write_text(rendered("a.yml", *names)["lock.json"])

    render_into(folder, rendered("a.yml"), settings=settings)

    assert (settings.root / "alerts" / "book.yaml").read_text() == "book"
    assert (settings.root / "dashboards" / "book.yaml").read_text() == "book"


@pytest.mark.parametrize("place", [".", "..", "alerts", "docs", "docs/runbooks", "ops", "ops/loads"])
@pytest.mark.parametrize("has_lock", [True, False])
def test_a_folder_with_the_project_or_its_books_is_refused(settings: Settings, place: str, *, has_lock: bool):
    """Even where a lock lies in it."""
    folder = settings.root / place
    if has_lock:
        (folder / "lock.json").write_text(rendered("book.yaml")["lock.json"])
    before = names_below(settings.root)

    with pytest.raises(RefusedError) as caught:
        render_into(folder, rendered("a.yml"), settings=settings)

    assert (caught.value.code, int(caught.value.exit_code)) == ("FIL007", 4)
    assert [name for name in names_below(settings.root) if not name.startswith(".opsctl/")] == before


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    "lock", [None, rendered(schema="opsctl.dashboards.lock/v1")["lock.json"], "{", "[]", "[" * 100_000]
)
def test_a_folder_that_is_somebody_elses_is_refused(
    settings: Settings, tmp_path: Path, lock: str | None, *, dry_run: bool
):
    """Without a lock of the same kind nobody knows what may be removed or replaced."""
    folder = tmp_path / "home"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "thesis.txt").write_text("years of work")
    if lock is not None:
        (folder / "lock.json").write_text(lock)
    before = names_below(folder)

    with pytest.raises(OpsError) as caught:
        render_into(folder, rendered("a.yml"), settings=settings, dry_run=dry_run)

    assert caught.value.code in ("FIL007", "FIL008")
    assert names_below(folder) == before


def test_an_empty_name_is_no_folder():
    """`--out "$UNSET"`."""
    with pytest.raises(RefusedError):
        out_folder("")


def test_a_folder_that_is_empty_or_only_kept_is_rendered_into(settings: Settings, tmp_path: Path):
    """`.gitkeep` is how git keeps an empty folder."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".gitkeep").write_text("")

    render_into(tmp_path / "out", rendered("a.yml"), settings=settings)

    assert names_below(tmp_path / "out") == [".gitkeep", "a.yml", "lock.json"]


def test_what_a_killed_render_has_left_is_seen_and_removed(settings: Settings, tmp_path: Path):
    """Its temporary file, not one that looks like it."""
    files = rendered("a.yml")
    render_into(tmp_path / "out", files, settings=settings)
    (tmp_path / "out" / ".a.yml.abcd_123.tmp").write_text("half")
    (tmp_path / "out" / ".other.abcd_123.tmp").write_text("mine")

    seen = compare(tmp_path / "out", files)
    render_into(tmp_path / "out", files, settings=settings)

    assert [(each.path, each.state) for each in seen] == [(".a.yml.abcd_123.tmp", "left over")]
    assert names_below(tmp_path / "out") == [".other.abcd_123.tmp", "a.yml", "lock.json"]


def test_a_render_that_was_killed_can_be_run_again(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It has written its lock before anything else."""
    files, replaced = rendered("a.yml", "b.yml"), list[Path]()
    real = Path.replace

    def killed(path: Path, target: Path) -> Path:
        if len(replaced) == 2:
            raise KeyboardInterrupt
        replaced.append(target)
        return real(path, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        render_into(tmp_path / "out", files, settings=settings)
    monkeypatch.undo()
    render_into(tmp_path / "out", files, settings=settings)

    assert compare(tmp_path / "out", files) == ()


def test_two_renders_at_once_are_refused(settings: Settings, tmp_path: Path):
    """The second is told who is at work."""
    render_into(tmp_path / "out", rendered("a.yml"), settings=settings)
    (lock,) = (settings.home / "rendering").iterdir()

    with FileLock(lock, what="rendering"), pytest.raises(RefusedError) as caught:
        render_into(tmp_path / "out", rendered("b.yml"), settings=settings)

    assert caught.value.code == "FIL002"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
@pytest.mark.parametrize("name", ["a.yml", "lock.json"])
def test_what_stands_in_the_place_of_a_file_is_named(
    settings: Settings, tmp_path: Path, make: Callable[[Path], None], name: str
):
    """Nothing waits for a pipe."""
    render_into(tmp_path / "out", rendered("a.yml"), settings=settings)
    (tmp_path / "out" / name).unlink()
    make(tmp_path / "out" / name)

    with pytest.raises(OpsError) as caught:
        render_into(tmp_path / "out", rendered("a.yml", "b.yml"), settings=settings)

    assert caught.value.code in ("FIL003", "FIL007")


def test_a_file_that_cannot_be_read_is_named(settings: Settings, tmp_path: Path):
    """A disk that fails is no defect of ours; address 0 of a process fails the same way (EIO)."""
    render_into(tmp_path / "out", rendered("a.yml"), settings=settings)
    (tmp_path / "out" / "a.yml").unlink()
    (tmp_path / "out" / "a.yml").symlink_to("/proc/self/mem")

    with pytest.raises(NotReadyError, match="cannot read"):
        compare(tmp_path / "out", rendered("a.yml"))


def test_bytes_that_are_no_text_are_replaced(settings: Settings, tmp_path: Path):
    """A damaged file is rendered anew like any other."""
    render_into(tmp_path / "out", rendered("a.yml"), settings=settings)
    (tmp_path / "out" / "a.yml").write_bytes(b"\xff\xfe")

    render_into(tmp_path / "out", rendered("a.yml"), settings=settings)

    assert (tmp_path / "out" / "a.yml").read_text() == "a.yml\n"
