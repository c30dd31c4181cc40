"""The exercises that break a stack, on a real one: each is open until its work is done, by the commands of its hints."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.command import Outcome, run_opsctl
from tests.scratch_project import init_project

pytestmark = pytest.mark.drill
WHO = ("--as", "anna", "--confirm", "school")


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make a project with a small catalogue, its collections built, and its service running."""
    root = init_project(tmp_path_factory.mktemp("training") / "school").root
    try:
        for words in (
            ("stack", "up", "postgres", "vectors", "service"),
            ("catalog", "generate", "--items", "1500", "--seed", "7"),
            ("collections", "rebuild"),
        ):
            assert _run(root, *words).exit_code == 0
        yield root
    finally:
        _run(root, "stack", "down")


def test_a_part_that_is_down(school: Path) -> None:
    """Found by looking at the stack; the other answer is wrong."""
    down = _begin(school, "reading_status")
    stopped = {
        line.split()[0] for line in _run(school, "stack", "status").stdout.splitlines() if "stopped" in line
    }
    (part,) = stopped & {"vectors", "service"}
    _run(school, "stack", "up", part)
    other = ({"vectors", "service"} - {part}).pop()

    assert f"{part}: stop" not in down, "which one it is, is for the trainee to find"
    assert _check(school, "reading_status", "--answer", f"part={other}") == 1
    assert _check(school, "reading_status", "--answer", f"part={part}") == 0


def test_a_lost_alias(school: Path) -> None:
    """One command leads it back."""
    _begin(school, "alias_lost")
    _run(school, "collections", "realias")

    assert _check(school, "alias_lost") == 0


def test_a_leaked_key(school: Path) -> None:
    """The new one first, then the old one's end; neither alone is enough."""
    told = _begin(school, "leaked_key")
    prefix = told.partition("opk_")[2].partition("_\n")[0]
    _run(
        school,
        "security",
        "keys",
        "create",
        "--name",
        "new",
        "--scope",
        "feed:read",
        "--scope",
        "content:read",
    )
    assert _check(school, "leaked_key") == 1
    _run(school, "security", "keys", "revoke", prefix)

    assert _check(school, "leaked_key") == 0


def test_vectors_that_are_behind(school: Path) -> None:
    """Followed up, and the stack left as it was."""
    _begin(school, "vectors_behind")
    _run(school, "catalog", "sync")
    assert _check(school, "vectors_behind") == 1
    _run(school, "stack", "up", "service")

    assert _check(school, "vectors_behind") == 0


def _begin(school: Path, name: str) -> str:
    begun = _run(school, "training", "start", name, *WHO)
    assert begun.exit_code == 0, begun.stderr
    assert _check(school, name) == 1, "nothing was done yet"
    return begun.stdout + begun.stderr


def _check(school: Path, name: str, *more: str) -> int:
    return _run(school, "training", "check", name, "--as", "anna", *more).exit_code


def _run(school: Path, *words: str) -> Outcome:
    try:
        return run_opsctl(*words, folder=school, timeout_seconds=300)
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"opsctl {' '.join(words)} came to no end: {error.stderr!r}") from error
