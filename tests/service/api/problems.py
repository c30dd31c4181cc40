"""What every problem has in common, asked of each answer that is one."""

from typing import Any

from httpx import Response

from opsctl.service.api.outgoing import ProblemAnswer
from opsctl.service.api.problem import ProblemKind


def problem_of(answer: Response, kind: ProblemKind) -> dict[str, Any]:
    """Return the document of an answer that must be a problem of this kind."""
    assert answer.status_code == kind.status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < 10_000
    document: dict[str, Any] = answer.json()
    ProblemAnswer.model_validate(document)
    assert document["code"] == kind.code
    assert document["title"] == kind.title
    assert document["status"] == kind.status
    assert document["type"] == f"/docs#{kind.code.lower()}"
    return document


def places(document: dict[str, Any]) -> list[str]:
    """Return the pointers and parameters that a problem names."""
    return [error.get("pointer") or error["parameter"] for error in document["errors"]]
