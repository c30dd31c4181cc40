"""A month's bill: allowances, tiers and whole instances come out to the cent that a vendor's own example says."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.costs.examples import EDGE, MACHINES, price, provider

from opsctl.costs.bill import NotSoldError, Size, Usage, bill_of, charge
from opsctl.costs.units import Meter

QUANTITIES = st.decimals(min_value=0, max_value=10**12, places=3, allow_nan=False)


@pytest.mark.parametrize(
    ("requests", "dollars"),
    [(15_000_000, "8.00"), (100_000_000, "45.40"), (1_000_000, "5")],
)
def test_the_vendors_own_examples_come_out(requests: int, dollars: str):
    """Cloudflare's page works out 15 and 100 million requests of 7 ms of CPU; below the allowance only the plan is paid."""
    usage = Usage(meters={Meter.REQUESTS: Decimal(requests), Meter.CPU_MILLISECONDS: Decimal(7 * requests)})

    assert sum(line.usd for line in bill_of(EDGE, usage)) == Decimal(dollars)


def test_units_of_a_million_and_allowances_of_single_things_are_not_mixed_up():
    """The allowance is 10 million requests, not 10 million millions of them; the first beyond costs its millionth part."""
    requests = price("0.30", "per million requests", included="10000000")

    assert charge(requests, Decimal(10_000_000)) == 0
    assert charge(requests, Decimal(10_000_001)) == Decimal("0.0000003")


def test_tiers_are_graduated():
    """What lies below a tier keeps the price of its own."""
    tiered = price(
        "1.00",
        "per GB sent",
        included="10",
        tiers=[{"above": "100", "value": "0.50"}, {"above": "1000", "value": "0.10"}],
    )

    assert charge(tiered, Decimal(10)) == 0
    assert charge(tiered, Decimal(100)) == 90
    assert charge(tiered, Decimal(1000)) == 90 + 450
    assert charge(tiered, Decimal(1500)) == 90 + 450 + 50


@given(one=QUANTITIES, more=QUANTITIES)
def test_more_never_costs_less(one: Decimal, more: Decimal):
    """Whatever the tiers are, as long as no price is negative."""
    tiered = price(
        "0.30", "per million requests", included="1000", tiers=[{"above": "5000000", "value": "0.05"}]
    )

    assert charge(tiered, one) <= charge(tiered, one + more)


@given(quantity=QUANTITIES, edge=st.decimals(min_value=1, max_value=10**9, places=0, allow_nan=False))
def test_a_tier_of_the_same_price_changes_nothing(quantity: Decimal, edge: Decimal):
    """So nothing is counted twice, or not at all, where two tiers meet."""
    plain = price("0.25", "per GB sent")
    tiered = price("0.25", "per GB sent", tiers=[{"above": str(edge), "value": "0.25"}])

    assert charge(plain, quantity) == charge(tiered, quantity)


@pytest.mark.parametrize(
    ("cores", "memory", "bought"),
    [
        ("0.01", "0.1", {"small": 1}),
        ("1.01", "1", {"large": 1}),  # two small ones would cost 20
        ("2.5", "1", {"small": 3}),  # two large ones would cost 36
        ("3.5", "1", {"large": 2}),
        ("0.1", "7", {"large": 2}),  # memory can be what counts
    ],
)
def test_instances_are_whole_and_the_cheapest_that_hold(cores: str, memory: str, bought: dict[str, int]):
    """Nobody sells half of one."""
    usage = Usage(size=Size(cores=Decimal(cores), memory_gib=Decimal(memory)))

    lines = bill_of(MACHINES, usage)

    assert {line.price: line.quantity for line in lines} == bought


def test_what_nobody_sells_has_no_price():
    """One free node holds half a core; what needs more has no bill, and certainly not one of nothing."""
    free = provider(
        "vectors", prices={"free": price("0", "per instance-month", vcpu="0.5", memory_gib="1", most=1)}
    )

    assert bill_of(free, Usage(size=Size(cores=Decimal("0.5"))))[0].usd == 0
    with pytest.raises(NotSoldError, match=r"holds 0\.51 cores"):
        bill_of(free, Usage(size=Size(cores=Decimal("0.51"))))


@pytest.mark.parametrize(("value", "left"), [("10", "0"), ("15", "5"), ("6", "0")])
def test_a_credit_is_taken_off_instances_and_never_paid_out(value: str, left: str):
    """A smaller instance than the credit costs nothing, not less than nothing."""
    seller = provider(
        "database", credit="10", prices={"one": price(value, "per instance-month", vcpu="2", memory_gib="1")}
    )

    assert sum(line.usd for line in bill_of(seller, Usage(size=Size()))) == Decimal(left)


def test_an_instance_by_the_hour_is_paid_for_a_month_of_30_4_days():
    """729.6 hours."""
    seller = provider(
        "database", prices={"one": price("0.01", "per instance-hour", vcpu="2", memory_gib="1")}
    )

    (line,) = bill_of(seller, Usage(size=Size()))

    assert round(line.usd, 9) == Decimal("7.296")
