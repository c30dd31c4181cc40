"""How does a simulated experiment look: how often it was right, how fast each arm learned, and what would turn it round."""

import math
from dataclasses import asdict
from typing import Any

from opsctl.experiments.studies.model import Study
from opsctl.experiments.studies.summary import (
    Agreement,
    Learning,
    Stability,
    agreements,
    figures_of,
    learnings,
    stabilities,
)
from opsctl.ui.console import hint, print_markup
from opsctl.ui.table import show_table


def study_data(study: Study) -> dict[str, Any]:
    """Return a study for a document: its figures, and each world's answers."""
    return {
        "name": study.name,
        "digest": study.digest,
        "simulated": True,
        "figures": figures_of(study),
        "worlds": [
            {
                "seed": world.seed,
                "answers": [_told(asdict(each)) for each in world.answers],
                "preference": None if world.preference is None else asdict(world.preference),
            }
            for world in study.worlds
        ],
        "stands": list(study.stands),
    }


def show_study(study: Study) -> None:
    """Print a study, and what comes next."""
    count = len(study.worlds)
    print_markup(f"[bold]{study.name}[/]: simulated in {count} {'world' if count == 1 else 'worlds'}")
    for stand in study.stands:
        print_markup(f"[yellow]{stand}[/]")
    show_table(
        ("metric", "arm", "observed", "true", "intervals with the truth", "found", "wrong way"),
        [_agreement(each) for each in agreements(study)],
    )
    print_markup("")
    show_table(
        ("arm", "regret a feed", "95 %", "at the end, of the best", "90 % of the best on day"),
        [_learning(each) for each in learnings(study)],
    )
    preferences = [world.preference for world in study.worlds if world.preference is not None]
    if preferences:
        first = preferences[0]
        print_markup(
            f"interleaved: {first.value:+.3f} ({first.low:+.3f} to {first.high:+.3f}) for the treatment,"
            f" p = {first.p_value:.3g}, {first.sessions:,} sessions"
        )
    _show_stability(stabilities(study))
    hint(
        f"`opsctl experiments analyze {study.name}` says what its first world's experiment would have decided"
    )


def _show_stability(found: tuple[Stability, ...]) -> None:
    shaky = [each for each in found if not each.is_robust]
    for each in shaky:
        print_markup(
            f"not robust: {each.metric} of {each.arm} goes from {_percent(each.least)} to {_percent(each.greatest)}"
            " over nine kinds of worlds"
        )


def _agreement(each: Agreement) -> tuple[str, ...]:
    return (
        each.metric,
        each.arm,
        _percent(each.observed),
        _percent(each.true),
        f"{each.covered} of {each.worlds}",
        f"{each.found} of {each.worlds}",
        str(each.wrong),
    )


def _learning(each: Learning) -> tuple[str, ...]:
    band = f"{each.low:.4f} to {each.high:.4f}" if math.isfinite(each.low) else "-"
    day = str(each.day_near_best) if each.day_near_best is not None else "-"
    return (each.arm, f"{each.area:.4f}", band, f"{each.last_reward:.1%}", day)


def _percent(share: float) -> str:
    return f"{100 * share:+.1f} %" if math.isfinite(share) else "-"


def _told(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what JSON has a word for."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in answer.items()
    }
