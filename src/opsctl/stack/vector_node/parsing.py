"""How a request body becomes a value: strict JSON, Qdrant's own models, and vectors of finite float32 numbers."""

from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from opsctl.stack.vector_node.api_error import ApiError

if TYPE_CHECKING:
    from pydantic import BaseModel

Model = TypeVar("Model", bound="BaseModel")
LARGEST_FLOAT32 = 3.4028234663852886e38
DEEPEST_PAYLOAD = 100
_MOST_PROBLEMS_TOLD = 3


def parse_json(body: bytes) -> Any:
    """Return the JSON value of a body; NaN, Infinity and anything malformed are refused."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"Format error in JSON body: {error}") from error


def parse_model(kind: type[Model], body: bytes) -> Model:
    """Return the body as one of qdrant_client's models."""
    return validate(kind, parse_json(body))


def validate(kind: type[Model], document: Any) -> Model:
    """Return a decoded JSON value as a model; the first problems are told with their place."""
    from pydantic import ValidationError

    try:
        return kind.model_validate(document)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        told = "; ".join(
            f"{'.'.join(str(step) for step in each['loc']) or 'body'}: {each['msg']}"
            for each in problems[:_MOST_PROBLEMS_TOLD]
        )
        raise ApiError(400, f"Format error in JSON body: {told}") from error


def check_finite(vector: list[float]) -> None:
    """Refuse numbers that a float32 cannot hold: the engine would store infinities."""
    if vector and not (min(vector) >= -LARGEST_FLOAT32 and max(vector) <= LARGEST_FLOAT32):
        raise ApiError(400, "Wrong input: a vector holds a number outside the range of float32")


def check_depth(payload: dict[str, Any] | None, *, below: int = 0) -> None:
    """Refuse a payload, `below` so many levels, nested too deep: the engine stores it and dies when it reads it.

    The engine reads payloads back with a limit of 127 levels; Qdrant's own REST door refuses such bodies too.
    """
    level: list[Any] = [payload] if payload else []
    depth = below
    while level:
        depth += 1
        if depth > DEEPEST_PAYLOAD:
            raise ApiError(400, f"Wrong input: a payload is nested deeper than {DEEPEST_PAYLOAD} levels")
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) is dict or type(child) is list
        ]


def refuse_shard_key(shard_key: object) -> None:
    """Refuse a shard key: there are none on one machine."""
    if shard_key is not None:
        raise ApiError(400, "Bad request: the vector node is one machine; shard keys need a Qdrant cluster")
