"""How is a request read: strict JSON into a model, no parameter twice or unknown, everything in UTF-8."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, unquote_to_bytes

import orjson
from fastapi import Request
from pydantic import BaseModel, ValidationError

from opsctl.service.api.problem import INVALID, MALFORMED, MEDIA, FieldError, ProblemError

_Model = TypeVar("_Model", bound=BaseModel)

SCHEMA_ADDRESS: Final = "#/components/schemas/{model}"

_MOST_PARAMETERS: Final = 50


def json_body(model: type[_Model]) -> Callable[[Request], Awaitable[_Model]]:
    """Return a dependency that reads the body as this model."""

    async def read(request: Request) -> _Model:
        _require_json(request)
        raw = await request.body()
        try:
            # pydantic's own parser takes NaN and Infinity, which are not JSON.
            orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise ProblemError(
                kind=MALFORMED, detail=f"the body is not JSON in UTF-8: {error.msg} at {where}"
            ) from error
        try:
            return model.model_validate_json(raw)
        except ValidationError as error:
            raise invalid(
                [
                    FieldError(pointer=json_pointer(each["loc"]), message=each["msg"])
                    for each in error.errors(include_url=False, include_context=False, include_input=False)
                ]
            ) from error

    return read


def described_body(model: type[BaseModel]) -> dict[str, Any]:
    """Return what the route of such a body adds to the OpenAPI document."""
    content = {"application/json": {"schema": model.model_json_schema(ref_template=SCHEMA_ADDRESS)}}
    return {"requestBody": {"required": True, "content": content}}


async def check_query(request: Request) -> None:
    """Refuse parameters that the route does not have, or has once but was given twice."""
    raw = request.scope["query_string"]
    try:
        unquote_to_bytes(raw).decode()
        given = [
            name
            for name, _ in parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
        ]
    except ValueError as error:
        raise ProblemError(
            kind=MALFORMED,
            detail=f"the query string is not UTF-8, or has more than {_MOST_PARAMETERS} parameters",
        ) from error
    known = {field.alias for field in request.scope["route"].dependant.query_params}
    errors = [
        FieldError(parameter=name, message="there is no such parameter")
        for name in given
        if name not in known
    ]
    errors += [
        FieldError(parameter=name, message="given more than once")
        for name in sorted(known)
        if given.count(name) > 1
    ]
    if errors:
        raise invalid(errors)


def invalid(errors: list[FieldError]) -> ProblemError:
    """Return the problem of a request that does not keep to the contract."""
    parts = "1 part of the request does" if len(errors) == 1 else f"{len(errors)} parts of the request do"
    return ProblemError(kind=INVALID, detail=f"{parts} not keep to the contract", errors=errors)


def json_pointer(location: tuple[int | str, ...]) -> str:
    """Return a place in a document as RFC 6901 writes it.

    >>> json_pointer(("interactions", 3, "a/b~c"))
    '/interactions/3/a~1b~0c'
    """
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def _require_json(request: Request) -> None:
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace(" ", "").replace('"', "")
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if (
        kind.strip().lower() != "application/json"
        or charset not in {"", "charset=utf-8"}
        or encoding != "identity"
    ):
        raise ProblemError(
            kind=MEDIA, detail="send `Content-Type: application/json`, in UTF-8 and not compressed"
        )
