"""What the problem codes mean that only the edge raises."""

from opsctl.service.edge.problems import LARGE_HEADERS, LONG_ADDRESS, PREFLIGHT

EXPLANATIONS: dict[str, str] = {
    kind.code: f"The service answers {kind.status}: {kind.title}.\n\n{kind.meaning}"
    for kind in (LONG_ADDRESS, LARGE_HEADERS, PREFLIGHT)
}
