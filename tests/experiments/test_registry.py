"""What was started is kept whole: from the database and from the ledger comes the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.experiments.books import SMALL, book, weighted
from tests.store.opened import on

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.core.clock import SystemClock
from opsctl.core.errors import InconclusiveError, OpsError, UsageError
from opsctl.evidence.ledger import Ledger
from opsctl.experiments.assignment import Assigner
from opsctl.experiments.registry import (
    digest_of_book,
    experiment_of,
    named_start,
    spec_of,
    start_now,
    started_of,
)
from opsctl.experiments.start_records import ramp_evidence, start_evidence, starts_of, stop_evidence
from opsctl.store.experiments import (
    end_experiment,
    raise_ramp,
    read_experiment,
    read_experiments,
    running_experiments,
    start_experiment,
)

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def test_a_book_comes_back_from_its_spec_with_its_arms_in_order() -> None:
    """Their order decides who gets which, so neither sorting of keys nor jsonb may lose it."""
    given_book = book(arms=weighted(0.2, 0.3, 0.5) | {"aaa": {"weight": 0.0}}, ramp=0.3)

    spec = spec_of(given_book)

    assert experiment_of(spec, ramp=0.3) == given_book
    assert list(experiment_of(spec, ramp=0.3).arms) == ["control", "b", "c", "aaa"]
    assert "ramp" not in spec


def test_the_digest_follows_what_is_said_and_not_how_it_is_written() -> None:
    """Order of keys, defaults written out and the ramp do not count; the order of arms and every value do."""
    same = [book(**dict(reversed(SMALL.items()))), book(ramp=0.2), book(alpha=0.05, unit="user")]
    arms = dict(reversed(SMALL["arms"].items()))
    others = [book(arms=arms), book(alpha=0.01), book(owner="somebody else"), book(units=20_001)]

    digests = {digest_of_book(each) for each in (book(), *same)}

    assert len(digests) == 1
    assert len({digest_of_book(each) for each in others} | digests) == 5


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "a\0b", "half \ud800", {"deep": ["\0"]}, b"\xff", NOON]
)
def test_what_cannot_be_kept_is_refused(value: Any) -> None:
    """JSON has no word for it, or PostgreSQL has none."""
    arms = {"control": {"weight": 0.5}, "b": {"weight": 0.5, "settings": {"x": value}}}

    with pytest.raises(UsageError) as caught:
        spec_of(book(arms=arms))

    assert caught.value.code == "EXP013"


def test_a_text_with_a_backslash_is_kept() -> None:
    r"""`\x00` written out is four characters, and no zero byte."""
    assert spec_of(book(owner=r"\x00 \u0000"))["owner"] == r"\x00 \u0000"


def test_starts_ramps_and_stops_are_read_from_the_ledger(tmp_path: Path) -> None:
    """Without any database; a ramp or stop of an earlier start changes nothing of the newest."""
    ledger = Ledger(tmp_path, clock=SystemClock())
    first = start_now(book(ramp=0.1), name="agents", at=NOON, simulated=("readers",))
    other = start_now(book(title="something else"), name="other", at=NOON)
    again = start_now(book(alpha=0.01), name="agents", at=NOON + timedelta(days=1), simulated=("readers",))
    ramped = start_now(book(ramp=0.5), name="agents", at=NOON)

    for each in (start_evidence(first), start_evidence(other)):
        ledger.append(each)
    ledger.append(ramp_evidence(ramped, before=0.1, at=NOON))
    after_ramp = starts_of(ledger.records(kind="experiments"))
    ledger.append(stop_evidence(first, at=NOON + timedelta(days=7), why="enough"))
    after_stop = starts_of(ledger.records(kind="experiments"))
    ledger.append(start_evidence(again))
    ledger.append(stop_evidence(first, at=NOON + timedelta(days=8)))
    newest = starts_of(ledger.records(kind="experiments"))

    assert after_ramp["agents"].experiment.ramp == 0.5
    assert after_ramp["agents"].is_running
    assert (after_stop["agents"].ended_at, after_stop["other"].ended_at) == (NOON + timedelta(days=7), None)
    assert after_stop["agents"].digest == first.digest
    assert newest["agents"] == again
    assert newest["other"] == other


def test_what_another_version_has_started_keeps_nobody_from_the_others(tmp_path: Path) -> None:
    """An older start of the same name is not taken for it."""
    ledger = Ledger(tmp_path, clock=SystemClock())
    readable, other = (start_now(book(), name=name, at=NOON) for name in ("agents", "other"))
    evidence = start_evidence(readable)
    strange = replace(evidence, figures={"ramp": 1.0, "spec": spec_of(book()) | {"seance": True}})

    for each in (evidence, start_evidence(other), strange):
        ledger.append(each)

    assert starts_of(ledger.records()) == {"other": other}
    assert starts_of(ledger.records()[1:]) == {"agents": readable, "other": other}


def test_a_start_that_is_not_there_is_refused_with_the_next_command() -> None:
    """EXP022."""
    with pytest.raises(UsageError) as caught:
        named_start([], "agents")

    assert (caught.value.code, "start agents --confirm agents" in str(caught.value.fix)) == ("EXP022", True)


def test_a_start_in_the_future_tells_nothing() -> None:
    """Clocks of two machines may differ by seconds; beyond that one of them went back."""
    started = start_now(book(), name="agents", at=NOON)

    assert started.seconds_at(NOON - timedelta(seconds=4)) == 0.0
    assert started.seconds_at(NOON + timedelta(days=1)) == 86_400.0
    with pytest.raises(InconclusiveError) as caught:
        started.seconds_at(NOON - timedelta(hours=2))
    assert (caught.value.code, "2 h 0 min from now" in caught.value.message) == ("EXP025", True)


def test_a_book_of_another_version_is_told_apart_from_a_defect() -> None:
    """It is named, and what of it cannot be read."""
    spec = spec_of(book()) | {"seance": True}

    with pytest.raises(UsageError) as caught:
        experiment_of(spec, ramp=1.0)

    assert caught.value.code == "EXP031"
    broken_specs: list[dict[str, Any]] = [{}, {"arms": 3}, {"arms": [{}]}, {"arms": ["x"]}]
    for broken in broken_specs:
        with pytest.raises(UsageError):
            experiment_of(broken, ramp=1.0)


@pytest.mark.stack
def test_the_database_gives_back_the_same_book(database: DatabaseAddress) -> None:
    """Floats, arms and their order: so every worker assigns as the book says."""
    wanted = book(
        arms={"zeta": {"weight": 0.1}, "control": {"weight": 0.2}, "b": {"weight": 0.7}},
        layers={"ranking": {"start": 0.123456789, "end": 0.7}},
        ramp=0.25,
    )
    digest = digest_of_book(wanted)

    with connect(database, autocommit=True) as connection:
        made = start_experiment(
            connection, name="agents", spec=spec_of(wanted), digest=digest, ramp=wanted.ramp
        )
    rows = on(database, running_experiments)

    assert made is not None
    assert [started_of(row) for row in rows] == [started_of(made)]
    started = started_of(rows[0])
    assert (started.experiment, started.digest) == (wanted, digest)
    assert digest_of_book(started.experiment) == digest
    mine, theirs = Assigner(wanted, name="agents"), Assigner(started.experiment, name="agents")
    assert [mine.assign(str(unit)) for unit in range(2000)] == [
        theirs.assign(str(unit)) for unit in range(2000)
    ]


@pytest.mark.stack
def test_a_name_is_started_once_ramped_up_only_and_ended_once(database: DatabaseAddress) -> None:
    """What is refused is told as None, and nothing changes."""
    with connect(database, autocommit=True) as connection:
        first = start_experiment(connection, name="a", spec=spec_of(book()), digest="0" * 64, ramp=0.1)
        again = start_experiment(connection, name="a", spec={}, digest="1" * 64, ramp=1.0)
        raised = raise_ramp(connection, "a", ramp=0.5)
        same = raise_ramp(connection, "a", ramp=0.5)
        fallen = raise_ramp(connection, "a", ramp=0.4)
        of_nobody = (raise_ramp(connection, "b", ramp=1.0), end_experiment(connection, "b"))
        ended = end_experiment(connection, "a")
        twice = (end_experiment(connection, "a"), raise_ramp(connection, "a", ramp=1.0))
        kept = read_experiment(connection, "a")
        everything = read_experiments(connection)

    assert first is not None
    assert (again, fallen, of_nobody, twice) == (None, None, (None, None), (None, None))
    assert raised is not None
    assert same == raised
    assert (raised.ramp, raised.spec, raised.started_at) == (0.5, first.spec, first.started_at)
    assert ended is not None
    assert ended.ended_at is not None
    assert (kept, everything) == (ended, [ended])
    assert on(database, running_experiments) == []


@pytest.mark.stack
def test_nobody_changes_what_was_started_or_has_ended(database: DatabaseAddress) -> None:
    """Not even by hand: the database itself refuses."""
    of_a_start = (
        "update experiments set spec = spec || '{\"alpha\": 0.5}'",
        "update experiments set digest = repeat('1', 64)",
        "update experiments set started_at = started_at - interval '1 second'",
        "update experiments set name = 'b'",
        "update experiments set ramp = 0.2",
        "update experiments set ended_at = started_at - interval '1 second'",
        "update experiments set ramp = 2",
        "delete from experiments",
        "truncate experiments",
    )
    of_an_end = (
        "update experiments set ended_at = null",
        "update experiments set ended_at = ended_at + interval '1 day'",
        "update experiments set ramp = 1",
    )
    refused = (psycopg.errors.RestrictViolation, psycopg.errors.CheckViolation)

    with connect(database, autocommit=True) as connection:
        start_experiment(connection, name="a", spec=spec_of(book()), digest="0" * 64, ramp=0.5)
        for statements in (of_a_start, of_an_end):
            before = read_experiments(connection)
            for statement in statements:
                with pytest.raises(refused):
                    connection.execute(statement.encode())
            assert read_experiments(connection) == before
            end_experiment(connection, "a")


@pytest.mark.stack
def test_an_experiment_whose_start_lies_in_the_future_ends_at_its_start(database: DatabaseAddress) -> None:
    """The clock went back meanwhile; to end before the start would be refused, and nobody could stop it."""
    with connect(database, autocommit=True) as connection:
        connection.execute(
            "insert into experiments (name, spec, digest, ramp, started_at)"
            " values ('a', '{}', repeat('0', 64), 1, clock_timestamp() + interval '1 hour')"
        )
        ended = end_experiment(connection, "a")

    assert ended is not None
    assert ended.ended_at == ended.started_at


@given(
    weights=st.lists(st.integers(1, 100), min_size=2, max_size=8),
    ramp=st.floats(0.01, 1),
    names=st.permutations(["control", "b", "c", "d", "e", "f", "g", "h"]),
)
def test_every_book_survives_its_spec(weights: list[int], ramp: float, names: list[str]) -> None:
    """Bit for bit, whatever its weights and the names of its arms."""
    shares = [weight / sum(weights) for weight in weights]
    shares[-1] = max(0.0, 1 - sum(shares[:-1]))
    arms = {name: {"weight": share} for name, share in zip(names, shares, strict=False)}
    try:
        given_book = book(arms=arms, ramp=ramp, control=names[0])
    except ValueError:
        return

    back = experiment_of(spec_of(given_book), ramp=ramp)

    assert back == given_book
    assert list(back.arms) == list(given_book.arms)


def test_errors_of_starts_are_explained() -> None:
    """Every code of these modules has its page."""
    from opsctl.experiments.book_explanations import EXPLANATIONS

    raised: list[OpsError] = []
    for wrong in (lambda: named_start([], "x"), lambda: spec_of(book(owner="\0"))):
        try:
            wrong()
        except OpsError as error:
            raised.append(error)
    assert len(raised) == 2
    assert {error.code for error in raised} <= EXPLANATIONS.keys()
