"""What is answered when something is wrong: every exception becomes one problem, and no stack trace leaves."""

import logging
from collections.abc import Sequence
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from opsctl.core.errors import OpsError
from opsctl.service.api import problem as problems
from opsctl.service.api.ports import UnknownChoiceError, UnknownVendorError
from opsctl.service.api.problem import FieldError, ProblemError, problem_body
from opsctl.service.api.requests import invalid
from opsctl.service.telemetry.trace import current_trace

_log = logging.getLogger(__name__)

_SOON: Final = {"Retry-After": "1"}
_MOST_CHOICES: Final = 20
# Feeds search one collection that must be there: without it nobody has filled the catalogue yet.
_NO_SOURCE: Final = {
    "COL006": "there is nothing to search yet: `opsctl catalog generate` or `opsctl catalog import` fills the catalogue"
}


def handle_failures(api: FastAPI) -> None:
    """Let the application answer every failure with a problem."""
    for failure, handler in (
        (ProblemError, _on_problem),
        (RequestValidationError, _on_invalid),
        (HTTPException, _on_http),
        (UnknownChoiceError, _on_unknown_choice),
        (UnknownVendorError, _on_unknown_vendor),
        (OpsError, _on_unavailable),
        (TimeoutError, _on_timeout),
    ):
        api.add_exception_handler(failure, handler)
    api.add_middleware(LastResort)


class LastResort:
    """Answers what nobody foresaw with a bare 500; the log has the details."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_started = False

        async def watch(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception:
            # Whoever asked gets no more than this, so the details must be in the log.
            _log.exception("a request failed")
            if has_started:
                raise
            problem = ProblemError(kind=problems.INTERNAL, detail="the service failed; this is a defect")
            await answer_problem(problem, scope)(scope, receive, send)


def answer_problem(problem: ProblemError, scope: Scope) -> Response:
    """Return a problem as a response."""
    trace = current_trace()
    trace.facts["problem"] = problem.kind.code
    return Response(
        problem_body(problem, instance=scope["path"], request_id=trace.request_id),
        status_code=problem.kind.status,
        media_type=problems.MEDIA_TYPE,
        headers=dict(problem.headers),
    )


async def _on_problem(request: Request, failure: Any) -> Response:
    return answer_problem(failure, request.scope)


async def _on_invalid(request: Request, failure: Any) -> Response:
    errors = [FieldError(parameter=str(each["loc"][-1]), message=each["msg"]) for each in failure.errors()]
    return answer_problem(invalid(errors), request.scope)


async def _on_http(request: Request, failure: Any) -> Response:
    match failure.status_code:
        case 404:
            problem = ProblemError(kind=problems.NO_PATH, detail="see `/docs` for the paths there are")
        case 405:
            allowed = ", ".join(_allowed_methods(request))
            problem = ProblemError(
                kind=problems.METHOD, detail=f"this path has {allowed}", headers={"Allow": allowed}
            )
        case _:
            problem = ProblemError(kind=problems.MALFORMED, detail="the request cannot be read")
    return answer_problem(problem, request.scope)


def _allowed_methods(request: Request) -> Sequence[str]:
    """Return the methods of all routes of this path; the router itself looks at the first one only.

    HEAD is the edge's doing, which asks here for GET.
    """
    methods: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= set(route.methods)
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


async def _on_unknown_choice(request: Request, failure: Any) -> Response:
    listed = ", ".join(failure.choices[:_MOST_CHOICES])
    more = ", ..." if len(failure.choices) > _MOST_CHOICES else ""
    problem = ProblemError(
        kind=problems.UNKNOWN_CHOICE,
        detail=f"the catalogue has nothing of this {failure.field}",
        errors=[FieldError(parameter=failure.field, message=f"one of: {listed}{more}")],
    )
    return answer_problem(problem, request.scope)


async def _on_unknown_vendor(request: Request, _: Any) -> Response:
    problem = ProblemError(
        kind=problems.UNKNOWN_VENDOR,
        detail="an item needs a vendor that exists",
        errors=[FieldError(pointer="/vendor_id", message="there is no such vendor")],
    )
    return answer_problem(problem, request.scope)


async def _on_unavailable(request: Request, failure: Any) -> Response:
    # Its message may name addresses, which are the operator's business: the client gets the code alone.
    _log.error("%s: %s", failure.code, failure)
    what = _NO_SOURCE.get(failure.code, "something that the answer needs is not there")
    problem = ProblemError(
        kind=problems.UNAVAILABLE,
        detail=f"{what} ({failure.code})",
        headers=_SOON,
    )
    return answer_problem(problem, request.scope)


async def _on_timeout(request: Request, _: Any) -> Response:
    problem = ProblemError(
        kind=problems.TOO_LATE, detail="something that the answer needs took too long", headers=_SOON
    )
    return answer_problem(problem, request.scope)
