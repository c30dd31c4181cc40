"""Can the service do its work: the answer for load balancers."""

from fastapi import FastAPI, Response

from opsctl.service.api.encode import to_json
from opsctl.service.api.outgoing import ReadyAnswer
from opsctl.service.api.ports import Readiness
from opsctl.service.api.problem import NOT_READY, ProblemError

# Without L2 every feed is still answered, only more slowly: no reason to take the service out of a load balancer.
_SPARED = frozenset({"l2"})


def add_ready_routes(api: FastAPI, *, readiness: Readiness) -> None:
    """Add `/readyz`."""

    @api.get("/readyz", operation_id="getReadiness", tags=["state"], responses={200: {"model": ReadyAnswer}})
    async def get_readiness() -> Response:
        """Tell whether the service can do its work; 503 with the reasons where it cannot. L2 is told of, not required."""
        found = dict(await readiness.check())
        if missing := sorted(name for name, state in found.items() if state != "ok" and name not in _SPARED):
            raise ProblemError(
                kind=NOT_READY,
                detail=f"not there: {', '.join(missing)}",
                headers={"Retry-After": "1"},
                extra={"dependencies": found},
            )
        return Response(to_json({"status": "ready", "dependencies": found}), media_type="application/json")
