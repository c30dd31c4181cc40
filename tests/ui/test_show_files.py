"""Many files are counted by folder; few, and all with `-v`, have their names."""

import pytest

from opsctl.core.file_counts import told_by_folder
from opsctl.ui import show_files as shown
from opsctl.ui.console import mode

MANY = [("wrote", "opsctl.yaml"), *(("wrote", f"ops/drills/{number}.yaml") for number in range(30))]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Take what is printed."""
    taken: list[str] = []
    monkeypatch.setattr(shown, "print_line", taken.append)
    monkeypatch.setattr(shown, "hint", lambda _text: None)
    return taken


def test_many_files_are_a_line_a_folder(lines: list[str]):
    """What lies in no folder keeps its name."""
    shown.show_files([*MANY, ("kept", "ops/drills/mine.yaml")], column=6)

    assert lines == ["wrote  opsctl.yaml", "wrote  ops/drills/  30 files", "kept   ops/drills/mine.yaml"]


def test_each_is_named_with_v(lines: list[str], monkeypatch: pytest.MonkeyPatch):
    """And where there are few."""
    shown.show_files(MANY[:3], column=6)
    monkeypatch.setattr(mode, "verbosity", 1)
    shown.show_files(MANY, column=6)

    assert len(lines) == 3 + len(MANY)


def test_one_line_has_the_counts():
    """As `doctor` tells of books."""
    assert told_by_folder([path for _, path in MANY]) == "opsctl.yaml, 30 in ops/drills/"
