"""Can the prices be believed: which of those that are used are not verified, too old, or from the future?"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from opsctl.core.errors import UsageError
from opsctl.core.findings import Finding, Severity
from opsctl.costs.bill import CREDIT
from opsctl.costs.model import PointBill, PriceDoubts
from opsctl.costs.prices import Price, PricesBook


def doubts_of(bills: Iterable[PointBill], *, prices: PricesBook, today: date) -> PriceDoubts:
    """Return what to doubt of the prices that stand on these bills, by `provider.price`."""
    used = dict(sorted(dict(_used(bills, prices=prices)).items()))
    oldest = today - timedelta(days=prices.trusted_for_days)
    return PriceDoubts(
        used=tuple(used),
        unverified=tuple(name for name, price in used.items() if not price.verified),
        stale=tuple(name for name, price in used.items() if price.retrieved < oldest),
    )


def require_past(prices: PricesBook, *, today: date) -> None:
    """Refuse prices that nobody can have read yet.

    Raises:
        UsageError: CST002 with all of them.
    """
    # Somebody east of Greenwich may have read one on what is tomorrow here.
    latest = today + timedelta(days=1)
    late = [
        Finding(
            code="CST002",
            severity=Severity.ERROR,
            title=f"`{provider_name}.{name}` was retrieved on {price.retrieved}, which is yet to come",
            fix="write the day on which it was read",
        )
        for provider_name, provider in prices.providers.items()
        for name, price in provider.prices.items()
        if price.retrieved > latest
    ]
    if late:
        count = "a price" if len(late) == 1 else f"{len(late)} prices"
        raise UsageError(
            f"the price book has {count} from the future",
            code="CST002",
            findings=late,
            fix="mend the book and run the same command again",
        )


def _used(bills: Iterable[PointBill], *, prices: PricesBook) -> Iterator[tuple[str, Price]]:
    for bill in bills:
        for part in bill.parts:
            for line in part.lines:
                if line.price != CREDIT:
                    yield f"{part.provider}.{line.price}", prices.providers[part.provider].prices[line.price]
