"""How does a replay look: one line a policy, what its figures rest on, and what must be known to read them."""

import math
from dataclasses import asdict
from typing import Any

from opsctl.experiments.learners.replay_columns import LogKind
from opsctl.experiments.learners.replay_model import Method, PolicyReplay, Replay
from opsctl.ui.console import hint, print_line, print_markup
from opsctl.ui.sparkline import sparkline
from opsctl.ui.table import show_table

_CURVE_WIDTH = 20
_COUNTED = {Method.REJECTION: "accepted", Method.WEIGHTS: "effective"}


def show_replay(replay: Replay, *, file: str) -> None:
    """Print how each policy did."""
    from rich.markup import escape

    what = "likes" if replay.kind is LogKind.RATINGS else "clicks"
    print_markup(
        f"[bold]{escape(file)}[/]: a real log, replayed by {replay.method}; {replay.rows:,} rows, {replay.items:,} items,"
        f" {_share(replay.logged_value)} {what} as it was logged"
    )
    titles = ["policy", f"{_COUNTED[replay.method]} rows", what, "95 % interval"]
    if replay.method is Method.WEIGHTS:
        titles += ["IPS", "DR", "greatest weight"]
    titles += ["regret", "on the way", "ms a row"]
    show_table(titles, [_row(each, replay) for each in replay.policies])
    for note in replay.notes:
        print_line(f"- {note}")
    for each in replay.policies:
        if not each.is_enough:
            print_markup(
                f"[yellow]?[/] {each.policy}: too little to say anything, {each.effective:,.0f} {_COUNTED[replay.method]} rows;"
                f" {what} among them: {each.rewarded:,.0f}"
            )
    if not replay.is_conclusive:
        more = " or fewer `--candidates`" if replay.kind is LogKind.RATINGS else ""
        hint(f"a longer log{more} makes more rows count")


def replay_data(replay: Replay, *, file: str) -> dict[str, Any]:
    """Return a replay for a document."""
    return {"file": file, "is": "a real log, replayed", **asdict(replay)}


def _row(policy: PolicyReplay, replay: Replay) -> list[str]:
    cells = [
        policy.policy,
        f"{policy.effective:,.0f} of {replay.rows:,}",
        _share(policy.value),
        "-" if math.isnan(policy.low) else f"{_share(policy.low)} to {_share(policy.high)}",
    ]
    if replay.method is Method.WEIGHTS:
        cells += [
            _share(policy.estimates["ips"].value),
            _share(policy.estimates["dr"].value),
            f"{policy.estimates['ips'].greatest_weight:.1f}",
        ]
    rewards = [None if math.isnan(point.reward) else point.reward for point in policy.curve]
    last = policy.curve[-1].regret
    cells += [
        "-" if math.isnan(last) else f"{last + 0.0:,.1f}".replace("-0.0", "0.0"),
        sparkline(rewards, width=_CURVE_WIDTH, floor=0),
        f"{policy.milliseconds_a_row:.3f}",
    ]
    return cells


def _share(share: float) -> str:
    return "-" if math.isnan(share) else f"{100 * share:.3g} %"
