"""Places that cannot be what they are named for are refused in words, and nothing is taken for an empty one."""

from pathlib import Path

import pytest
from tests.cli.dr_shop import run

from opsctl.cli.dr_hand_over import UNFINISHED
from opsctl.cli.dr_restore_places import require_free
from opsctl.core.errors import RefusedError


@pytest.mark.parametrize("option", ["--from", "--identity"])
def test_a_link_in_a_circle_is_no_defect(tmp_path: Path, option: str):
    """Neither as the repository nor as the file of the key."""
    (tmp_path / "circle").symlink_to("circle")

    done = run(tmp_path, "dr", "list", option, str(tmp_path / "circle"), "--json")

    assert (done.exit_code, done.codes) == (3, ["FIL003"])


@pytest.mark.parametrize("name", ["file", "circle", "full", "a" * 300, "\udcff"])
def test_a_restore_goes_into_no_file_no_circle_and_no_name_that_is_too_long(tmp_path: Path, name: str):
    """Only into what is empty or not there yet."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()

    require_free(tmp_path / "new")
    with pytest.raises(RefusedError) as caught:
        require_free(tmp_path / name)

    assert caught.value.code == "DRC068"


def test_half_a_restore_is_told_from_a_project(tmp_path: Path):
    """One that was killed leaves it, and says what to do with it."""
    (tmp_path / ".opsctl").mkdir()
    (tmp_path / ".opsctl" / UNFINISHED).touch()

    with pytest.raises(RefusedError) as caught:
        require_free(tmp_path)

    assert caught.value.code == "DRC068"
    assert "killed" in str(caught.value.why)
    assert f"opsctl --project {tmp_path} stack down" in str(caught.value.fix)
