"""Which worker runs which file of tests: those that share a costly fixture together, and the longest first."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    import pytest

_ROOT = Path(__file__).parents[1]
# Whoever asks for one of these waits for a stack, a catalogue and more: one worker makes it, once.
_COSTLY_FIXTURES = ("service_project", "dr_shop")
# Each is long and of few tests: at the end, all other workers would wait for it.
_LONG = ("tests/drills/", "tests/alerts/test_shipped.py", "tests/catalog/", "tests/cli/test_collections.py")


class ByCost(LoadFileScheduling):  # type: ignore[misc] # untyped upstream
    """Gives a worker a file at a time, or all files of one costly fixture, in the order of the collection."""

    def __init__(self, config: "pytest.Config", log: object = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return _costly_fixture(file) or file


def rank(nodeid: str) -> int:
    """Return when the file of a test is due: 0 first."""
    file = nodeid.split("::", 1)[0]
    return 0 if _costly_fixture(file) else 1 if file.startswith(_LONG) else 2


@cache
def _costly_fixture(file: str) -> str | None:
    text = (_ROOT / file).read_text(encoding="utf-8")
    return next((name for name in _COSTLY_FIXTURES if name in text), None)
