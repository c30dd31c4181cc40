"""How is a JSON Schema said in a few words: its type, and the limits of its values?"""

from collections.abc import Iterator, Mapping
from typing import Any


def type_of(schema: Mapping[str, Any]) -> str:
    """Return the type of a value in Markdown, a link where it has a section of its own.

    >>> type_of({"type": "array", "items": {"type": "string"}}), type_of({"$ref": "#/components/schemas/Tier"})
    ('list of string', '[Tier](#tier)')
    >>> type_of({"anyOf": [{"type": "number"}, {"type": "null"}]}), type_of({"type": "string", "format": "date-time"})
    ('number or null', 'string (date-time)')
    """
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    either = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    return " or ".join(type_of(each) for each in either) if either else _plain_type(schema)


def _plain_type(schema: Mapping[str, Any]) -> str:
    match schema.get("type"):
        case "array":
            return f"list of {type_of(schema.get('items', {}))}"
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return f"map to {type_of(schema['additionalProperties'])}"
        case str(name):
            return f"{name} ({schema['format']})" if "format" in schema else name
        case list(names):
            return " or ".join(names)
        case _:
            return "constant" if "const" in schema else "any"


def limits_of(schema: Mapping[str, Any]) -> str:
    r"""Return the limits of a value as sentences that begin with a space; empty where it has none.

    >>> limits_of({"type": "integer", "minimum": 1, "maximum": 100, "default": 20})
    ' From 1 to 100. Default `20`.'
    >>> limits_of({"anyOf": [{"type": "string", "maxLength": 80}, {"type": "null"}]})
    ' At most 80 characters.'
    """
    return "".join(f" {sentence}." for sentence in _sentences(schema))


def _sentences(schema: Mapping[str, Any]) -> Iterator[str]:
    for each in [schema, *schema.get("anyOf", ())]:
        yield from _range(each.get("minimum"), each.get("maximum"), "")
        yield from _range(each.get("minLength"), each.get("maxLength"), " characters")
        yield from _range(each.get("minItems"), each.get("maxItems"), " items")
        if "pattern" in each:
            yield f"Matches `{each['pattern']}`"
        if "enum" in each:
            yield "One of " + ", ".join(f"`{value}`" for value in each["enum"])
        if "const" in each:
            yield f"Always `{each['const']}`"
    if "items" in schema and (within := limits_of(schema["items"])):
        yield f"Each:{within.removesuffix('.')}"
    if "default" in schema:
        yield f"Default `{_shown(schema['default'])}`"


def _range(least: float | None, most: float | None, unit: str) -> Iterator[str]:
    if least is not None and most is not None:
        yield f"From {_number(least)} to {_number(most)}{unit}"
    elif most is not None:
        yield f"At most {_number(most)}{unit}"
    elif least is not None:
        yield f"At least {_number(least)}{unit}"


def _number(value: float) -> str:
    """Return a bound; what is written as a float for lack of integers of that size is shown as the integer that it is.

    >>> _number(9.223372036854776e+18), _number(1.0), _number(0.5)
    ('2^63 - 1', '1', '0.5')
    """
    if value >= 2**63 - 1:
        return "2^63 - 1"
    return f"{value:.0f}" if float(value).is_integer() else f"{value}"


def _shown(value: Any) -> str:
    import json

    return json.dumps(value)
