"""What does every call of the service take and answer: `docs/openapi.md`, rendered from `docs/openapi.json`."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from opsctl.documentation.openapi_types import limits_of, type_of

_METHODS = ("get", "put", "post", "patch", "delete")
_HEAD = (
    "# Every call of the API\n\n"
    "Rendered by `make docs` from [openapi.json](openapi.json), the OpenAPI 3.1 document that the service has at `/openapi.json` too.\n"
    "[The API for its clients](api.md) tells how it is used.\n"
)


def render_openapi(document: Mapping[str, Any]) -> str:
    """Return the Markdown page of an OpenAPI document; a test keeps the committed one equal to it."""
    parts = (
        _HEAD,
        _about(document),
        _calls(document),
        _shared(document),
        _schemas(document),
        _headers(document),
    )
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _about(document: Mapping[str, Any]) -> str:
    return f"Version {document['info']['version']}. {document['info']['description']}\n"


def _calls(document: Mapping[str, Any]) -> str:
    calls = list(_each_call(document))
    rows = [
        f"| [`{name}`](#{_anchor(name)}) | {_first_sentence(call['description'])} |"
        for name, call, _ in calls
    ]
    overview = _table("## Calls", ("call", "what it does"), rows)
    return "\n".join([overview, *(_call(name, call, shared) for name, call, shared in calls)])


def _each_call(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], list[Any]]]:
    """Yield each call with its name and the parameters that its path gives to all of its calls."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method], item.get("parameters", [])


def _call(name: str, call: Mapping[str, Any], shared: list[Any]) -> str:
    parts = [f"### {name}\n", f"{call['description']}\n", f"{_key(call)}\n"]
    parameters = [*shared, *call.get("parameters", [])]
    if parameters:
        parts.append(
            _table(
                "**Parameters**", ("name", "in", "type", "meaning"), [_parameter(each) for each in parameters]
            )
        )
    if "requestBody" in call:
        parts.append(f"**Body**: {_bodies(call['requestBody'])}\n")
    rows = [_answer(status, each) for status, each in call["responses"].items() if "$ref" not in each]
    parts.append(_table("**Answers**", ("status", "meaning", "body", "headers"), rows))
    problems = [_problem(status, each) for status, each in call["responses"].items() if "$ref" in each]
    if problems:
        parts.append(f"**Problems**: {', '.join(problems)}.\n")
    return "\n".join(parts)


def _key(call: Mapping[str, Any]) -> str:
    return "Needs a key." if call.get("security") else "Needs no key."


def _parameter(parameter: Mapping[str, Any]) -> str:
    required = "required; " if parameter.get("required") and parameter["in"] != "path" else ""
    example = f" Such as `{parameter['example']}`." if "example" in parameter else ""
    meaning = f"{required}{parameter.get('description', '')}{example}{limits_of(parameter['schema'])}"
    return _row(f"`{parameter['name']}`", parameter["in"], type_of(parameter["schema"]), meaning)


def _answer(status: str, answer: Mapping[str, Any]) -> str:
    return _row(status, answer["description"], _bodies(answer), _names_of_headers(answer))


def _names_of_headers(answer: Mapping[str, Any]) -> str:
    return ", ".join(f"[{name}](#headers)" for name in answer.get("headers", {}))


def _problem(status: str, answer: Mapping[str, Any]) -> str:
    name = answer["$ref"].rpartition("/")[2]
    return f"{status} [{name}](#{_anchor(name)})"


def _bodies(holder: Mapping[str, Any]) -> str:
    """Return what a request or an answer carries, by its content type."""
    return ", ".join(
        f"{type_of(content.get('schema', {}))} as `{kind}`"
        for kind, content in holder.get("content", {}).items()
    )


def _shared(document: Mapping[str, Any]) -> str:
    parts = [
        "## Problems\n",
        "Answers that several calls give, each with the codes that stand in its `code`.\n",
    ]
    for name, answer in document["components"].get("responses", {}).items():
        told = f"{_bodies(answer)}; headers: {_names_of_headers(answer) or 'none'}"
        parts.append(f"### {name}\n\n{answer['description']}\n\n{told}\n")
    return "\n".join(parts)


def _schemas(document: Mapping[str, Any]) -> str:
    schemas = document["components"].get("schemas", {})
    return "\n".join(["## Bodies\n", *(_schema(name, schema) for name, schema in schemas.items())])


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    parts = [f"### {name}\n", f"{schema.get('description', '')}\n"]
    required = schema.get("required", ())
    rows = [_field(field, value, field in required) for field, value in schema.get("properties", {}).items()]
    if rows:
        parts.append(_table("", ("field", "type", "meaning"), rows).lstrip("\n"))
    else:
        parts.append(f"{type_of(schema)}{limits_of(schema)}\n")
    parts += [
        f"```json\n{json.dumps(example, indent=2, ensure_ascii=False)}\n```\n"
        for example in schema.get("examples", ())
    ]
    return "\n".join(parts)


def _field(name: str, schema: Mapping[str, Any], is_required: bool) -> str:  # noqa: FBT001 - one row of a table
    meaning = (
        f"{'' if is_required else 'may be left out; '}{schema.get('description', '')}{limits_of(schema)}"
    )
    return _row(f"`{name}`", type_of(schema), meaning)


def _headers(document: Mapping[str, Any]) -> str:
    headers = document["components"].get("headers", {})
    rows = [
        _row(f"`{name}`", type_of(header["schema"]), header["description"], f"`{header.get('example', '')}`")
        for name, header in headers.items()
    ]
    return _table("## Headers", ("header", "type", "meaning", "such as"), rows)


def _table(title: str, columns: tuple[str, ...], rows: list[str]) -> str:
    head = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"
    return "\n".join([f"{title}\n", head, *rows]) + "\n"


def _row(*cells: str) -> str:
    """Return a line of a table; a bar or a line break within a cell would end it."""
    return f"| {' | '.join(' '.join(cell.replace('|', chr(92) + '|').split()) for cell in cells)} |"


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.)\s", text, maxsplit=1)[0]


def _anchor(title: str) -> str:
    """Return the anchor of a heading, as GitHub and our site make it.

    >>> _anchor("GET /v1/feed/{user_id}")
    'get-v1feeduser_id'
    """
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


if __name__ == "__main__":
    sys.stdout.write(render_openapi(json.load(sys.stdin)))
