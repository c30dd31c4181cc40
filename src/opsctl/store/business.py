"""How do readers fare: figures by segment, worked out in the database from what they did and said.

Segments are those of the service (`ranking.reader.segment`): cold 0, light below 10, regular below 50, heavy from 50
interactions on; `all` is everybody. A figure for which there is nothing to count is left out, never 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

_SESSION_GAP = "30 minutes"  # the convention of web analytics since the first products
_SURVEY_DAYS = 90

_SEGMENTS = """
with counted as (
    select users.id as user_id, count(interactions.content_id) as deeds, min(interactions.occurred_at) as first_at
    from users left join interactions on interactions.user_id = users.id and interactions.occurred_at <= %(now)s
    group by users.id
), readers as (
    select user_id, first_at, case when deeds = 0 then 'cold' when deeds < 10 then 'light'
        when deeds < 50 then 'regular' else 'heavy' end as segment from counted
)
"""
_BY_SEGMENT = "group by grouping sets ((segment), ()) "
_NAME = "coalesce(segment, 'all')"

_ACTIVE = f"""
{_SEGMENTS}
select {_NAME}, count(distinct user_id) filter (where occurred_at > %(now)s::timestamptz - interval '1 day'),
    count(distinct user_id)
from interactions join readers using (user_id)
where occurred_at > %(now)s::timestamptz - interval '30 days' and occurred_at <= %(now)s {_BY_SEGMENT}
"""
_DEEDS = f"""
{_SEGMENTS}
select {_NAME}, count(*) filter (where kind = 'view'), count(*) filter (where kind = 'save'),
    count(*) filter (where kind in ('click', 'save', 'share', 'inquiry', 'purchase'))
from interactions join readers using (user_id)
where occurred_at > %(now)s::timestamptz - interval '7 days' and occurred_at <= %(now)s {_BY_SEGMENT}
"""
_SESSIONS = f"""
{_SEGMENTS}
, steps as (
    select user_id, occurred_at,
        occurred_at - lag(occurred_at) over (partition by user_id order by occurred_at) > interval '{_SESSION_GAP}' as is_new
    from interactions
    where occurred_at > %(now)s::timestamptz - interval '7 days' and occurred_at <= %(now)s
), numbered as (
    select user_id, occurred_at,
        count(*) filter (where is_new) over (partition by user_id order by occurred_at) as number
    from steps
), sessions as (
    select user_id, extract(epoch from max(occurred_at) - min(occurred_at)) as seconds
    from numbered group by user_id, number
)
select {_NAME}, avg(seconds)::float8 from sessions join readers using (user_id) {_BY_SEGMENT}
"""
_RETENTION = f"""
{_SEGMENTS}
, cohort as (
    select user_id, segment, exists (
        select from interactions
        where interactions.user_id = readers.user_id
            and occurred_at >= first_at + make_interval(days => %(days)s)
            and occurred_at < first_at + make_interval(days => %(days)s + 1) and occurred_at <= %(now)s
    ) as came_back
    from readers
    where first_at > %(now)s::timestamptz - make_interval(days => %(days)s + 8)
        and first_at <= %(now)s::timestamptz - make_interval(days => %(days)s + 1)
)
select {_NAME}, avg(came_back::int)::float8 from cohort {_BY_SEGMENT}
"""
_DISCOVERY = f"""
{_SEGMENTS}
, met as (
    select interactions.user_id, content.vendor_id, min(occurred_at) as first_met, max(occurred_at) as last_met
    from interactions join content on content.id = interactions.content_id
    where occurred_at <= %(now)s
    group by interactions.user_id, content.vendor_id
    having max(occurred_at) > %(now)s::timestamptz - interval '7 days'
)
select {_NAME}, avg((first_met > %(now)s::timestamptz - interval '7 days')::int)::float8
from met join readers using (user_id) {_BY_SEGMENT}
"""
_SURVEY = f"""
{_SEGMENTS}
select question, {_NAME}, count(*),
    avg(case when question = 'nps' then (answer >= 9)::int - (answer <= 6)::int else (answer >= 4)::int end)::float8
from survey_answers join readers using (user_id)
where answered_at > %(now)s::timestamptz - make_interval(days => {_SURVEY_DAYS}) and answered_at <= %(now)s
group by grouping sets ((question, segment), (question))
"""
_ARMS = """
select arm, count(*), avg(reward) from feed_decisions
where arm is not null and decided_at > %(now)s::timestamptz - interval '7 days' and decided_at <= %(now)s
group by arm
"""
_NEWEST = "select extract(epoch from max(updated_at))::float8 from content"

RETENTION_DAYS = (1, 7, 30)
BySegment = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessFigures:
    """Everything, by segment where it has one; ratios from 0 to 1, NPS from -100 to 100, times in seconds."""

    daily_readers: BySegment
    monthly_readers: BySegment
    session_seconds: BySegment
    retention: Mapping[int, BySegment]
    save_ratio: BySegment
    engagement: BySegment
    vendor_discovery: BySegment
    nps: BySegment
    satisfaction: BySegment
    answers: Mapping[str, BySegment]
    arm_decisions: Mapping[str, float] = field(default_factory=dict)
    arm_rewards: Mapping[str, float] = field(default_factory=dict)
    newest_content: float | None = None


def read_business(connection: "psycopg.Connection[Any]", *, now: datetime) -> BusinessFigures:
    """Return the figures as of a moment; what lies after it (a clock that went ahead) does not count."""
    reading = _Reading(connection, now=now)
    active = reading.rows(_ACTIVE)
    deeds = {segment: (views, saves, liked) for segment, views, saves, liked in reading.rows(_DEEDS)}
    survey = reading.rows(_SURVEY)
    arms = reading.rows(_ARMS)
    newest = reading.rows(_NEWEST)[0][0]
    return BusinessFigures(
        daily_readers={segment: float(day) for segment, day, _ in active},
        monthly_readers={segment: float(month) for segment, _, month in active},
        session_seconds=reading.by_segment(_SESSIONS),
        retention={days: reading.by_segment(_RETENTION, days=days) for days in RETENTION_DAYS},
        save_ratio={name: saves / views for name, (views, saves, _) in deeds.items() if views},
        engagement={name: liked / views for name, (views, _, liked) in deeds.items() if views},
        vendor_discovery=reading.by_segment(_DISCOVERY),
        nps={name: mean * 100 for question, name, _, mean in survey if question == "nps"},
        satisfaction={name: mean for question, name, _, mean in survey if question == "satisfaction"},
        answers={
            wanted: {name: float(count) for question, name, count, _ in survey if question == wanted}
            for wanted in ("nps", "satisfaction")
        },
        arm_decisions={arm: float(count) for arm, count, _ in arms},
        arm_rewards={arm: reward for arm, _, reward in arms if reward is not None},
        newest_content=newest,
    )


class _Reading:
    """Asks as of one moment."""

    def __init__(self, connection: "psycopg.Connection[Any]", *, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def rows(self, statement: str, **values: int) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement.encode(), {"now": self._now, **values}).fetchall()

    def by_segment(self, statement: str, **values: int) -> BySegment:
        """Return one figure by segment; where there was nothing to count the row for `all` is null, and left out."""
        return {name: value for name, value in self.rows(statement, **values) if value is not None}
