"""What of a replay goes into the ledger: how policies did on which log, by which method."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from opsctl.evidence.model import Evidence, Verdict
from opsctl.experiments.learners.replay_model import PolicyReplay, Replay, ReplayOptions

EVIDENCE_KIND = "experiments.replay"
VALID_FOR = timedelta(days=90)
"""Readers change; what they liked a quarter ago says little of today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Of which file, and when.

    Args:
        file: its name.
        digest: SHA-256 of it.
        started_at: when the replay began.
        seconds: how long it took.
        tools: what did the work.
    """

    file: str
    digest: str
    started_at: datetime
    seconds: float
    tools: Mapping[str, str]


def replay_evidence(replay: Replay, *, options: ReplayOptions, circumstances: Circumstances) -> Evidence:
    """Return the evidence: it passes if enough rows speak for every policy, whichever came out best."""
    return Evidence(
        kind=EVIDENCE_KIND,
        subject=circumstances.file,
        verdict=Verdict.PASS if replay.is_conclusive else Verdict.INCONCLUSIVE,
        figures={
            "is": "a real log, replayed",
            "method": str(replay.method),
            "log": str(replay.kind),
            "rows": replay.rows,
            "items": replay.items,
            "logged_value": _plain(replay.logged_value),
            "seed": options.seed,
            "policies": {each.policy: _figures(each) for each in replay.policies},
        },
        inputs={"log": circumstances.digest},
        tools=circumstances.tools,
        started_at=circumstances.started_at,
        duration_seconds=round(circumstances.seconds, 3),
        valid_for=VALID_FOR,
    )


def _figures(policy: PolicyReplay) -> dict[str, Any]:
    return {
        "value": _plain(policy.value),
        "low": _plain(policy.low),
        "high": _plain(policy.high),
        "effective": round(policy.effective, 1),
        "rewarded": round(policy.rewarded, 1),
        "regret": _plain(policy.curve[-1].regret),
    }


def _plain(number: float) -> float | None:
    """Return a number as JSON has it: nothing for none."""
    return round(number, 9) if math.isfinite(number) else None
