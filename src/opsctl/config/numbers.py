"""Is a number written where one belongs: YAML reads `on` and `yes` as true, which would count as 1."""

from typing import Any

from pydantic_core import CoreSchema, core_schema

_NUMBERS = frozenset({"int", "float", "decimal"})


def refuse_truth(model: CoreSchema) -> None:
    """Let each number of a model refuse yes and no, in lists and maps too; where a truth value is allowed it stays so.

    Decided once, where the validator of the model is built; models in it have been asked themselves.
    """
    fields = _fields_of(model)
    for field in fields.values():
        field["schema"] = _refusing(field["schema"])


def no_truth(value: Any) -> Any:
    """Refuse `yes` and `true`.

    Raises:
        ValueError: that is what it is.
    """
    if isinstance(value, bool):
        meant = f"a number belongs here, not yes or no, on or off; write `{int(value)}` if that is meant"
        raise ValueError(meant)  # noqa: TRY004 - pydantic lets TypeErrors through
    return value


def _fields_of(schema: Any) -> dict[str, Any]:
    """Return the fields of a model, whatever validators of the whole stand around them."""
    while schema.get("type") != "model-fields":
        if "schema" not in schema:
            return {}
        schema = schema["schema"]
    fields: dict[str, Any] = schema["fields"]
    return fields


def _refusing(schema: Any) -> Any:
    """Return the schema of a value in which each number refuses; the same where it has none."""
    if schema["type"] in _NUMBERS or _is_union_with_numbers(schema):
        return core_schema.no_info_before_validator_function(no_truth, schema)
    if _is_refusing(schema) or schema["type"] in ("model", "definition-ref"):
        return schema
    parts: dict[str, Any] = {
        key: _refusing(schema[key])
        for key in ("schema", "items_schema", "values_schema")
        if isinstance(schema.get(key), dict)
    }
    if isinstance(schema.get("items_schema"), list):
        parts["items_schema"] = [_refusing(each) for each in schema["items_schema"]]
    return {**schema, **parts} if parts else schema


def _is_refusing(schema: Any) -> bool:
    """Tell whether it was asked before: a model that was built once is part of others as it is."""
    return schema["type"] == "function-before" and schema["function"]["function"] is no_truth


def _is_union_with_numbers(schema: Any) -> bool:
    """Tell whether one of several kinds is a number and none a truth value; it refuses as a whole, so its kinds keep their names."""
    if schema["type"] != "union":
        return False
    kinds = {_kind_of(choice[0] if isinstance(choice, tuple) else choice) for choice in schema["choices"]}
    return bool(kinds & _NUMBERS) and "bool" not in kinds


def _kind_of(schema: Any) -> str:
    """Return what a value is beneath the functions that look at it."""
    while schema["type"].startswith("function-") and "schema" in schema:
        schema = schema["schema"]
    kind: str = schema["type"]
    return kind
