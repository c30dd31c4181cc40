"""What of a render goes into the ledger?"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from opsctl.deploy.checking import Answer, Looked, verdict
from opsctl.deploy.facts import Part
from opsctl.evidence.model import Evidence, Verdict

KIND = "deploy.render"
_VERDICTS = {Answer.GOOD: Verdict.PASS, Answer.REFUSED: Verdict.FAIL, Answer.UNKNOWN: Verdict.INCONCLUSIVE}


def render_evidence(
    files: Mapping[Part, Mapping[str, str]], looked: Sequence[Looked], *, started_at: datetime, seconds: float
) -> Evidence:
    """Return the evidence of a render: what was checked by whom, and the digest of each part's lock, which names every file."""
    counts = Counter(each.answer for each in looked)
    unknown = sorted({each.checker for each in looked if each.answer is Answer.UNKNOWN})
    return Evidence(
        kind=KIND,
        subject=", ".join(files),
        verdict=_VERDICTS[verdict(looked)],
        figures={
            "files": sum(len(each) for each in files.values()),
            **{str(answer): counts[answer] for answer in Answer},
            "checkers that are not here": ", ".join(unknown) or "none",
        },
        inputs={
            f"{part}/lock.json": hashlib.sha256(each["lock.json"].encode()).hexdigest()
            for part, each in files.items()
        },
        tools={},
        started_at=started_at,
        duration_seconds=round(seconds, 3),
        valid_for=timedelta(days=30),
    )
