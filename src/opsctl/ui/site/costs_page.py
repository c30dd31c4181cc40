"""What does the chapter of costs hold: budgets kept or missed, the bill at each load by part, and prices that are in doubt."""

from collections.abc import Iterator, Mapping
from typing import Any

from opsctl.evidence.model import Record
from opsctl.ui.figures import significant
from opsctl.ui.site import reading
from opsctl.ui.site.cells import labels_of, record_link
from opsctl.ui.site.chapters import whole_run
from opsctl.ui.site.facts import Facts
from opsctl.ui.site.layout import Cell, Chapter, Notice, Row, Section, Tile, columns, table_of
from opsctl.ui.site.library import Library
from opsctl.ui.site.reading import dollars
from opsctl.ui.site.standing import Standing, State, age_text, shown, standing_of
from opsctl.ui.site.trend import count_trend

KIND = "costs.estimate"
_MOST_POINTS = 40
_LEDE = "What the service costs a month at three loads, by prices with their source and date, and by what was measured of it."


def costs(facts: Facts, library: Library) -> Chapter:
    """Return the chapter."""
    record = whole_run(facts, kind=KIND)
    if record is None:
        sections: tuple[Section, ...] = (Section(title="Estimate", command="opsctl costs estimate"),)
    else:
        over_time = _over_time(record, facts)
        sections = (_summary(record, facts, library), _budgets(record, facts), _bills(record))
        sections += () if over_time.is_empty else (over_time,)
    return Chapter(name="costs", title="Costs", lede=_LEDE, sections=sections)


def _summary(record: Record, facts: Facts, library: Library) -> Section:
    return Section(
        title="Estimate",
        standing=standing_of(record, facts),
        labels=labels_of(record),
        note=f"Estimated {age_text(record.recorded_at, now=facts.now)} ago, counts until {record.expires_at:%Y-%m-%d}.",
        notices=tuple(_notices(record)),
        tiles=tuple(_tiles(record.figures)),
        anchor="estimate",
        record=record_link(record, library),
    )


def _notices(record: Record) -> Iterator[Notice]:
    for name, words in (
        ("unknown_inputs", "Nobody has measured, so the whole is not known (`opsctl costs measure` does):"),
        ("unverified_prices", "Prices that nobody has verified are in it:"),
        ("stale_prices", "Prices that are too old are in it:"),
        ("stale_evidence", "Measurements that are stale are in it:"),
    ):
        points = reading.names(record.figures, name)
        if points:
            yield Notice(text=words, points=points[:_MOST_POINTS])
    if record.simulated:
        yield Notice(text=f"Simulated: {', '.join(record.simulated)}.")


def _tiles(figures: Mapping[str, Any]) -> Iterator[Tile]:
    points, binding = reading.part(figures, "points"), reading.text(figures, "binding_point")
    for name in points:
        point = reading.part(points, name)
        user, feeds = (
            dollars(reading.number(point, each)) for each in ("per_user_usd", "per_1000_feeds_usd")
        )
        below = (
            [f"{user} a user, {feeds} for 1,000 feeds"]
            if reading.number(point, "month_usd") is not None
            else []
        )
        below += ["the budgets are of this load"] if name == binding else []
        yield Tile(name=f"A month, {_words(name).lower()}", value=_month(point), below="; ".join(below))
    saved = reading.number(figures, "reduction_share")
    if saved is not None:
        yield Tile(
            name="Saved", value=reading.share(figures, "reduction_share"), below="by caching and batching"
        )


def _month(point: Mapping[str, Any]) -> str:
    """Return what a month costs; where a part is not known, what it costs at least."""
    whole, known = (reading.number(point, name) for name in ("month_usd", "known_usd"))
    if whole is not None:
        return dollars(whole)
    return "unknown" if not known else f"at least {dollars(known)}"


def _budgets(record: Record, facts: Facts) -> Section:
    titles = columns("Budget", "State", "Value", "Limit", numbers=("Value", "Limit"), words=("State",))
    binding = reading.text(record.figures, "binding_point")
    checks = [(each, binding) for each in reading.rows(record.figures, "budgets")]
    checks += [
        (each, reading.text(each, "point")) for each in reading.rows(record.figures, "budgets_elsewhere")
    ]
    rows = tuple(
        Row(
            cells=(
                Cell(
                    text=_words(reading.text(each, "name")),
                    below=(f"at {_words(point).lower()} load",) if point else (),
                ),
                Cell(standing=_kept(each, record, facts)),
                Cell(text=_amount(each, "value")),
                Cell(text=_amount(each, "limit")),
            )
        )
        for each, point in checks
    )
    where = f" The ones that count are of the {_words(binding).lower()} load." if binding else ""
    return Section(
        title="Budgets",
        note=f"What the plan allows.{where}",
        tables=table_of("Budgets", titles, rows),
        command="opsctl costs estimate",
        anchor="budgets",
    )


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
        return "unknown"
    least = "at least " if name == "value" and each.get("is_lower_bound") is True else ""
    if "usd" in budget:
        return f"{least}{dollars(value)}"
    return f"{least}{reading.share(each, name) if 'ratio' in budget or 'share' in budget else significant(value)}"


def _bills(record: Record) -> Section:
    points, before = (reading.part(record.figures, name) for name in ("points", "before"))
    names = list(points)
    parts = dict.fromkeys(
        part for name in names for part in reading.part(reading.part(points, name), "parts")
    )
    titles = columns("Part", *(_words(name) for name in names), numbers=tuple(_words(name) for name in names))
    rows = [
        Row(
            cells=(Cell(text=_words(part)), *(_part_cell(reading.part(points, name), part) for name in names))
        )
        for part in parts
    ]
    for word, bills in (("Together", points), ("Without caches and batches", before)):
        if bills and rows:
            rows.append(
                Row(
                    cells=(Cell(text=word), *(Cell(text=_month(reading.part(bills, name))) for name in names))
                )
            )
    return Section(
        title="The bill",
        note="US dollars a month, by what is paid for.",
        tables=table_of("By part and load", titles, rows),
        command="opsctl costs estimate",
        anchor="bill",
    )


def _part_cell(point: Mapping[str, Any], name: str) -> Cell:
    """Return what a part costs, or why that is not known."""
    value = reading.number(reading.part(point, "parts"), name)
    missing = reading.text(reading.part(point, "not_known"), name)
    if value is None:
        return Cell(text="unknown", below=(f"for want of {missing}",) if missing else ())
    return Cell(text=dollars(value))


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
        charts=(drawn,) if drawn else (),
        anchor="over-time",
    )


def _words(name: str) -> str:
    """Return a name of the figures as people read it.

    >>> _words("per_1000_feeds_usd"), _words("peak_hour")
    ('Per 1000 feeds', 'Peak hour')
    """
    text = name.removesuffix("_usd").replace("_", " ")
    return text[:1].upper() + text[1:]
