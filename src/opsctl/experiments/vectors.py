"""Does another implementation assign alike: vectors to test it against, as `docs/assignment-vectors.json` has them.

python -m opsctl.experiments.vectors > docs/assignment-vectors.json
"""

import json
import sys
from typing import Any

from opsctl.experiments.assignment import Assigner
from opsctl.experiments.book import Experiment
from opsctl.experiments.points import bound_of, point_of

_ABOUT = {
    "point": "the first 8 bytes, most significant first, of SHA-256 of UTF-8 of NFC(salt) + U+001F + unit",
    "unit": "hashed as it is: not normalised, not trimmed; empty ids and halves of surrogate pairs are refused",
    "bound": "the share as the decimal number that is written, times 2^64, rounded up; a point is inside below it",
    "salts": "holdout; layer:<layer>; ramp:<experiment>; arm:<experiment>",
    "order": "point(holdout) below bound(holdout): held_out. Then each layer: not start <= point < end: outside_layer. "
    "Then point(ramp) not below bound(ramp): not_ramped. Else the arm",
    "arm": "weights are added up as decimals, in the order of the book, arms of weight 0 left out; the first arm whose "
    "bound of the sum lies above point(arm); the last one has no bound",
    "numbers": "points and bounds are decimal texts: they need 64 bits, of which JSON numbers keep 53",
}
_SALTS = ("holdout", "layer:ranking", "ramp:four_or_six_agents", "arm:four_or_six_agents", "arm:café", "")
_UNITS = (
    "1",
    "42",
    "007",
    "9007199254740993",
    "user-1",
    "User-1",
    " user-1",
    "e0c4c1a2-7d0b-4d1f-9a44-3a8a3a7a2f10",
    "a b\tc\n",
    "a\x1fb",
    "\x00",
    "\u00e9",  # one character
    "e\u0301",  # the same to the eye, another id
    "\u00fc\u00df\u0130",
    "\u65e5\u672c\u8a9e",
    "\u0645\u0633\u062a\u062e\u062f\u0645",
    "\U0001f600",
    "\U0001f469\U0001f3fd\u200d\U0001f4bb",
    "\ufeff1",
    "x" * 10_000,
)
_SHARES = (0.0, 1e-9, 0.001, 0.1, 0.2, 0.3, 1 / 3, 0.5, 0.7, 0.9, 0.999999999, 1.0)


def vectors() -> dict[str, Any]:
    """Return the vectors as they are published."""
    return {
        "about": _ABOUT,
        "points": [
            {"salt": salt, "unit": unit, "point": str(point_of(unit, salt=salt))}
            for salt in (*_SALTS, "arm:cafe\u0301")  # two ways to write one salt
            for unit in (_UNITS if salt == "arm:four_or_six_agents" else _UNITS[:3] + _UNITS[11:13])
        ],
        "bounds": [{"share": share, "bound": str(bound_of(share))} for share in _SHARES],
        "assignments": [_assignments(name, document) for name, document in _EXPERIMENTS.items()],
        "refused": [{"unit": "", "why": "empty"}, {"unit": [0xD800], "why": "half of a surrogate pair"}],
    }


def rendered() -> str:
    """Return the vectors as text."""
    return json.dumps(vectors(), indent=1, ensure_ascii=True) + "\n"


def _assignments(name: str, parts: dict[str, Any]) -> dict[str, Any]:
    assigner = Assigner(_experiment(parts), name=name)
    placed = [assigner.place(unit) for unit in (*map(str, range(1, 61)), *_UNITS[4:-1])]
    return {
        "experiment": name,
        **parts,
        "units": [
            {"unit": each.unit, "arm": each.arm, "reason": each.reason and each.reason.value}
            for each in placed
        ],
    }


def _experiment(parts: dict[str, Any]) -> Experiment:
    """Return a book with these parts; what else it says assigns nobody."""
    arms = {arm["name"]: {"weight": arm["weight"]} for arm in parts["arms"]}
    rest = {
        "title": "vectors",
        "hypothesis": "two implementations agree",
        "owner": "opsctl",
        "decision": "whichever disagrees is wrong",
        "control": next(name for name, arm in arms.items() if arm["weight"]),
        "horizon": "7d",
        "metrics": {"clicks": {"kind": "mean", "events": ["click"], "role": "primary"}},
    }
    return Experiment.model_validate(parts | rest | {"arms": arms})


_EXPERIMENTS: dict[str, dict[str, Any]] = {
    "halves": {
        "arms": [{"name": "control", "weight": 0.5}, {"name": "treatment", "weight": 0.5}],
        "holdout": 0.0,
        "layers": {},
        "ramp": 1.0,
    },
    "everything": {
        "arms": [
            {"name": "zeta", "weight": 0.1},
            {"name": "nobody", "weight": 0.0},
            {"name": "alpha", "weight": 0.2},
            {"name": "control", "weight": 0.7},
        ],
        "holdout": 0.1,
        "layers": {"ranking": {"start": 0.0, "end": 0.8}, "surface": {"start": 0.1, "end": 1.0}},
        "ramp": 0.9,
    },
}


if __name__ == "__main__":
    sys.stdout.write(rendered())
