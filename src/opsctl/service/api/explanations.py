"""What the problem codes of the service mean; the same words as in its documentation."""

from opsctl.service.api.problem import ALL

EXPLANATIONS: dict[str, str] = {
    kind.code: f"The service answers {kind.status}: {kind.title}.\n\n{kind.meaning}" for kind in ALL
}
