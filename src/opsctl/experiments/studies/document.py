"""How is a study written down beside its events, and read back."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from opsctl.clients.files import read_text
from opsctl.core.errors import UsageError
from opsctl.evidence.model import Evidence, Verdict, digest_of
from opsctl.experiments.studies.model import SIMULATED, Answer, Preference, Study, Variant, WorldResult

SIMULATE_KIND = "experiments.simulate"
FILE = "study.json"
_VALID_FOR = timedelta(days=365)


def to_text(study: Study) -> bytes:
    """Return a study as JSON; the same study gives the same bytes. What is no number becomes null."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(asdict(study), option=options)


def read_study(folder: Path, *, name: str) -> Study:
    """Read a study back.

    Raises:
        UsageError: EXP128 there is none, or it cannot be read.
    """
    path = folder / FILE
    fix = f"opsctl experiments simulate {name}"
    if not path.is_file():
        raise UsageError(f"`{name}` was not simulated", code="EXP128", fix=fix)
    try:
        return _study(orjson.loads(read_text(path)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"`{path}` is no study", code="EXP128", why=f"another version wrote it: {error}", fix=fix
        ) from error


def study_evidence(
    study: Study, *, figures: Mapping[str, Any], events: str, started_at: datetime, seconds: float
) -> Evidence:
    """Return the proof of a study: its figures, and the digests of everything that it says and of its events' manifest."""
    return Evidence(
        kind=SIMULATE_KIND,
        subject=study.name,
        verdict=Verdict.PASS,
        figures=dict(figures),
        inputs={
            "experiment": study.digest,
            "world": study.world,
            "study": digest_of(orjson.loads(to_text(study))),
            "events": events,
        },
        tools={},
        started_at=started_at,
        duration_seconds=seconds,
        valid_for=_VALID_FOR,
        simulated=SIMULATED,
    )


def _study(body: Mapping[str, Any]) -> Study:
    if not body["worlds"]:
        raise ValueError("it has no worlds")
    return Study(
        name=body["name"],
        digest=body["digest"],
        world=body["world"],
        started_at=datetime.fromisoformat(body["started_at"]),
        worlds=tuple(_world(each) for each in body["worlds"]),
        variants=tuple(
            Variant(name=each["name"], differences=_numbers(each["differences"])) for each in body["variants"]
        ),
        stands=tuple(body["stands"]),
        figures=body["figures"],
    )


def _world(body: Mapping[str, Any]) -> WorldResult:
    preference = body["preference"]
    return WorldResult(
        seed=body["seed"],
        answers=tuple(
            Answer(metric=each["metric"], arm=each["arm"], **_numbers(_without(each, "metric", "arm")))
            for each in body["answers"]
        ),
        regret={arm: _curve(values) for arm, values in body["regret"].items()},
        reward={arm: _curve(values) for arm, values in body["reward"].items()},
        best=_curve(body["best"]),
        preference=None if preference is None else Preference(**preference),
        leaks=tuple(leaks) if (leaks := body.get("leaks")) is not None else None,
    )


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """Return numbers; JSON has no word for what is none, so null stands for it."""
    return {key: float("nan") if value is None else float(value) for key, value in values.items()}


def _curve(values: Sequence[float | None]) -> tuple[float, ...]:
    return tuple(float("nan") if value is None else float(value) for value in values)


def _without(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in names}
