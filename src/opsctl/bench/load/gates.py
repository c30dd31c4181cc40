"""What must hold under a load: gates such as `p99 < 500ms`, parsed from text with errors that say how to write them."""

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

Operator = Literal["<", "<=", ">", ">="]

CLOCKS = ("response", "service", "generator_lag", "queue_wait")
"""Which time a percentile is of; `response`, from when a request was planned, unless a gate says otherwise."""

TIERS = {
    "L1": "HIT-L1",
    "L2": "HIT-L2",
    "HIT-L1": "HIT-L1",
    "HIT-L2": "HIT-L2",
    "STALE": "STALE",
    "MISS": "MISS",
}
"""Names of tiers in a gate, with what `X-Cache` calls them."""

SHARES = ("error_rate", "hit_ratio", "recall")
RATES = ("rate", "goodput")
COUNTS = ("drops",)
TIMES = ("mean", "max")
HIT_TIERS = ("L1", "L2", "STALE")

_FORM = re.compile(
    r"(?P<metric>[^\s<>=!]+)\s*(?P<operator><=|>=|<|>)\s*(?P<value>[^\s<>=]+(?:\s*[^\s<>=\d]+)?)"
)
_PERCENTILE = re.compile(r"p(?P<percent>(?!0+(?:\.0+)?$)[0-9]{1,2}(?:\.[0-9]{1,3})?)")
_VALUE = re.compile(r"(?P<number>[0-9]{1,12}(?:\.[0-9]{1,9})?)\s*(?P<unit>%|/s|us|ms|s)?")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
_KNOWN = (*SHARES, *RATES, *COUNTS, *TIMES, "p50", "p90", "p95", "p99", "p99.9")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One gate.

    Args:
        text: as it was written.
        metric: `p99`, `mean`, `max`, `error_rate`, `hit_ratio`, `recall`, `rate`, `goodput` or `drops`.
        operator: how the measured value must stand to the limit.
        limit: in seconds, as a share, a second, or a count.
        unit: `s`, `share`, `1/s` or empty.
        clock: which time, for percentiles, mean and max.
        endpoint: the endpoint it speaks of; None for all.
        tier: the tier it speaks of, as `X-Cache` calls it; None for all.
    """

    text: str
    metric: str
    operator: Operator
    limit: float
    unit: str
    clock: str = "response"
    endpoint: str | None = None
    tier: str | None = None

    @property
    def share(self) -> float | None:
        """Return the quantile that it is about; None where it is about something else."""
        found = _PERCENTILE.fullmatch(self.metric)
        return round(float(found["percent"]) / 100, 6) if found else None

    @property
    def is_latency(self) -> bool:
        """Tell whether it limits a time."""
        return self.unit == "s"

    @property
    def wants_less(self) -> bool:
        """Tell whether smaller values are the good ones."""
        return self.operator in ("<", "<=")

    def holds(self, value: float) -> bool:
        """Tell whether a value stands on the right side of the limit."""
        match self.operator:
            case "<":
                return value < self.limit
            case "<=":
                return value <= self.limit
            case ">":
                return value > self.limit
            case ">=":
                return value >= self.limit


def parse_gate(text: str, *, endpoints: Collection[str] | None = None) -> Gate:
    """Return what a gate says.

    >>> parse_gate("service.p99 < 500ms").limit
    0.5
    >>> parse_gate("hit_ratio > 80%").limit
    0.8

    Args:
        text: metric, operator, limit; before the metric may stand a clock (`service.p99`), an endpoint (`feed.p99`)
            or a tier (`L1.p99`); `hit_ratio.L2` is the share of hits among the answers that came as far as L2.
        endpoints: those that a gate may name; None where they are not known.

    Raises:
        ValueError: when it is no gate; the text says how it is written.
    """
    form = _FORM.fullmatch(text.strip())
    if form is None or form["metric"][0].isdigit():
        raise ValueError(_form_error(text))
    scope, metric = _split(form["metric"], text=text, endpoints=endpoints)
    limit, unit = _limit(metric, form["value"].strip(), text=text)
    operator: Operator = form["operator"]  # type: ignore[assignment]  # the pattern has these four only
    return Gate(text=text.strip(), metric=metric, operator=operator, limit=limit, unit=unit, **scope)


def _form_error(text: str) -> str:
    if re.search(r"[=!]=|≤|≥|=", text) and not re.search(r"[<>]", text):
        return f"`{text}` has no operator of a gate; they are < <= > >="
    if re.match(r"\s*\d", text):
        return f"`{text}`: the metric comes first, as in `p99 < 500ms`"
    return f"`{text}` is not a gate; write it as `p99 < 500ms`, `error_rate < 0.1%` or `hit_ratio > 80%`"


def _split(name: str, *, text: str, endpoints: Collection[str] | None) -> tuple[dict[str, str], str]:
    """Return what stands before the metric, by kind, and the metric."""
    if _PERCENTILE.fullmatch(name) or name in _KNOWN:
        return {}, name
    scope, _, metric = name.partition(".")
    if scope == "hit_ratio":
        if metric in HIT_TIERS:
            return {"tier": metric}, scope
        raise ValueError(f"`{text}`: no hit ratio of `{metric}`; there are {_listed(HIT_TIERS)}")
    if not metric:
        raise ValueError(_unknown_metric(name, text=text))
    if not (_PERCENTILE.fullmatch(metric) or metric in (*TIMES, "error_rate")):
        raise ValueError(_unknown_metric(metric, text=text))
    if scope in CLOCKS and metric != "error_rate":
        return {"clock": scope}, metric
    if scope in TIERS and metric != "error_rate":
        return {"tier": TIERS[scope]}, metric
    if endpoints is None or scope in endpoints:
        return {"endpoint": scope}, metric
    known = [*endpoints, *CLOCKS, *TIERS]
    nearest = difflib.get_close_matches(scope, known, n=1)
    hint = f"did you mean `{nearest[0]}`?" if nearest else f"there are {_listed(known)}"
    raise ValueError(f"`{text}`: no endpoint, tier or clock is called `{scope}`; {hint}")


def _unknown_metric(name: str, *, text: str) -> str:
    plain = re.sub(r"[()\s]", "", name)
    nearest = [plain] if _PERCENTILE.fullmatch(plain) else difflib.get_close_matches(name, _KNOWN, n=1)
    hint = f"did you mean `{nearest[0]}`?" if nearest else f"metrics are {_listed(_KNOWN)}"
    return f"`{text}`: no metric is called `{name}`; {hint}"


def _limit(metric: str, value: str, *, text: str) -> tuple[float, str]:
    """Return the limit in the unit that the metric has."""
    found = _VALUE.fullmatch(value)
    if found is None:
        raise ValueError(
            f"`{text}`: `{value}` is not a limit; write it as `500ms`, `0.1%`, `9900/s` or `0.95`"
        )
    number, unit = float(found["number"]), found["unit"]
    if metric in SHARES:
        return _share_limit(number, unit, text=text), "share"
    if metric in RATES:
        return _plain(number, unit, "/s", text=text), "1/s"
    if metric in COUNTS:
        return _plain(number, unit, None, text=text), ""
    if unit not in _SECONDS:
        raise ValueError(f"`{text}`: a time needs its unit: us, ms or s, as in `{metric} < 500ms`")
    return number * _SECONDS[unit], "s"


def _share_limit(number: float, unit: str | None, *, text: str) -> float:
    if unit not in (None, "%"):
        raise ValueError(f"`{text}`: a share is written as `80%` or `0.8`")
    limit = number / 100 if unit == "%" else number
    if limit > 1:
        raise ValueError(f"`{text}`: a share is at most 1; did you mean `{number:g}%`?")
    return limit


def _plain(number: float, unit: str | None, allowed: str | None, *, text: str) -> float:
    if unit not in (None, allowed):
        raise ValueError(
            f"`{text}`: `{unit}` does not belong here" + (f"; write `9900{allowed}`" if allowed else "")
        )
    return number


def _listed(names: Collection[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
