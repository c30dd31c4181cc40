"""An error says the same in every process."""

import pickle

from opsctl.core.errors import RefusedError
from opsctl.core.findings import Finding, Location, Severity


def test_an_error_crosses_to_another_process_whole() -> None:
    """With code, reason, next step, place and findings: a worker's refusal is told as if it were our own."""
    place = Location(file="ops/experiments/x.yaml", line=3, column=5)
    finding = Finding(code="EXP125", severity=Severity.ERROR, title="a key is unknown", location=place)
    error = RefusedError(
        "two settings are wrong",
        code="EXP125",
        why="nobody knows them",
        fix="mend them",
        location=place,
        findings=[finding],
    )

    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

    assert type(again) is RefusedError
    assert vars(again) == vars(error)
    assert str(again) == "two settings are wrong"
