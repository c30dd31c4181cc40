"""What a service would have logged: files that other programs read, whose every row has a cause in the sessions."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from pyarrow import parquet
from tests.experiments.simulator.worlds import ByChance, BySimilarity, column, halves, small_market, treat

from opsctl.experiments.simulator.calendar import microseconds_of
from opsctl.experiments.simulator.events import EventName, events_of, exposures_of, write_days
from opsctl.experiments.simulator.market import Market
from opsctl.experiments.simulator.records import SimulatedDay
from opsctl.experiments.simulator.run import Plan, run_days
from opsctl.experiments.simulator.treatment import WarmUp
from opsctl.ranking.reader import segment

_BUSY: dict[str, Any] = {
    "users": 150,
    "capacity": True,
    "capacity_per_user": 0.05,
    "inquiry_rate": 1.0,
    "nps_share": 0.3,
    "arrivals": 0.0,
}


def _asked(query: str) -> list[Any]:
    return duckdb.connect().execute(query).fetchall()


def _days(market: Market, *, warm_up: int = 2, days: int = 5, **plan: Any) -> list[SimulatedDay]:
    incumbent = WarmUp(days=warm_up, treatment=treat(market, ByChance()))
    arms = {"control": treat(market, ByChance()), "similar": treat(market, BySimilarity(), agent_calls=4)}
    return list(run_days(market, arms, halves(market), plan=Plan(days=days, warm_up=incumbent, **plan)))


def test_other_programs_read_the_files_and_find_every_event(tmp_path: Path) -> None:
    """DuckDB counts what the sessions hold."""
    market = small_market(**_BUSY)

    days = list(write_days(_days(market), folder=tmp_path, experiment="embedding"))

    counts = dict(_asked(f"select event, count(*) from '{tmp_path}/events/**/*.parquet' group by 1"))  # noqa: S608
    sessions, clicks = len(column(days, "users")), column(days, "clicks")
    accepted = np.concatenate([day.inquiries.accepted for day in days])
    assert counts == {
        "session": sessions,
        "engaged_session": clicks.any(axis=1).sum(),
        "click": clicks.sum(),
        "save": sum(len(day.saved_users) for day in days),
        "inquiry": accepted.sum(),
        "declined_inquiry": (~accepted).sum(),
        "return_day": sum(len(np.unique(day.sessions.users)) for day in days),
        "nps_answer": sum(len(day.answers) for day in days),
        **dict.fromkeys(
            ("quality_shown", "ild", "cost", "latency_milliseconds", "reward", "regret"), sessions
        ),
    }
    assert min(counts.values()) > 0
    means = _asked(f"select event, avg(value) from '{tmp_path}/events/**/*.parquet' group by 1")  # noqa: S608
    found = dict(means)
    assert found["regret"] == pytest.approx(column(days, "regrets").mean())
    assert found["cost"] == pytest.approx(column(days, "costs").mean())
    assert found["click"] == 1


def test_columns_have_the_types_that_analysis_wants(tmp_path: Path) -> None:
    """As DuckDB sees them."""
    list(write_days(_days(small_market()), folder=tmp_path, experiment="embedding"))

    types = [
        _asked(f"describe select * from '{tmp_path}/{folder}/**/*.parquet'")  # noqa: S608
        for folder in ("exposures", "events")
    ]

    assert [(row[0], row[1]) for row in types[0]] == [
        ("experiment", "VARCHAR"),
        ("unit_id", "VARCHAR"),
        ("variant", "VARCHAR"),
        ("exposed_at", "TIMESTAMP WITH TIME ZONE"),
        ("attributes", "VARCHAR"),
    ]
    assert [(row[0], row[1]) for row in types[1]] == [
        ("event", "VARCHAR"),
        ("unit_id", "VARCHAR"),
        ("value", "DOUBLE"),
        ("observed_at", "TIMESTAMP WITH TIME ZONE"),
    ]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """Five days of exposures, seven of events, and the label."""
    for name in ("one", "other"):
        list(write_days(_days(small_market()), folder=tmp_path / name, experiment="embedding"))

    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert len(files) == 5 + 7 + 1
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()


def test_everything_written_says_that_it_is_simulated_and_from_what(tmp_path: Path) -> None:
    """Each file by itself, and each exposure."""
    market = small_market(seed=3)
    list(write_days(_days(market), folder=tmp_path, experiment="embedding"))

    label = json.loads((tmp_path / "simulated.json").read_text())
    assert label["simulated"] == "true"
    assert label["seed"] == "3"
    assert label["world"] == market.world.digest
    assert label["arms"] == ["control", "similar"]
    for path in tmp_path.rglob("*.parquet"):
        metadata = parquet.read_schema(path).metadata
        assert {key.decode(): value.decode() for key, value in metadata.items()}.items() >= {
            "simulated": "true",
            "seed": "3",
            "noise_seed": "3",
            "world": market.world.digest,
            "version": label["version"],
        }.items()
    attributes = parquet.read_table(tmp_path / "exposures").column("attributes").to_pylist()
    assert all(json.loads(each)["simulated"] == "true" for each in attributes)


def test_a_reader_is_exposed_once_a_day_to_its_own_arm_before_anything_else_happens() -> None:
    """Nobody in the warm-up; inquiries come from earlier days."""
    market = small_market(**_BUSY)
    assignment = halves(market)
    for day in _days(market):
        exposures, events = exposures_of(day), events_of(day)

        came = np.unique(day.sessions.users)
        assert (exposures.users == (came if day.day >= 0 else came[:0])).all()
        assert (exposures.arms == assignment[exposures.users]).all()
        for user, at in zip(exposures.users.tolist(), exposures.at.tolist(), strict=True):
            own = (events.users == user) & (events.names != list(EventName).index(EventName.INQUIRY))
            own &= events.names != list(EventName).index(EventName.DECLINED_INQUIRY)
            assert events.at[own].min() > at


def test_attributes_tell_how_well_a_reader_is_known_and_where_they_live() -> None:
    """Counted click by click, by the rule of the service."""
    market = small_market(users=60, return_base=0.5)
    clicks: Counter[int] = Counter()
    seen = set()
    for day in _days(market, warm_up=10, days=25):
        exposures = exposures_of(day)
        for user, text in zip(exposures.users.tolist(), exposures.attributes.tolist(), strict=True):
            attributes = json.loads(text)
            assert attributes["segment"] == segment(clicks[user])
            seen.add(attributes["segment"])
        for user, count in zip(
            day.sessions.users.tolist(), day.sessions.clicks.sum(axis=1).tolist(), strict=True
        ):
            clicks[user] += int(count)

    assert {"cold", "light", "regular"} <= seen


def test_events_are_in_the_order_of_time_and_lie_in_their_day() -> None:
    """So that a day's file holds a day."""
    for day in _days(small_market(**_BUSY)):
        events = events_of(day)

        assert (np.diff(events.at) >= 0).all()
        assert events.at.min() >= microseconds_of(day.day)
        assert events.at.max() < microseconds_of(day.day + 1)
        assert np.isfinite(events.values).all()


def test_a_click_follows_its_session_and_a_save_its_click() -> None:
    """For every reader."""
    for day in _days(small_market(**_BUSY)):
        events = events_of(day)
        last: dict[tuple[int, int], int] = {}
        chain = [list(EventName).index(name) for name in (EventName.SESSION, EventName.CLICK, EventName.SAVE)]
        for name, user, at in zip(
            events.names.tolist(), events.users.tolist(), events.at.tolist(), strict=True
        ):
            last[name, user] = at
            if name in chain[1:]:
                assert last[chain[chain.index(name) - 1], user] < at


def test_without_an_oracle_no_regret_is_written() -> None:
    """Rather than NaN."""
    day = _days(small_market(), with_oracle=False)[-1]

    events = events_of(day)

    names = {list(EventName)[number] for number in np.unique(events.names).tolist()}
    assert EventName.REWARD in names
    assert EventName.REGRET not in names
