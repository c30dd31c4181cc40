"""Orders by hand: written for all workers, with an owner and an end."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsctl.core.errors import UsageError
from opsctl.service.book import Resilience
from opsctl.service.resilience.breaker_model import BreakerState, OverrideKind
from opsctl.service.resilience.orders import LONGEST, Order, OrdersFile, new_order
from opsctl.service.resilience.protection import Protection
from opsctl.service.telemetry.meters import Meters

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def order(dependency: str = "vectors", *, seconds: float = 60.0, owner: str = "anna") -> Order:
    """Return an order to leave something alone."""
    return new_order(
        dependency, kind=OverrideKind.ISOLATED, owner=owner, reason="rebuild", seconds=seconds, now=NOW
    )


def state_of(protection: Protection) -> str:
    """Return the present state of the vectors' breaker."""
    return protection.breakers["vectors"].state.value


def test_an_order_is_read_as_it_was_written_until_it_ends(tmp_path: Path) -> None:
    """After that it is as if nobody had given it."""
    file = OrdersFile(tmp_path / "breakers.json")
    file.give(order(), now=NOW)
    assert file.standing(NOW) == (order(),)
    assert file.standing(NOW + timedelta(seconds=61)) == ()


def test_a_second_order_for_the_same_takes_the_place_of_the_first(tmp_path: Path) -> None:
    """One for another stays; lifting tells whether there was one."""
    file = OrdersFile(tmp_path / "breakers.json")
    file.give(order(), now=NOW)
    file.give(order("l2"), now=NOW)
    file.give(order(owner="bert"), now=NOW)
    assert {(each.dependency, each.owner) for each in file.standing(NOW)} == {
        ("vectors", "bert"),
        ("l2", "anna"),
    }
    assert file.lift("vectors", now=NOW)
    assert not file.lift("vectors", now=NOW)
    assert [each.dependency for each in file.standing(NOW)] == ["l2"]


ORDER = {
    "dependency": "vectors",
    "kind": "isolated",
    "owner": "anna",
    "reason": "",
    "until": "2026-11-22T13:00:00Z",
}


def written(**changes: object) -> str:
    """Return the text of a file with one order, as somebody edited it."""
    return json.dumps({"schema": "opsctl.breakers/1", "orders": [ORDER | changes]})


@pytest.mark.parametrize(
    "text",
    [
        "", "nonsense", "[]", '{"schema": "other/1", "orders": []}', '{"schema": "opsctl.breakers/1"}', "\x00", "[" * 100_000,
        '{"x": ' * 100_000, written(kind="open"), written(owner=None),
        written(until="2026-11-22T13:00:00"), written(until="9999-12-31T23:59:59-23:59"), written(until=1e300), written(until="soon"),
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_a_file_that_is_damaged_orders_nothing_and_is_kept_aside(tmp_path: Path, text: str) -> None:
    """A worker goes on by itself; the next order writes the file anew, and what stood there is not lost."""
    file = OrdersFile(tmp_path / "breakers.json")
    file.path.write_text(text)
    assert file.look(NOW) == ((), True)

    file.give(order(), now=NOW)

    assert file.look(NOW) == ((order(),), False)
    assert file.aside.read_text() == text


@pytest.mark.parametrize("kind", ["folder", "pipe", "endless"])
def test_what_is_no_file_orders_nothing_and_holds_nobody_up(tmp_path: Path, kind: str) -> None:
    """A worker that read a pipe would wait for ever."""
    file = OrdersFile(tmp_path / "breakers.json")
    make = {
        "folder": file.path.mkdir,
        "pipe": lambda: os.mkfifo(file.path),
        "endless": lambda: file.path.symlink_to("/dev/zero"),
    }
    make[kind]()

    assert file.look(NOW) == ((), True)
    file.give(order(), now=NOW)
    assert file.standing(NOW) == (order(),)


def test_an_order_from_another_time_zone_is_told_in_utc(tmp_path: Path) -> None:
    """Somebody wrote their own clock's time into the file."""
    file = OrdersFile(tmp_path / "breakers.json")
    file.path.write_text(written(until="2026-11-22T15:30:00+03:00"))

    (found,) = file.standing(NOW)

    assert f"{found.until:%H:%M}" == "12:30"


def test_a_worker_goes_on_while_the_file_is_damaged_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A naive time in an edited file must not end what follows orders."""
    path = tmp_path / "breakers.json"
    protection = Protection(Resilience(), request_seconds=1.0, orders=path, meters=Meters())
    path.write_text(written(until="2026-11-22T13:00:00"))

    protection.follow_orders(NOW)
    protection.follow_orders(NOW)
    OrdersFile(path).give(order(), now=NOW)
    protection.follow_orders(NOW)

    assert state_of(protection) == "isolated"
    assert caplog.text.count("is damaged, so it orders nothing") == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"owner": " "}, "BRK002"),
        ({"owner": "a\x1b[31m"}, "BRK002"),
        ({"seconds": 0.0}, "BRK003"),
        ({"seconds": LONGEST.total_seconds() + 1}, "BRK003"),
        ({"seconds": float("nan")}, "BRK003"),
    ],
)
def test_an_order_needs_an_owner_and_an_end(changes: dict[str, object], code: str) -> None:
    """So nobody isolates something for ever and is not to be found."""
    with pytest.raises(UsageError) as refused:
        order(**changes)  # type: ignore[arg-type]
    assert refused.value.code == code


def test_there_is_no_breaker_of_another_name(tmp_path: Path) -> None:
    """The names that there are stand in the hint."""
    with pytest.raises(UsageError, match="no breaker is called `qdrant`"):
        OrdersFile(tmp_path / "breakers.json").give(order("qdrant"), now=NOW)


def test_a_clock_that_is_set_back_prolongs_no_order_beyond_a_day() -> None:
    """Time left is counted from the wall clock."""
    assert order().seconds_left(NOW - timedelta(days=300)) == LONGEST.total_seconds()


def test_a_worker_follows_orders_and_their_end(tmp_path: Path) -> None:
    """Isolated at once; released, it tries with a few calls; forced closed, it stays closed whatever comes."""
    file = OrdersFile(tmp_path / "breakers.json")
    protection = Protection(Resilience(), request_seconds=2, orders=file.path, meters=Meters())
    file.give(order(), now=NOW)
    protection.follow_orders(NOW)
    assert state_of(protection) == "isolated"
    file.lift("vectors", now=NOW)
    protection.follow_orders(NOW)
    assert state_of(protection) == "half_open"


def test_a_sentinel_does_not_overrule_an_operator(tmp_path: Path) -> None:
    """Who forces a breaker closed knows why."""
    file = OrdersFile(tmp_path / "breakers.json")
    protection = Protection(Resilience(), request_seconds=2, orders=file.path, meters=Meters())
    forced = new_order(
        "vectors", kind=OverrideKind.FORCED_CLOSED, owner="anna", reason="", seconds=60, now=NOW
    )
    file.give(forced, now=NOW)
    protection.follow_orders(NOW)
    protection.isolate("vectors", seconds=5, owner="sentinel", reason="nonsense")
    assert protection.breakers["vectors"].state is BreakerState.FORCED_CLOSED


def test_states_are_told_as_numbers(tmp_path: Path) -> None:
    """1 is open or isolated, 0.5 tries again, 0 is closed."""
    meters = Meters()
    protection = Protection(Resilience(), request_seconds=2, orders=None, meters=meters)
    protection.isolate("l2", seconds=5, owner="x", reason="y")
    protection.tell()
    value = meters.registry.get_sample_value
    assert value("ranking_breaker_state", {"dependency": "l2"}) == 1
    assert value("ranking_breaker_state", {"dependency": "vectors"}) == 0
    assert value("ranking_tier_state", {"tier": "multi_agent"}) == 0
