"""What does the chapter of costs hold: budgets kept or missed, the bill at each load by part, and prices that are in doubt."""

from collections.abc import Iterator, Mapping
from typing import Any

from opsctl.evidence.model import Record
from opsctl.ui.figures import significant
from opsctl.ui.site import reading
from opsctl.ui.site.chapters import whole_run
from opsctl.ui.site.facts import Facts
from opsctl.ui.site.layout import Cell, Chapter, Notice, Row, Section, Table, Tile, columns
from opsctl.ui.site.library import Library
from opsctl.ui.site.reading import dollars
from opsctl.ui.site.standing import Standing, State, age_text, shown, standing_of
from opsctl.ui.site.trend import count_trend

KIND = "costs.estimate"
_LEDE = "What the service costs a month at three loads, by prices with their source and date, and by what was measured of it."


def costs(facts: Facts, library: Library) -> Chapter:
    """Return the chapter."""
    record = whole_run(facts, kind=KIND)
    if record is None:
        sections: tuple[Section, ...] = (Section(title="Estimate", command="opsctl costs estimate"),)
    else:
        sections = (
            _summary(record, facts, library),
            _budgets(record, facts),
            _bills(record),
            _over_time(record, facts),
        )
    return Chapter(name="costs", title="Costs", lede=_LEDE, sections=sections)


def _summary(record: Record, facts: Facts, library: Library) -> Section:
    place = library.place(record)
    return Section(
        title="Estimate",
        standing=standing_of(record, facts),
        labels=("simulated",) if record.simulated else (),
        note=f"Estimated {age_text(record.recorded_at, now=facts.now)} ago, counts until {record.expires_at:%Y-%m-%d}"
        + (f"; record {record.sequence}." if place else "."),
        notices=tuple(_notices(record)),
        tiles=tuple(_tiles(record.figures)),
        anchor="estimate",
    )


def _notices(record: Record) -> Iterator[Notice]:
    figures = record.figures
    for name, words in (
        ("unverified_prices", "Prices that nobody has verified are in it:"),
        ("stale_prices", "Prices that are too old are in it:"),
    ):
        prices = reading.names(figures, name)
        if prices:
            yield Notice(text=words, points=prices[:40])
    if record.simulated:
        yield Notice(text=f"Simulated: {', '.join(record.simulated)}.")


def _tiles(figures: Mapping[str, Any]) -> Iterator[Tile]:
    points = reading.part(figures, "points")
    for name in points:
        point = reading.part(points, name)
        user = reading.number(point, "per_user_usd")
        yield Tile(
            name=_words(name),
            value=f"{dollars(reading.number(point, 'month_usd'))} a month",
            below=f"{dollars(user)} a user, {dollars(reading.number(point, 'per_1000_feeds_usd'))} for 1,000 feeds",
        )
    saved = reading.number(figures, "reduction_share")
    if saved is not None:
        yield Tile(
            name="Saved", value=reading.share(figures, "reduction_share"), below="by caching and batching"
        )


def _budgets(record: Record, facts: Facts) -> Section:
    titles = columns("Budget", "State", "Value", "Limit", numbers=("Value", "Limit"), words=("State",))
    rows = tuple(
        Row(
            cells=(
                Cell(text=_words(reading.text(each, "name")), below=_point(each)),
                Cell(standing=_kept(each, record, facts)),
                Cell(text=_amount(each, "value")),
                Cell(text=_amount(each, "limit")),
            )
        )
        for each in reading.rows(record.figures, "budgets")
    )
    return Section(
        title="Budgets",
        tables=(Table(caption="Budgets of the plan", columns=titles, rows=rows),) if rows else (),
        command="opsctl costs estimate",
        anchor="budgets",
    )


def _point(each: Mapping[str, Any]) -> tuple[str, ...]:
    point = reading.text(each, "point")
    return (f"at {_words(point).lower()} load",) if point else ()


def _kept(each: Mapping[str, Any], record: Record, facts: Facts) -> Standing:
    """Return whether a budget is kept: unknown where nobody says so, and never better than the record itself."""
    whole = standing_of(record, facts)
    if each.get("ok") is False:
        return shown(State.FAIL, word="missed")
    if each.get("ok") is not True or reading.number(each, "value") is None:
        return shown(State.UNKNOWN)
    return whole if whole.state in (State.DISTRUSTED, State.STALE) else shown(State.PASS, word="kept")


def _amount(each: Mapping[str, Any], name: str) -> str:
    value, budget = reading.number(each, name), reading.text(each, "name")
    if value is None:
        return reading.NOTHING
    if "usd" in budget or "dollar" in budget or "cost" in budget:
        return dollars(value)
    return reading.share(each, name) if "share" in budget or "reduction" in budget else significant(value)


def _bills(record: Record) -> Section:
    points = reading.part(record.figures, "points")
    names = list(points)
    parts = dict.fromkeys(
        part for name in names for part in reading.part(reading.part(points, name), "parts")
    )
    shown_names = [_words(name) for name in names]
    titles = columns("Part", *shown_names, numbers=tuple(shown_names))
    rows = tuple(
        Row(
            cells=(
                Cell(text=_words(part)),
                *(Cell(text=_part(reading.part(points, name), part)) for name in names),
            )
        )
        for part in parts
    )
    return Section(
        title="The bill",
        note="US dollars a month, by what is paid for.",
        tables=(Table(caption="By part and load", columns=titles, rows=rows),) if rows else (),
        command="opsctl costs estimate",
        anchor="bill",
    )


def _part(point: Mapping[str, Any], name: str) -> str:
    """Return what a part costs; some write a number, some a mapping with more about it."""
    parts = reading.part(point, "parts")
    inner = reading.part(parts, name)
    return dollars(reading.number(inner, "usd") if inner else reading.number(parts, name))


def _over_time(record: Record, facts: Facts) -> Section:
    trend = facts.survey.trends.get((record.kind, record.subject), ())
    points = list(reading.part(record.figures, "points"))[:3]

    def of(name: str) -> Any:
        return lambda figures: reading.number(
            reading.part(reading.part(figures, "points"), name), "month_usd"
        )

    drawn = count_trend(trend, title="US dollars a month", reads={_words(name): of(name) for name in points})
    return Section(
        title="Over the last estimates",
        note="" if drawn else "A chart stands here once there are two estimates.",
        charts=(drawn,) if drawn else (),
        notices=() if drawn else (Notice(text="Only one estimate so far.", ink=""),),
        anchor="over-time",
    )


def _words(name: str) -> str:
    """Return a name of the figures as people read it.

    >>> _words("per_1000_feeds_usd"), _words("peak_hour")
    ('Per 1000 feeds', 'Peak hour')
    """
    text = name.removesuffix("_usd").replace("_", " ")
    return text[:1].upper() + text[1:]
