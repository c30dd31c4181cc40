"""How do real readers fare: what they answered, and whether they came back; rows marked as simulated do not count."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

_NPS = """
select count(*), avg((answer >= 9)::int - (answer <= 6)::int)::float8 * 100
from survey_answers
where question = 'nps' and not is_simulated
    and answered_at > %(now)s::timestamptz - interval '90 days' and answered_at <= %(now)s
"""
_RETENTION = """
with first as (
    select interactions.user_id, min(occurred_at) as first_at
    from interactions join users on users.id = interactions.user_id
    where not coalesce(users.attributes @> '{"simulated": true}', false) and occurred_at <= %(now)s
    group by interactions.user_id
), cohort as (
    select user_id, first_at from first
    where first_at > %(now)s::timestamptz - interval '67 days' and first_at <= %(now)s::timestamptz - interval '37 days'
), came as (
    select user_id,
        bool_or(occurred_at >= first_at + interval '30 days' and occurred_at < first_at + interval '37 days') as in_week,
        bool_or(occurred_at >= first_at + interval '30 days' and occurred_at < first_at + interval '31 days') as on_day
    from cohort join interactions using (user_id)
    where occurred_at <= %(now)s
    group by user_id
)
select count(*), avg(in_week::int)::float8, avg(on_day::int)::float8 from came
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderAnswers:
    """What real readers said and did; shares and scores are None of nobody."""

    answers: int
    nps: float | None
    cohort: int
    retention: float | None
    retention_on_the_day: float | None


def read_reader_answers(connection: "psycopg.Connection[Any]", *, now: datetime) -> ReaderAnswers:
    """Return the figures as of a moment."""
    answers, nps = connection.execute(_NPS, {"now": now}).fetchall()[0]
    cohort, retention, on_the_day = connection.execute(_RETENTION, {"now": now}).fetchall()[0]
    return ReaderAnswers(
        answers=answers, nps=nps, cohort=cohort, retention=retention, retention_on_the_day=on_the_day
    )
