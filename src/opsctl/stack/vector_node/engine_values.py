"""How a value of Qdrant's REST models is spelled for the engine: enums by name, parameter classes by field."""

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from opsctl.stack.vector_node.api_error import ApiError

if TYPE_CHECKING:
    from pydantic import BaseModel

Engine = TypeVar("Engine")


def engine_enum(kind: type[Engine], value: object) -> Engine:
    """Return the member of an engine enum that a REST value such as `scalar4bits` names."""
    members = _members(kind)  # type: ignore[arg-type]  # classes are hashable
    name = _plain(getattr(value, "value", str(value)))
    if name not in members:
        raise ApiError(501, f"Not implemented: the engine has no {kind.__name__} `{value}`")
    member: Engine = members[name]
    return member


def engine_params(kind: type[Engine], asked: "BaseModel", **enums: type) -> Engine:
    """Build an engine parameter class from a model with the same field names; a field it lacks is refused.

    Args:
        kind: the engine's class.
        asked: the model; its tag `type` is left out, and so is what is None.
        enums: which fields are enums, and of which engine class.
    """
    values: dict[str, Any] = {name: value for name, value in asked if value is not None and name != "type"}
    for name in values.keys() & enums.keys():
        values[name] = engine_enum(enums[name], values[name])
    return kind(**values)


@cache
def _members(kind: type) -> dict[str, Any]:
    return {_plain(name): getattr(kind, name) for name in dir(kind) if not name.startswith("_")}


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
