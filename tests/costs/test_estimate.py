"""An estimate: what is known is worked out to the cent, what is not stays unknown, and no verdict rests on it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.costs.examples import MODEL, PLAN, PRICES, TODAY, inputs, price, provider

from opsctl.core.errors import UsageError
from opsctl.costs.book import CostsBook, Point
from opsctl.costs.estimate import bill_at, estimate, providers_of
from opsctl.costs.inputs import Inputs, Quantity
from opsctl.costs.load import Practice, load_at
from opsctl.costs.model import Estimate, PartBill, PointBill
from opsctl.costs.prices import Part, PricesBook
from opsctl.costs.units import MONTH_SECONDS, Meter
from opsctl.costs.usage import usage_of
from opsctl.evidence.model import Verdict

SELLERS = providers_of(PLAN, prices=PRICES)


def plan(**changes: object) -> CostsBook:
    """Return the plan of the tests with other values: `budgets={"month_usd": 5}`."""
    whole = PLAN.model_dump(mode="json")
    for name, values in changes.items():
        whole[name] = {**whole[name], **values} if isinstance(values, dict) else values
    return CostsBook.model_validate(whole)


def estimated(numbers: Inputs | None = None, *, chosen: CostsBook = PLAN) -> Estimate:
    """Return an estimate of the tests."""
    return estimate(chosen, prices=PRICES, inputs=numbers or inputs(), today=TODAY)


def part_of(made: Estimate, part: Part, point: Point = Point.AVERAGE) -> PartBill:
    """Return the bill of one part."""
    return next(each for each in made.points[point].parts if each.part is part)


def usd_of(bill: PointBill) -> Decimal:
    """Return a bill of which every part is known."""
    assert bill.month_usd is not None
    return bill.month_usd


def dollars_an_item(*, items_a_call: int, practice: Practice = Practice()) -> Decimal:  # noqa: B008
    """Return what the model takes for one item when the whole catalogue is scored in advance."""
    chosen = plan(scoring={"when": "ahead"})
    numbers = inputs(items_a_call_ahead=str(items_a_call))
    load = load_at(Point.AVERAGE, inputs=numbers, practice=practice)
    prices = MODEL.model_copy(update={"asynchronous_ratio": None})
    usage = usage_of(Part.MODEL, load=load, plan=chosen, provider=prices)
    spent = usage.meters[Meter.INPUT_TOKENS] * 1 + usage.meters[Meter.OUTPUT_TOKENS] * 5
    return spent / 10**6 / 50_000


def test_a_batch_of_ten_makes_scoring_2_42_times_cheaper_and_not_ten_times():
    """The tokens of the items and of the answer do not shrink: 0.00092 dollars an item become 0.00038."""
    single = dollars_an_item(items_a_call=10, practice=Practice(batches=False))
    batched = dollars_an_item(items_a_call=10)

    assert (single, batched) == (Decimal("0.00092"), Decimal("0.00038"))
    assert round(single / batched, 2) == Decimal("2.42")


def test_a_prompt_that_is_too_short_to_be_cached_is_paid_in_full():
    """600 tokens are below the 1,024 from which a provider caches a prefix; 1,100 are not."""
    ahead = plan(scoring={"when": "ahead"})

    def input_tokens(prompt: int) -> Decimal:
        load = load_at(Point.AVERAGE, inputs=inputs(prompt_tokens=str(prompt)), practice=Practice())
        usage = usage_of(Part.MODEL, load=load, plan=ahead, provider=MODEL)
        return usage.meters[Meter.INPUT_TOKENS] / Decimal("0.5")  # ahead, so at half the price

    assert input_tokens(600) == 5_000 * 600 + 50_000 * 120
    assert input_tokens(1_100) == 5_000 * 1_100 * Decimal("0.1") + 50_000 * 120


def test_scoring_ahead_costs_what_the_catalogue_costs_and_not_what_the_readers_ask():
    """50,000 items, in tens, at half the price for want of hurry."""
    made = estimated(chosen=plan(scoring={"when": "ahead"}))

    assert part_of(made, Part.MODEL).usd == 50_000 * Decimal("0.00038") / 2
    assert part_of(made, Part.MODEL, Point.SUSTAINED).usd == part_of(made, Part.MODEL).usd


def test_a_month_has_30_4_days():
    """Sustained, ten thousand requests a second are 26 billion a month; an hour a day is a 24th of that."""
    made = estimated()

    assert MONTH_SECONDS == 2_626_560
    assert made.points[Point.AVERAGE].feeds == pytest.approx(Decimal(300_000))
    assert made.points[Point.SUSTAINED].feeds == 26_265_600_000
    assert made.points[Point.PEAK_HOUR].feeds == pytest.approx(
        Decimal(26_265_600_000) / 24 + Decimal(300_000) * 23 / 24
    )


def test_the_hit_ratio_of_a_load_test_is_not_taken_for_that_of_an_average_day():
    """Readers who come once a day find nothing in a cache that keeps feeds for five minutes."""
    made = estimated()

    assert (made.points[Point.AVERAGE].missed or 0) > Decimal("0.99")
    assert made.points[Point.SUSTAINED].missed == Decimal("0.01")


def test_what_nobody_measured_is_unknown_and_the_verdict_open():
    """Part by part: the edge needs no knowledge of tokens."""
    made = estimated(inputs(without=(Quantity.PROMPT_TOKENS,)))

    assert made.verdict is Verdict.INCONCLUSIVE
    assert part_of(made, Part.MODEL).usd is None
    assert part_of(made, Part.MODEL).unknown == (Quantity.PROMPT_TOKENS,)
    assert part_of(made, Part.EDGE).usd is not None
    assert made.points[Point.AVERAGE].month_usd is None
    assert made.points[Point.AVERAGE].known_usd > 0
    assert made.reductions[Point.AVERAGE] is None


def test_a_budget_that_the_known_part_alone_exceeds_is_missed_for_certain():
    """At 26 billion requests the edge alone is too much, whatever nobody has measured."""
    made = estimated(inputs(without=(Quantity.MISS_AT_PEAK,)), chosen=plan(budgets={"at": "sustained"}))

    month = next(
        check for check in made.budgets if check.name == "month_usd" and check.point is Point.SUSTAINED
    )
    assert month.verdict is Verdict.FAIL
    assert month.at_least
    assert made.verdict is Verdict.FAIL


def test_only_the_load_that_the_plan_names_decides():
    """The others are shown all the same."""
    generous = {"month_usd": 2_000, "user_usd": 1}
    average = estimated(chosen=plan(budgets=generous | {"at": "average"}))
    sustained = estimated(chosen=plan(budgets=generous | {"at": "sustained"}))

    assert {check.point for check in average.budgets} == set(Point)
    assert (average.verdict, sustained.verdict) == (Verdict.PASS, Verdict.FAIL)


def test_a_budget_must_be_undercut_and_not_just_met():
    """Less than so many dollars, more than so much saved."""
    usd = estimated().points[Point.AVERAGE].month_usd

    assert estimated(chosen=plan(budgets={"month_usd": str(usd), "user_usd": 1})).verdict is Verdict.FAIL


def test_the_saving_is_of_the_whole_bill():
    """What is paid with or without caches (plans, machines) is in both bills."""
    made = estimated()
    before, after = usd_of(made.before[Point.AVERAGE]), usd_of(made.points[Point.AVERAGE])

    assert made.reductions[Point.AVERAGE] == 1 - after / before
    assert 0 < after < before


def test_a_saving_is_certain_where_the_known_part_of_the_bill_without_is_large_enough():
    """Nobody sells what the vectors would need if every feed were made, and the rest of that bill is enough to know."""
    free = provider(
        "vectors", prices={"free": price("0", "per instance-month", vcpu="0.5", memory_gib="1", most=1)}
    )
    prices = PricesBook(providers={**PRICES.providers, "free": free})
    chosen = plan(providers={"vectors": "free"})

    made = estimate(chosen, prices=prices, inputs=inputs(miss_at_peak="0.001"), today=TODAY)

    assert made.before[Point.SUSTAINED].month_usd is None
    saved = next(
        check for check in made.budgets if check.name == "reduction_ratio" and check.point is Point.SUSTAINED
    )
    assert (saved.verdict, saved.at_least) == (Verdict.PASS, True)


def test_machines_are_sized_for_the_busiest_minute_with_headroom():
    """10,000 a second of which a hundredth is made at 10 ms each is one core, and 1.43 with three tenths kept free."""
    sustained = part_of(estimated(), Part.SERVICE, Point.SUSTAINED)

    bought = {line.price: line.quantity for line in sustained.lines if line.price != "sent"}
    assert bought == {"large": 1}


def test_the_services_own_edge_is_sized_by_its_measured_capacity():
    """10,000 a second at 5,000 a worker are two cores, beside those that make feeds, and 4.29 with headroom."""
    chosen = plan(providers={"edge": "own"})
    made = estimated(chosen=chosen)

    assert part_of(made, Part.EDGE, Point.SUSTAINED).usd == 0
    bought = {line.price: line.quantity for line in part_of(made, Part.SERVICE, Point.SUSTAINED).lines}
    assert bought["small"] == 5
    unknown = estimated(inputs(without=(Quantity.WORKER_RATE,)), chosen=chosen)
    assert part_of(unknown, Part.SERVICE).unknown == (Quantity.WORKER_RATE,)


def test_each_input_is_halved_and_doubled_and_the_widest_comes_first():
    """What moves nothing is left out."""
    made = estimated()
    usd = usd_of(made.points[Point.AVERAGE])
    spreads = [swing.spread_from(usd) for swing in made.swings]

    assert spreads == sorted(spreads, reverse=True)
    assert min(spreads) > 0
    names = {swing.name for swing in made.swings}
    assert {"feeds a user and month", "items scored a made feed", "prices of model"} <= names
    assert "requests a second and worker" not in names  # the edge is somebody else's


def test_what_is_halved_stays_what_it_can_be():
    """There is no half of an agent, and no visit of half a feed: more than every feed cannot have to be made."""
    made = estimated()
    usd = usd_of(made.points[Point.AVERAGE])
    halved = {swing.name: swing.halved_usd for swing in made.swings}

    assert halved["agents that ask the model"] == usd
    assert halved["feeds a visit"] == usd
    one = inputs().scaled(Quantity.FEEDS_A_VISIT, Decimal("0.5"))
    assert (load_at(Point.AVERAGE, inputs=one, practice=Practice()).missed_ratio or 2) <= 1


def test_an_input_that_breaks_a_kept_budget_is_named():
    """Twice the tokens of the model would be too much here."""
    limit = usd_of(estimated().points[Point.AVERAGE]) * Decimal("1.2")
    chosen = plan(budgets={"month_usd": str(limit), "user_usd": 1})

    made = estimated(chosen=chosen)

    assert "prices of model" in {swing.name for swing in made.swings if swing.breaks}
    assert all(
        swing.breaks == any(end is None or end >= limit for end in (swing.halved_usd, swing.doubled_usd))
        for swing in made.swings
    )


def test_unverified_and_old_prices_are_told_where_they_are_used():
    """One that nobody pays is nobody's worry."""
    edge = PRICES.providers["edge"]
    doubtful = {
        **edge.prices,
        "requests": price("0.30", "per million requests", verified=False),
        "cpu": price("0.02", "per million CPU-ms", retrieved="2026-08-30"),
    }
    providers = {
        **PRICES.providers,
        "edge": edge.model_copy(update={"prices": doubtful}),
        "other": edge.model_copy(
            update={"prices": {"x": price("1", "per million requests", verified=False)}}
        ),
    }

    made = estimate(PLAN, prices=PricesBook(providers=providers), inputs=inputs(), today=TODAY)

    assert made.doubts.unverified == ("edge.requests",)
    assert made.doubts.stale == ("edge.cpu",)  # 91 days
    assert "edge.plan" in made.doubts.used
    assert "other.x" not in made.doubts.used


def test_a_provider_that_the_price_book_does_not_know_is_refused_with_what_there_is():
    """Also one that fills another part."""
    for name in ("nobody", "edge"):
        with pytest.raises(UsageError) as caught:
            estimated(chosen=plan(providers={"model": name}))
        assert caught.value.code == "CST001"
        assert "choose one of: model, own" in str(caught.value.fix)


@given(
    factor=st.decimals(min_value="0.1", max_value="10", places=2),
    name=st.sampled_from(
        [Quantity.USERS, Quantity.SCORED_A_FEED, Quantity.ITEM_TOKENS, Quantity.ANSWER_BYTES]
    ),
)
def test_more_of_anything_that_is_used_never_makes_the_bill_smaller(factor: Decimal, name: Quantity):
    """At the peak, whose hit ratio is measured; on average more readers meet fuller caches."""
    numbers = inputs()
    more = numbers.scaled(name, max(factor, 1 / factor))

    for point in (Point.PEAK_HOUR, Point.SUSTAINED):
        one, other = (
            bill_at(point, PLAN, providers=SELLERS, inputs=each).month_usd for each in (numbers, more)
        )
        assert one is not None
        assert other is None or other >= one
