"""How does the contract look to people: one HTML page without scripts and without anything from elsewhere."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from opsctl import assets
from opsctl.service.api.contract import PROBLEMS, REFUSALS

_EVERYWHERE: Final = frozenset(refusal.name for refusal in REFUSALS if refusal.operations is None)

_BOUNDS: Final = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "maxLength": "at most {} characters",
    "minItems": "at least {} of them",
    "maxItems": "at most {} of them",
    "pattern": "pattern `{}`",
    "default": "default `{}`",
}


def render_page(document: dict[str, Any]) -> str:
    """Return the page of an OpenAPI document."""
    environment = Environment(
        loader=FileSystemLoader(assets.templates() / "service"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"prose": _prose, "pretty": _pretty}
    return environment.get_template("docs.html.j2").render(
        document=document,
        groups=[(tag, list(_operations(document, tag["name"]))) for tag in document["tags"]],
        schemas={name: _rows(schema) for name, schema in document["components"]["schemas"].items()},
        problems=PROBLEMS,
    )


def _operations(document: dict[str, Any], tag: str) -> Iterator[dict[str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield {
                    "id": operation["operationId"],
                    "method": method.upper(),
                    "path": path,
                    "description": operation.get("description", ""),
                    "parameters": [_parameter(each) for each in operation.get("parameters", [])],
                    "body": _body(operation.get("requestBody", {}), document),
                    "responses": [
                        _response(status, response, document)
                        for status, response in operation["responses"].items()
                        if _name(response) not in _EVERYWHERE
                    ],
                    "usual": [
                        status
                        for status, response in operation["responses"].items()
                        if _name(response) in _EVERYWHERE
                    ],
                }


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": parameter["name"],
        "place": parameter["in"],
        "required": parameter.get("required", False),
        "type": _type(parameter["schema"]),
        "description": parameter.get("description", ""),
    }


def _body(described: dict[str, Any], document: dict[str, Any]) -> dict[str, Any] | None:
    for content in described.get("content", {}).values():
        schema = _resolved(content["schema"], document)
        return {"type": _type(content["schema"]), "example": (schema.get("examples") or [None])[0]}
    return None


def _response(status: str, response: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    found = _resolved(response, document)
    contents = list(found.get("content", {}).items())
    return {
        "status": status,
        "description": found["description"],
        "media": contents[0][0] if contents else "",
        "type": _type(contents[0][1]["schema"]) if contents else "",
        "headers": list(found.get("headers", {})),
    }


def _name(part: dict[str, Any]) -> str:
    return str(part.get("$ref", "")).rpartition("/")[2]


def _resolved(part: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in part:
        return part
    found: Any = document
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


def _rows(schema: dict[str, Any]) -> dict[str, Any]:
    required = schema.get("required", [])
    return {
        "description": schema.get("description", ""),
        "values": schema.get("enum", []),
        "fields": [
            {
                "name": name,
                "type": _type(field),
                "required": name in required,
                "description": field.get("description", ""),
            }
            for name, field in schema.get("properties", {}).items()
        ],
    }


def _type(schema: dict[str, Any]) -> Markup:
    """Return the kind of a value with its bounds, in words."""
    if "$ref" in schema:
        return Markup('<a href="#schema-{0}">{0}</a>').format(_name(schema))
    if "anyOf" in schema:
        return Markup(" or ").join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return Markup(" | ").join(Markup("<code>{}</code>").format(value) for value in schema["enum"])
    bounds = [
        _inline(text.format(schema[key])) for key, text in _BOUNDS.items() if schema.get(key) is not None
    ]
    kind = escape(schema.get("format") or schema.get("type", "anything"))
    if schema.get("type") == "array":
        kind = Markup("list of ") + _type(schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        kind = Markup("object, each value ") + _type(schema["additionalProperties"])
    return Markup(", ").join([kind, *bounds])


def _prose(text: str) -> Markup:
    """Return paragraphs and lists of the little Markdown that our descriptions use."""
    blocks = []
    for block in text.strip().split("\n\n"):
        lines = block.splitlines()
        if lines and all(line.startswith("- ") for line in lines):
            entries = Markup().join(Markup("<li>{}</li>").format(_inline(line[2:])) for line in lines)
            blocks.append(Markup("<ul>{}</ul>").format(entries))
        else:
            blocks.append(Markup("<p>{}</p>").format(_inline(" ".join(lines))))
    return Markup("\n").join(blocks)


def _inline(text: str) -> Markup:
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", marked))  # noqa: S704 - escaped above


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
