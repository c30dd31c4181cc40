"""What did the model answer: scores by number, read so strictly that no wrong item ever gets a score.

The rules, all of them tested:
- The text is one JSON object, possibly inside one Markdown code fence; any other text around it is refused.
- It holds `scores`, a list of objects with `id` and `score`; other members are passed over.
- An `id` that was not sent, that is no whole number, or a key given twice in an object make the whole answer
  unusable: a model that invents items cannot be trusted about the others.
- A score that is no number, not finite or not from 0 to 1, and every score of an id that is given twice, are
  invalid; the other items keep theirs.
- An item that is not mentioned is missing; the others keep their scores.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any, NoReturn

_FENCED = re.compile(r"\s*```(?:json|JSON)?[ \t]*\r?\n(?P<inside>.*?)\r?\n?```\s*", re.DOTALL)
_LONGEST_ANSWER_CHARACTERS = 200_000


class InvalidAnswerError(Exception):
    """The answer as a whole cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedScores:
    """Good scores by the number of the item; `invalid` are items whose score could not be used."""

    scores: dict[int, float]
    invalid: frozenset[int]


def parse_scores(text: str, *, count: int) -> ParsedScores:
    """Read an answer about the items 1 to `count`.

    >>> parse_scores('{"scores": [{"id": 2, "score": 0.25}]}', count=2)
    ParsedScores(scores={2: 0.25}, invalid=frozenset())

    Raises:
        InvalidAnswerError: by the rules above.
    """
    entries = _entries(_load(text))
    scores: dict[int, float] = {}
    invalid: set[int] = set()
    for entry in entries:
        number = _number_of(entry, count=count)
        score = _usable(entry.get("score"))
        if number in scores or number in invalid or score is None:
            scores.pop(number, None)
            invalid.add(number)
        else:
            scores[number] = score
    return ParsedScores(scores=scores, invalid=frozenset(invalid))


def _load(text: str) -> Any:
    if len(text) > _LONGEST_ANSWER_CHARACTERS:
        raise InvalidAnswerError("the answer is too long")
    fenced = _FENCED.fullmatch(text)
    try:
        return json.loads(fenced["inside"] if fenced else text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise InvalidAnswerError(f"the answer is not JSON: {error}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        _refuse("a key stands twice in one object")
    return made


def _entries(answer: Any) -> list[dict[str, Any]]:
    entries = answer.get("scores") if isinstance(answer, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        _refuse("the answer holds no list `scores` of objects")
    return entries


def _number_of(entry: dict[str, Any], *, count: int) -> int:
    number = entry.get("id")
    # A bool is an int in Python, and `true` is no item.
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= count:
        _refuse("an id was not among those sent")
    return number


def _usable(score: Any) -> float | None:
    if isinstance(score, bool) or not isinstance(score, int | float):
        return None
    # Compared before it becomes a float: a whole number of 400 digits does not fit into one.
    return float(score) if 0 <= score <= 1 and math.isfinite(score) else None


def _refuse(why: str) -> NoReturn:
    raise InvalidAnswerError(why)
