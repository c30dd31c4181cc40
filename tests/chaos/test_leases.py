"""A lease holds until its time, is renewed only while it holds, and where it is damaged it is over."""

from pathlib import Path

import pytest

from opsctl.chaos.leases import Leases


class Clock:
    """A monotonic time that the test sets."""

    now = 100.0

    def __call__(self) -> float:
        """Return it."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Begin at 100."""
    return Clock()


@pytest.fixture
def leases(tmp_path: Path, clock: Clock) -> Leases:
    """Give the leases of a ground that has none yet."""
    return Leases(tmp_path / "leases", now=clock)


def test_a_lease_holds_until_its_time_and_no_later_renewal_brings_it_back(
    leases: Leases, clock: Clock
) -> None:
    """The watchdog may have taken the fault back already."""
    leases.take("vectors_slow", seconds=30)
    clock.now = 129.0
    assert leases.renew("vectors_slow", seconds=30)
    clock.now = 159.0

    assert not leases.renew("vectors_slow", seconds=30)
    assert leases.over() == ("vectors_slow",)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "5", '{"fault": "a"}', '{"fault": "a", "until": "soon"}', '{"fault": "a", "until": NaN}', "[" * 100_000, "\x00"],
    ids=lambda text: text[:10],
)  # fmt: skip
def test_a_damaged_lease_is_over(leases: Leases, tmp_path: Path, text: str) -> None:
    """So its fault is taken back; nobody knows how long it was to stay."""
    leases.take("vectors_slow", seconds=30)
    (tmp_path / "leases" / "vectors_slow.lease").write_text(text)

    (found,) = leases.all()

    assert leases.over() == (found.fault,)
    assert not leases.holds("vectors_slow")
