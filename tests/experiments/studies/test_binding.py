"""A folder of a simulation is what was written, file by file, or is refused with what is not."""

from pathlib import Path

import pytest

from opsctl.core.errors import UsageError
from opsctl.experiments.studies.binding import FILE, bind, require_bound


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder that is bound."""
    for name in ("study.json", "events/1.parquet", "events/2.parquet", "exposures/1.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    bind(tmp_path)
    return tmp_path


def refusal(folder: Path) -> str:
    """Return why a folder is refused."""
    with pytest.raises(UsageError) as refused:
        require_bound(folder, name="agents")
    assert refused.value.code == "EXP131"
    assert refused.value.fix == "opsctl experiments simulate agents"
    return refused.value.why or ""


def test_what_was_written_is_accepted(folder: Path) -> None:
    """The same files have the same manifest; what is hidden is unfinished work that nobody reads."""
    (folder / "events" / ".3.parquet.part").write_text("half")

    require_bound(folder, name="agents")

    assert bind(folder) == bind(folder)


def test_everything_that_is_not_as_it_was_is_named(folder: Path) -> None:
    """Gone, new and changed, the study too; one byte of the same length is enough."""
    (folder / "events" / "1.parquet").unlink()
    (folder / "events" / "2.parquet").write_text("events/3.parquet")
    (folder / "events" / "4.parquet").write_text("x")
    (folder / "study.json").write_text("{}")

    assert refusal(folder) == (
        "`events/1.parquet` is gone; `events/4.parquet` is new; `events/2.parquet`, `study.json` are changed"
    )


def test_many_files_are_named_by_the_first_ones(folder: Path) -> None:
    """And by how many more there are."""
    for number in range(10, 20):
        (folder / "events" / f"{number}.parquet").write_text("x")

    assert "and 7 more are new" in refusal(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "other/1", "files": {}}', '{"files": 7}'])
def test_a_manifest_that_is_none_binds_nothing(folder: Path, text: str) -> None:
    """Cut off, of another version, or of another shape."""
    (folder / FILE).write_bytes(text.encode())

    assert FILE in refusal(folder)


def test_a_simulation_that_was_killed_before_its_end_is_not_bound(folder: Path) -> None:
    """The manifest is written last."""
    (folder / FILE).unlink()

    assert "nothing says what was written" in refusal(folder)
