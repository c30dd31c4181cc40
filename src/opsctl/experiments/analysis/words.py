"""How is an effect said: `+3.1 % (-0.4 % to +6.6 %)`, or as a difference where a share of the control means nothing."""

from opsctl.experiments.analysis.model import Result
from opsctl.experiments.statistics.estimates import Interval


def effect_words(result: Result) -> str:
    """Return the effect with the interval at which the stopping rule holds."""
    inference = result.inference
    if inference.unvaried is not None and inference.p_value is not None:
        return f"the same for all {inference.unvaried.units:,} units ({inference.unvaried.value:.4g})"
    if isinstance(inference.lift, Interval) and result.lift is not None:
        return percent_words(result.lift, inference.lift)
    if inference.interval is not None and result.difference is not None:
        low, high = inference.interval.low, inference.interval.high
        return f"{result.difference:+.4g} ({low:+.4g} to {high:+.4g})"
    return f"cannot tell, because {inference.caution or 'there is nothing to compare'}"


def percent_words(lift: float, interval: Interval) -> str:
    """Return a lift as people read it.

    >>> percent_words(0.031, Interval(low=-0.004, high=0.066))
    '+3.1 % (-0.4 % to +6.6 %)'
    """
    return f"{_percent(lift)} ({_percent(interval.low)} to {_percent(interval.high)})"


def _percent(share: float) -> str:
    number = 100 * share
    return f"{number:+.1f} %" if abs(number) < 1000 else f"{number:+.3g} %"
