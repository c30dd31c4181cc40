"""In which words is a result of an experiment told on a page?"""

import math

from opsctl.experiments.analysis.model import Result
from opsctl.experiments.peeks import Peek
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.estimates import Estimate
from opsctl.experiments.studies.model import Study
from opsctl.ui.show_analysis import p_words


def effect_words(result: Result) -> str:
    """Return an effect, relative where that has a meaning."""
    if result.lift is not None:
        return f"{100 * result.lift:+.1f} %"
    return f"{result.difference:+.3g}" if result.difference is not None else "-"


def difference_interval(result: Result) -> str:
    """Return the interval of a difference."""
    interval = result.inference.interval
    return f"{interval.low:+.3g} to {interval.high:+.3g}" if interval is not None else "-"


def ink_of(result: Result) -> str:
    """Return in which colour a result is drawn."""
    shown = result.shown
    if shown.is_worse or shown.breaks_margin:
        return "bad"
    return "good" if shown.is_better or shown.keeps_margin else ""


def value_words(estimate: Estimate | CannotTell) -> str:
    """Return the value of an estimate, or a dash."""
    return "-" if isinstance(estimate, CannotTell) else f"{estimate.value:.4g}"


def preference_words(study: Study) -> str:
    """Return what interleaving said in the first world; nothing where there was none."""
    first = study.worlds[0].preference
    if first is None:
        return ""
    return (
        f"{first.value:+.3f} ({first.low:+.3f} to {first.high:+.3f}) for the treatment, p = {p_words(first.p_value)},"
        f" {first.sessions:,} sessions"
    )


def percent(share: float) -> str:
    """Return a share as people read it."""
    return f"{100 * share:+.1f} %" if math.isfinite(share) else "-"


def peek_cells(peek: Peek) -> list[str]:
    """Return the cells of one planned look."""
    smallest = min((each for each in peek.p.values() if each is not None), default=None)
    units = sum(peek.units.values())
    return [f"{peek.at:%Y-%m-%d %H:%M}", f"{units:,}", p_words(smallest), peek.outcome.replace("_", " ")]
