"""Paths in messages: relative to where the reader stands."""

from opsctl.ui.places import from_here


def test_only_what_is_below_the_current_folder_is_shortened(tmp_path, monkeypatch):
    """A sibling whose name begins alike keeps its whole path."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")

    assert from_here(f"{tmp_path}/project/ops/collections.yaml:4:5") == "ops/collections.yaml:4:5"
    assert from_here(f"{tmp_path}/project2/opsctl.yaml") == f"{tmp_path}/project2/opsctl.yaml"
    assert from_here("default") == "default"


def test_a_removed_current_folder_is_no_second_failure(tmp_path, monkeypatch):
    """The message that is being shown matters more."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert from_here("/a/b") == "/a/b"
