"""What may start, and how each experiment stands."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from tests.experiments.books import book, document

from opsctl.core.errors import OpsError, RefusedError, UsageError
from opsctl.core.findings import Finding, Location, Severity
from opsctl.experiments.explanations import EXPLANATIONS
from opsctl.experiments.load_experiments import NamedExperiment
from opsctl.experiments.peeks import Peek
from opsctl.experiments.registry import Started, start_now
from opsctl.experiments.standing import Seen, State, standings
from opsctl.experiments.starting import (
    require_confirmed,
    require_hopeful,
    require_rising,
    require_startable,
    running_start,
)

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
LAYER = {"ranking": {"start": 0.0, "end": 0.5}}


def named(name: str, **changes: Any) -> NamedExperiment:
    """Return the small book under a name."""
    text = yaml.safe_dump(document(**changes))
    return NamedExperiment(name=name, file=f"{name}.yaml", experiment=book(**changes), text=text)


def started(name: str, *, ended: bool = False, at: datetime = NOON, **changes: Any) -> Started:
    """Return the small book, started."""
    made = start_now(book(**changes), name=name, at=at)
    if ended:
        object.__setattr__(made, "ended_at", at + timedelta(days=14))
    return made


def refused(work: Any) -> OpsError:
    """Return the error that it ends with."""
    with pytest.raises(OpsError) as caught:
        work()
    assert caught.value.code in EXPLANATIONS
    return caught.value


def test_a_book_starts_beside_what_it_shares_nothing_with() -> None:
    """What has ended does not count, whatever part it had."""
    require_startable(named("new"), started=[])
    require_startable(
        named("new", layers=LAYER),
        started=[
            started("ended", ended=True),
            started("apart", layers={"ranking": {"start": 0.5, "end": 1.0}}),
        ],
    )


def test_a_name_is_started_once() -> None:
    """While it runs, and after it has ended."""
    runs = refused(lambda: require_startable(named("agents"), started=[started("agents")]))
    ended = refused(lambda: require_startable(named("agents"), started=[started("agents", ended=True)]))

    assert [type(each) for each in (runs, ended)] == [RefusedError, RefusedError]
    assert [each.code for each in (runs, ended)] == ["EXP021", "EXP021"]


def test_a_changed_book_of_what_runs_is_told_before_all_else() -> None:
    """With the difference."""
    error = refused(lambda: require_startable(named("agents", alpha=0.01), started=[started("agents")]))

    assert (type(error), error.code) == (UsageError, "EXP020")
    assert [each.title for each in error.findings] == ["`alpha` was `0.05` at the start, now it is `0.01`"]


def test_units_that_a_running_experiment_has_are_not_given_away() -> None:
    """In a layer, or where both would set the same."""
    error = refused(
        lambda: require_startable(
            named("new", layers=LAYER), started=[started("one", layers=LAYER), started("two")]
        )
    )

    assert (type(error), error.code) == (RefusedError, "EXP026")
    assert [each.code for each in error.findings] == ["EXP004", "EXP018", "EXP018"]
    assert all(each.location is not None and each.location.file == "new.yaml" for each in error.findings)


def test_what_would_end_without_an_answer_is_refused_and_an_error_is_an_error() -> None:
    """Findings of other books are no reason."""

    def finding(code: str, file: str, severity: Severity = Severity.ERROR) -> Finding:
        return Finding(code=code, severity=severity, title="x", location=Location(file=file))

    new = named("new")
    require_hopeful(new, [finding("EXP005", "other.yaml"), finding("EXP010", "new.yaml", Severity.WARNING)])

    hopeless = refused(lambda: require_hopeful(new, [finding("EXP093", "new.yaml", Severity.WARNING)]))
    wrong = refused(
        lambda: require_hopeful(new, [finding("EXP093", "new.yaml"), finding("EXP005", "new.yaml")])
    )

    assert (type(hopeless), hopeless.code) == (RefusedError, "EXP093")
    assert (type(wrong), wrong.code, [each.code for each in wrong.findings]) == (
        UsageError,
        "EXP001",
        ["EXP005"],
    )


@pytest.mark.parametrize("confirm", [None, "", "Agents", "agents "])
def test_what_cannot_be_taken_back_wants_the_name(confirm: str | None) -> None:
    """Exactly."""
    require_confirmed("agents", confirm="agents", verb="start", consequence="x")

    error = refused(
        lambda: require_confirmed("agents", confirm=confirm, verb="start", consequence="readers are assigned")
    )

    assert (error.code, error.why, "--confirm agents" in str(error.fix)) == (
        "EXP024",
        "readers are assigned",
        True,
    )


@pytest.mark.parametrize("ramp", [0.5, 0.4, 0.0, -1.0, 1.1, float("nan"), float("inf")])
def test_a_ramp_only_rises(ramp: float) -> None:
    """To 1 at most."""
    require_rising(started("agents", ramp=0.5), 0.6)
    require_rising(started("agents", ramp=0.5), 1.0)

    assert refused(lambda: require_rising(started("agents", ramp=0.5), ramp)).code == "EXP023"


def test_only_what_runs_is_ramped_or_stopped() -> None:
    """What was never started and what has ended are told apart."""
    all_ = [started("agents"), started("old", ended=True)]

    assert running_start(all_, "agents") == all_[0]
    assert "has ended" in refused(lambda: running_start(all_, "old")).message
    assert "was not started" in refused(lambda: running_start(all_, "new")).message


def test_every_experiment_stands_somewhere() -> None:
    """What runs comes first; arms that the book does not know are not hidden."""
    books = [named("planned"), named("agents"), named("old")]
    seen = {
        "agents": Seen(
            units={"changed": 7, "stranger": 1},
            peeks=[Peek(at=NOON, units={}, p={})] * 3,
        )
    }

    found = standings(
        books,
        started=[started("old", ended=True, at=NOON - timedelta(days=60)), started("agents")],
        seen=seen,
        now=NOON + timedelta(days=7),
    )

    assert [(each.name, each.state) for each in found] == [
        ("agents", State.RUNNING),
        ("planned", State.NOT_STARTED),
        ("old", State.ENDED),
    ]
    agents = found[0]
    assert agents.units == {"control": 0, "changed": 7, "stranger": 1}
    assert (agents.peeks, agents.seconds, agents.findings) == (3, 7 * 86_400.0, ())
    assert found[2].seconds == 14 * 86_400.0


def test_what_does_not_fit_is_found() -> None:
    """A changed book, one that is gone, a horizon that is over, and a start in the future."""
    found = standings(
        [named("changed", alpha=0.01), named("due"), named("future")],
        started=[
            started("changed"),
            started("bookless"),
            started("due", at=NOON - timedelta(days=20)),
            started("future", at=NOON + timedelta(hours=3)),
        ],
        seen={},
        now=NOON,
    )

    told = {each.name: [finding.code for finding in each.findings] for each in found}
    assert told == {"changed": ["EXP020"], "bookless": ["EXP019"], "due": ["EXP033"], "future": ["EXP025"]}
    assert {each.name: each.state for each in found}["due"] is State.DUE
    assert {each.name: each.seconds for each in found}["future"] is None
