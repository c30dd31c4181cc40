"""Can the service do its work: the answer for load balancers."""

from fastapi import FastAPI, Response

from opsctl.service.api.encode import to_json
from opsctl.service.api.outgoing import ReadyAnswer
from opsctl.service.api.ports import Readiness
from opsctl.service.api.problem import NOT_READY, ProblemError

# Without L2 every feed is still answered, only more slowly: no reason to take the service out of a load balancer.
_SPARED = frozenset({"l2"})


def add_ready_routes(api: FastAPI, *, readiness: Readiness, has_tiers: bool) -> None:
    """Add `/readyz`.

    With tiers feeds go on without a dependency, once this worker has learnt what is popular and whose keys are good. All
    workers have the same dependencies, so calling them unready would make an outage of a degradation.
    """
    was_ready = False

    @api.get("/readyz", operation_id="getReadiness", tags=["state"], responses={200: {"model": ReadyAnswer}})
    async def get_readiness() -> Response:
        """Tell whether feeds are answered: `ready`, `degraded` while a lower tier stands in, else 503 with the reasons.

        A worker is ready for the first time once database and vectors are there. L2 is told of, not required.
        """
        nonlocal was_ready
        found = dict(await readiness.check())
        missing = sorted(name for name, state in found.items() if state != "ok" and name not in _SPARED)
        if missing and not (was_ready and has_tiers):
            raise ProblemError(
                kind=NOT_READY,
                detail=f"not there: {', '.join(missing)}",
                headers={"Retry-After": "1"},
                extra={"dependencies": found},
            )
        was_ready = True
        status = "degraded" if missing else "ready"
        return Response(to_json({"status": status, "dependencies": found}), media_type="application/json")
