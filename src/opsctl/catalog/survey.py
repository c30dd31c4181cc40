"""What would simulated readers say if they were asked: some answer, and those who found much to like say so."""

import random
from datetime import datetime, timedelta

from opsctl.catalog.readers import SimulatedReader

# Surveys on a page are answered by a few percent; here by more, so that a small marketplace has any answers.
_ANSWERING_SHARE = 0.3
_LIKED = frozenset({"save", "share", "inquiry", "purchase"})
_DAYS = 30

Answer = tuple[str, int, datetime]
"""Question, answer, and when."""


def survey_answers(reader: SimulatedReader, *, seed: int, now: datetime) -> tuple[Answer, ...]:
    """Return a reader's answers to both questions, or none; the same for the same seed and reader."""
    source = random.Random(f"{seed} {reader.user_id} survey")  # noqa: S311 - a seed, not a secret
    if not reader.deeds or source.random() >= _ANSWERING_SHARE:
        return ()
    liked = sum(deed.kind in _LIKED for deed in reader.deeds) / len(reader.deeds)
    mood = min(1.0, max(0.0, source.gauss(0.62 + 1.2 * liked, 0.2)))
    at = now - timedelta(days=_DAYS * source.random())
    return ("nps", round(10 * mood), at), ("satisfaction", 1 + round(4 * mood), at)
