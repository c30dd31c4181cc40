"""What did readers get in each second of a drill, and in a stretch of it."""

from collections import Counter
from typing import TYPE_CHECKING

from opsctl.chaos.sample import status_text
from opsctl.core.quantiles import quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.chaos.sample import Sample
    from opsctl.dr.drill.model import SecondSeen
    from opsctl.dr.drill.ports import Served


def seconds_seen(samples: "Sequence[Sample]", *, since: float) -> "tuple[SecondSeen, ...]":
    """Return what was answered second by second, counted from a moment; what was sent before it does not count."""
    from opsctl.dr.drill.model import SecondSeen

    seconds: dict[int, list[Sample]] = {}
    for each in samples:
        if each.at >= since:
            seconds.setdefault(int(each.at - since), []).append(each)
    return tuple(
        SecondSeen(
            second=second,
            good=sum(each.is_good for each in group),
            bad=sum(not each.is_good for each in group),
            p99_seconds=_p99([each.seconds for each in group if each.is_good]),
            tiers=Counter(each.tier for each in group if each.is_fresh),
        )
        for second, group in sorted(seconds.items())
    )


def served(samples: "Sequence[Sample]") -> "Served":
    """Return the part that was answered, and the tiers of fresh answers."""
    from opsctl.dr.drill.ports import Served

    share = sum(each.is_good for each in samples) / len(samples) if samples else None
    return Served(
        share=share,
        tiers=Counter(each.tier for each in samples if each.is_fresh),
        misses=Counter(_status(each) for each in samples if not each.is_good),
    )


def _status(sample: "Sample") -> str:
    return "empty" if sample.is_empty else status_text(sample.status)


def _p99(seconds: list[float]) -> float | None:
    return quantile(sorted(seconds), 0.99) if seconds else None
