"""Answers and returns of real readers, worked out by PostgreSQL; made-up ones never count."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.store.reader_answers import ReaderAnswers, read_reader_answers

pytestmark = pytest.mark.stack

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
NUMBERS = count(1)


@pytest.fixture
def figures(database: DatabaseAddress):
    """Give a marketplace with one item, whose readers a test adds, and what is read of it then."""
    with connect(database) as connection:
        connection.execute("insert into vendors (id, name) values (1, 'a')")
        connection.execute(
            "insert into content (id, vendor_id, title, region, category, quality)"
            " values (1, 1, 'x', 'AU', 'venue', 0.5)"
        )

        def add(*came_days_ago: float, answer: int | None = None, attributes: str = "{}") -> ReaderAnswers:
            number = next(NUMBERS)
            connection.execute("insert into users (id, attributes) values (%s, %s)", (number, attributes))
            for ago in came_days_ago:
                connection.execute(
                    "insert into interactions (idempotency_key, user_id, content_id, kind, occurred_at)"
                    " values (%s, %s, 1, 'view', %s)",
                    (f"{number} {ago}", number, NOW - ago * DAY),
                )
            if answer is not None:
                connection.execute(
                    "insert into survey_answers (user_id, question, answer, answered_at, is_simulated)"
                    " values (%s, 'nps', %s, %s, %s)",
                    (number, answer, NOW - DAY, "simulated" in attributes),
                )
            return read_reader_answers(connection, now=NOW)

        yield add


@pytest.mark.slow
def test_a_reader_came_back_in_the_week_after_thirty_days_or_not(figures):
    """The 30th day itself, the last moment of the week, and one too late."""
    assert figures(50, 20).retention == 1.0
    assert figures(50, 13.001).retention == 1.0
    found = figures(50, 12.9)

    assert (found.cohort, found.retention, found.retention_on_the_day) == (
        3,
        pytest.approx(2 / 3),
        pytest.approx(1 / 3),
    )


@pytest.mark.slow
def test_only_those_are_asked_who_came_early_enough(figures):
    """And not too long ago: first between 37 and 67 days before."""
    for ago in (36.9, 67.1, 1):
        figures(ago)
    assert figures().cohort == 0
    assert figures(37.1).cohort == 1


@pytest.mark.slow
def test_the_score_is_promoters_less_detractors(figures):
    """9 and 10, less 0 to 6."""
    found = [figures(answer=answer) for answer in (10, 9, 8, 6)][-1]

    assert (found.answers, found.nps) == (4, 25.0)


def test_made_up_readers_do_not_count(figures):
    """Whatever they said and did."""
    found = figures(50, 20, answer=10, attributes='{"simulated": true}')

    assert found == ReaderAnswers(answers=0, nps=None, cohort=0, retention=None, retention_on_the_day=None)
