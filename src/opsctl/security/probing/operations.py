"""Which operations does a service say it has, and how does a good request to each look."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

_METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of an operation: `where` is path, query or header."""

    name: str
    where: str
    example: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation of the contract.

    Args:
        path: with the names of its parameters, such as `/v1/feed/{user_id}`.
        needs_key: the contract asks for one.
        body: an example of its body; None where it takes none.
    """

    method: str
    path: str
    needs_key: bool
    parameters: Sequence[Parameter]
    body: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def reads(self) -> bool:
        """Tell whether it changes nothing."""
        return self.method in {"GET", "HEAD"}

    def with_values(self, values: Mapping[str, Any]) -> "Operation":
        """Return the operation with other values of its parameters."""
        parameters = [
            replace(each, example=values[each.name]) if each.name in values else each
            for each in self.parameters
        ]
        return replace(self, parameters=parameters)

    def target(self, *, only_path: bool = False) -> str:
        """Return path and query; what a value holds is encoded."""
        path, query = self.path, []
        for each in self.parameters:
            text = quote(str(each.example), safe="")
            if each.where == "path":
                path = path.replace(f"{{{each.name}}}", text)
            elif each.where == "query" and not only_path:
                query.append(f"{quote(each.name, safe='')}={text}")
        return path + (f"?{'&'.join(query)}" if query else "")

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers that are parameters."""
        return [(each.name, str(each.example)) for each in self.parameters if each.where == "header"]

    def body_bytes(self) -> bytes | None:
        """Return the example of its body."""
        return None if self.body is None else json.dumps(self.body).encode()


def operations_of(document: Mapping[str, Any]) -> list[Operation]:
    """Return every operation of an OpenAPI document, in its order."""
    return [
        _operation(method.upper(), path, described, document=document)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
        if method in _METHODS
    ]


def leaves_of(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Return every value of a JSON document that holds no others, with its place."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves_of(inner, (*at, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves_of(inner, (*at, index))
    else:
        yield at, value


def with_leaf(value: Any, at: Sequence[str | int], new: Any) -> Any:
    """Return the document with one value replaced."""
    if not at:
        return new
    first, rest = at[0], at[1:]
    if isinstance(value, dict):
        return {
            name: with_leaf(inner, rest, new) if name == first else inner for name, inner in value.items()
        }
    return [with_leaf(inner, rest, new) if index == first else inner for index, inner in enumerate(value)]


def _operation(
    method: str, path: str, described: Mapping[str, Any], *, document: Mapping[str, Any]
) -> Operation:
    parameters = [_resolved(each, document) for each in described.get("parameters", ())]
    security = described.get("security", document.get("security", ()))
    return Operation(
        method=method,
        path=path,
        needs_key=bool(security) and {} not in security,
        parameters=[
            Parameter(name=each["name"], where=each["in"], example=_parameter_example(each))
            for each in parameters
        ],
        body=_body_example(described, document),
    )


def _parameter_example(parameter: Mapping[str, Any]) -> Any:
    schema = parameter.get("schema", {})
    for found in (parameter.get("example"), schema.get("default"), *schema.get("examples", ())):
        if found is not None:
            return found
    return 1 if schema.get("type") == "integer" else "a"


def _body_example(described: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
    content = described.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    schema = _resolved(content.get("schema", {}), document)
    return next(iter(schema.get("examples", ())), {})


def _resolved(value: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a `$ref` into the same document stands for."""
    reference = value.get("$ref", "")
    if not reference.startswith("#/"):
        return value
    found: Any = document
    for name in reference[2:].split("/"):
        found = found[name]
    return found if isinstance(found, dict) else {}
