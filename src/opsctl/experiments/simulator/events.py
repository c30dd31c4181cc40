"""What would a service have logged of a simulated day: exposures and events, as analysis reads them from Parquet files."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import orjson

from opsctl.clients.files import write_atomically
from opsctl.experiments.learners.model import Floats, Ids
from opsctl.experiments.simulator.calendar import SECOND, STARTED_AT
from opsctl.experiments.simulator.market import unit_id
from opsctl.experiments.simulator.records import Sessions, SimulatedDay, clicks_of
from opsctl.experiments.simulator.vocabulary import city_name
from opsctl.ranking.reader import Segment

if TYPE_CHECKING:
    import pyarrow as pa

_ANSWERED_AFTER = SECOND // 20
"""A feed's own events come that long after the exposure, which is written down before the feed is made."""
_SAVED_AFTER = 5 * SECOND
_SEGMENT_BOUNDS = (1, 10, 50)  # as `ranking.reader.segment`
_SEGMENTS = (Segment.COLD, Segment.LIGHT, Segment.REGULAR, Segment.HEAVY)


class EventName(StrEnum):
    """What is measured; a value is 1 where nothing else is said."""

    SESSION = "session"
    ENGAGED_SESSION = "engaged_session"
    """A session with a click."""
    CLICK = "click"
    SAVE = "save"
    INQUIRY = "inquiry"
    """One that the vendor accepts, when it arrives."""
    DECLINED_INQUIRY = "declined_inquiry"
    """One for which the vendor has no time; only with `capacity`."""
    RETURN_DAY = "return_day"
    """A day on which the reader comes, once."""
    NPS_ANSWER = "nps_answer"
    """100, 0 or -100; the mean is the net promoter score of those who answer."""
    QUALITY_SHOWN = "quality_shown"
    """Of each slate: mean true quality, in standard deviations of all vendors."""
    ILD = "ild"
    """Of each slate: intra-list distance by true styles, so that no arm's own space flatters it."""
    COST = "cost"
    """Of each slate, in dollars."""
    LATENCY_MILLISECONDS = "latency_milliseconds"
    """Of each slate."""
    REWARD = "reward"
    """Of each slate: the expected clicks; only a simulation knows them."""
    REGRET = "regret"
    """Of each slate: what the best one would bring more; only a simulation knows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposures:
    """Who saw which arm, once a day: users, arms, microseconds since 1970, and attributes as JSON, shape (n,) each."""

    users: Ids
    arms: Ids
    at: Ids
    attributes: "np.ndarray[tuple[int], np.dtype[np.object_]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Events in the order of time, shape (n,) each; `names` are places in `EventName`."""

    names: Ids
    users: Ids
    values: Floats
    at: Ids


def exposures_of(day: SimulatedDay) -> Exposures:
    """Return who saw an arm on this day, at the first session; nobody in the warm-up, and nobody outside of all arms."""
    sessions = day.sessions
    first = np.flatnonzero((sessions.slots == 0) & (sessions.arms >= 0))
    users = sessions.users[first]
    segments = np.searchsorted(_SEGMENT_BOUNDS, day.known_clicks[users], side="right")
    attributes = [
        _attributes(segment, city)
        for segment, city in zip(segments.tolist(), day.cities[users].tolist(), strict=True)
    ]
    return Exposures(
        users=users,
        arms=sessions.arms[first],
        at=sessions.at[first],
        attributes=np.array(attributes, dtype=object),
    )


def events_of(day: SimulatedDay) -> Events:
    """Return what was measured on this day; an inquiry belongs to the day on which it arrives."""
    accepted = day.inquiries.accepted
    parts = [
        *_of_sessions(day.sessions),
        _part(EventName.SAVE, day.saved_users, day.saved_at + _SAVED_AFTER),
        _part(EventName.INQUIRY, day.inquiries.users[accepted], day.inquiries.at[accepted]),
        _part(EventName.DECLINED_INQUIRY, day.inquiries.users[~accepted], day.inquiries.at[~accepted]),
        _part(EventName.NPS_ANSWER, day.answered_users, day.answered_at, day.answers),
    ]
    names, users, at, values = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    known = np.isfinite(values)  # without the oracle there is no regret
    order = np.lexsort((names, users, at))
    order = order[known[order]]
    return Events(names=names[order], users=users[order], values=values[order], at=at[order])


def exposure_table(day: SimulatedDay, *, experiment: str) -> "pa.Table":
    """Return columns experiment, unit_id, variant, exposed_at (UTC) and attributes (a JSON object of texts)."""
    import pyarrow as pa

    exposures = exposures_of(day)
    columns = {
        "experiment": pa.array([experiment] * len(exposures.users), pa.string()),
        "unit_id": _texts([unit_id(user) for user in exposures.users.tolist()]),
        "variant": _texts([day.arms[arm] for arm in exposures.arms.tolist()]),
        "exposed_at": _moments(exposures.at),
        "attributes": _texts(exposures.attributes.tolist()),
    }
    return pa.table(columns).replace_schema_metadata(dict(day.label))


def event_table(day: SimulatedDay) -> "pa.Table":
    """Return columns event, unit_id, value and observed_at (UTC)."""
    import pyarrow as pa

    events = events_of(day)
    users, places = np.unique(events.users, return_inverse=True)
    ids = _texts([unit_id(user) for user in users.tolist()])
    columns = {
        "event": _texts([str(name) for name in EventName]).take(pa.array(events.names)),
        "unit_id": ids.take(pa.array(places)),
        "value": pa.array(events.values, pa.float64()),
        "observed_at": _moments(events.at),
    }
    return pa.table(columns).replace_schema_metadata(dict(day.label))


def write_days(days: Iterable[SimulatedDay], *, folder: Path, experiment: str) -> Iterator[SimulatedDay]:
    """Write each day into `exposures/` and `events/` of a folder as it passes by, one Parquet file a day.

    The same days give the same bytes (with the same version of pyarrow); a file is there as a whole or not at all. Their
    schema's metadata, and `simulated.json` beside them, say that all of it is simulated, and from what.

    Raises:
        NotReadyError: FIL001, FIL003 the folder cannot be written.
    """
    is_labelled = False
    for day in days:
        if not is_labelled:
            label = {**day.label, "experiment": experiment, "arms": list(day.arms)}
            text = orjson.dumps(label, option=orjson.OPT_SORT_KEYS) + b"\n"
            write_atomically(folder / "simulated.json", text)
            is_labelled = True
        name = f"{(STARTED_AT + timedelta(days=day.day)).date().isoformat()}.parquet"
        exposures = exposure_table(day, experiment=experiment)
        if exposures.num_rows:
            write_atomically(folder / "exposures" / name, _parquet(exposures))
        write_atomically(folder / "events" / name, _parquet(event_table(day)))
        yield day


def _of_sessions(sessions: Sessions) -> Iterator[tuple[Ids, Ids, Ids, Floats]]:
    at = sessions.at + _ANSWERED_AFTER
    clicks = clicks_of(sessions, impressions=np.zeros_like(sessions.slates))
    first, engaged = sessions.slots == 0, sessions.clicks.any(axis=1)
    yield _part(EventName.SESSION, sessions.users, at)
    yield _part(EventName.ENGAGED_SESSION, sessions.users[engaged], at[engaged])
    yield _part(EventName.RETURN_DAY, sessions.users[first], at[first])
    yield _part(EventName.CLICK, clicks.users, clicks.at)
    by_name = {
        EventName.QUALITY_SHOWN: sessions.quality,
        EventName.ILD: sessions.diversity,
        EventName.COST: sessions.costs,
        EventName.LATENCY_MILLISECONDS: sessions.latencies,
        EventName.REWARD: sessions.rewards,
        EventName.REGRET: sessions.regrets,
    }
    for name, values in by_name.items():
        yield _part(name, sessions.users, at, values)


def _part(name: EventName, users: Ids, at: Ids, values: Floats | None = None) -> tuple[Ids, Ids, Ids, Floats]:
    number = list(EventName).index(name)
    return np.full(len(users), number), users, at, np.ones(len(users)) if values is None else values


@lru_cache(maxsize=1024)
def _attributes(segment: int, city: int) -> str:
    attributes: Mapping[str, str] = {
        "city": city_name(city),
        "segment": str(_SEGMENTS[segment]),
        "simulated": "true",
    }
    return orjson.dumps(attributes, option=orjson.OPT_SORT_KEYS).decode()


def _texts(texts: list[str]) -> "pa.Array":
    import pyarrow as pa

    return pa.array(texts, pa.string())


def _moments(at: Ids) -> "pa.Array":
    import pyarrow as pa

    return pa.array(at, pa.timestamp("us", tz="UTC"))


def _parquet(table: "pa.Table") -> bytes:
    from pyarrow import parquet

    buffer = BytesIO()
    parquet.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()
