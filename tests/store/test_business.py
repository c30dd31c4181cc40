"""Figures of readers, worked out by PostgreSQL from a few readers whose figures are known."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.exporters.business import business_values
from opsctl.store.business import BusinessFigures, read_business

if TYPE_CHECKING:
    import psycopg

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
NUMBERS = count()


class Feed:
    """A database with two vendors, an item of each, and readers that a test adds."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self.connection = connection
        connection.execute("insert into vendors (id, name) values (1, 'a'), (2, 'b')")
        connection.execute(
            "insert into content (id, vendor_id, title, region, category, quality)"
            " values (1, 1, 'x', 'AU', 'venue', 0.5), (2, 2, 'y', 'AU', 'venue', 0.5)"
        )

    def reader(self, number: int) -> None:
        """Add a reader."""
        self.connection.execute("insert into users (id) values (%s)", (number,))

    def deed(self, reader: int, kind: str, *, ago: timedelta, item: int = 1) -> None:
        """Add something that a reader did."""
        self.connection.execute(
            "insert into interactions (idempotency_key, user_id, content_id, kind, occurred_at)"
            " values (%s, %s, %s, %s, %s)",
            (f"deed-{next(NUMBERS)}", reader, item, kind, NOW - ago),
        )

    def answer(self, reader: int, question: str, answer: int, *, ago: timedelta = DAY) -> None:
        """Add an answer to the survey."""
        self.connection.execute(
            "insert into survey_answers (user_id, question, answer, answered_at) values (%s, %s, %s, %s)",
            (reader, question, answer, NOW - ago),
        )

    def figures(self) -> BusinessFigures:
        """Read them."""
        return read_business(self.connection, now=NOW)


@pytest.fixture
def feed(database: DatabaseAddress):
    """Give a small marketplace."""
    with connect(database) as connection:
        yield Feed(connection)


def test_a_marketplace_without_readers_tells_no_ratios(feed: Feed):
    """Nothing is said rather than 0 or NaN."""
    names = {value.metric.name for value in business_values(feed.figures())}

    assert not any("ratio" in name or "points" in name or "session" in name for name in names)


def test_readers_of_a_day_and_of_a_month(feed: Feed):
    """One reads today, one last week, one two months ago; one tomorrow, by a clock that goes ahead."""
    for number, ago in enumerate((HOUR, 7 * DAY, 60 * DAY, -DAY), start=1):
        feed.reader(number)
        feed.deed(number, "view", ago=ago)

    figures = feed.figures()

    assert figures.daily_readers["all"] == 1
    assert figures.monthly_readers["all"] == 2
    assert figures.monthly_readers["light"] == 2


def test_saves_and_engagement_are_shares_of_views(feed: Feed):
    """Four views, one save and one inquiry of the week; hiding is no engagement."""
    feed.reader(1)
    for number in range(4):
        feed.deed(1, "view", ago=HOUR + number * MINUTE)
    for kind in ("save", "inquiry", "hide"):
        feed.deed(1, kind, ago=HOUR)
    feed.deed(1, "save", ago=8 * DAY)

    figures = feed.figures()

    assert figures.save_ratio["all"] == pytest.approx(1 / 4)
    assert figures.engagement["all"] == pytest.approx(2 / 4)


def test_a_session_ends_after_half_an_hour_without_a_deed(feed: Feed):
    """Ten minutes, a pause of 31 minutes, then 20 minutes: the mean is 15 minutes."""
    feed.reader(1)
    for minutes in (61, 51, 20, 0):
        feed.deed(1, "view", ago=minutes * MINUTE)

    assert feed.figures().session_seconds["all"] == pytest.approx(15 * 60)


def test_who_comes_back_on_the_next_day_is_retained_for_one_day(feed: Feed):
    """Of two who came first three days ago one was there between 24 and 48 hours later."""
    for number in (1, 2):
        feed.reader(number)
        feed.deed(number, "view", ago=3 * DAY)
    feed.deed(1, "view", ago=2 * DAY - HOUR)
    feed.deed(2, "view", ago=3 * DAY - 23 * HOUR)

    figures = feed.figures()

    assert figures.retention[1]["all"] == pytest.approx(0.5)
    assert figures.retention[30] == {}


def test_a_vendor_met_for_the_first_time_this_week_is_discovered(feed: Feed):
    """One old acquaintance seen again, one new vendor."""
    feed.reader(1)
    feed.deed(1, "view", ago=20 * DAY, item=1)
    feed.deed(1, "view", ago=HOUR, item=1)
    feed.deed(1, "view", ago=HOUR, item=2)

    assert feed.figures().vendor_discovery["all"] == pytest.approx(0.5)


def test_net_promoters_are_nines_and_tens_less_zeros_to_sixes(feed: Feed):
    """10, 9, 8, 6 give 25; a 5 and a 3 of satisfaction give a half; old answers do not count."""
    for number, (nps, ago) in enumerate(((10, DAY), (9, DAY), (8, DAY), (6, DAY), (0, 91 * DAY)), start=1):
        feed.reader(number)
        feed.answer(number, "nps", nps, ago=ago)
    feed.answer(1, "satisfaction", 5)
    feed.answer(2, "satisfaction", 3)

    figures = feed.figures()

    assert figures.nps["all"] == pytest.approx(25)
    assert figures.satisfaction["all"] == pytest.approx(0.5)
    assert figures.answers["nps"]["all"] == 4
