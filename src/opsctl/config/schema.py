"""What may stand in a book: JSON Schemas rendered from the models, committed so that editors can use them."""

import ast
import inspect
import json
from functools import cache
from types import ModuleType
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue


def render_schema(model: type[BaseModel], *, name: str) -> str:
    """Return the JSON Schema (2020-12) of a book, sorted and ending with a newline."""
    schema = model.model_json_schema(schema_generator=_Documented)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"opsctl:{name}", **schema}
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


class _Documented(GenerateJsonSchema):
    """Describes each key by the docstring under its field.

    Pydantic's own `use_attribute_docstrings` parses the source of every model whenever one is imported: a third of the time
    of a command that reads books.
    """

    def model_schema(self, schema: Any) -> JsonSchemaValue:
        """Return the schema of a model, its keys described."""
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        for field, text in documentation(model).items():
            key = model.model_fields[field].alias or field
            if key in made.get("properties", {}):
                made["properties"][key].setdefault("description", text)
        return made


def documentation(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstrings under the fields of a model and of those that it inherits from, by field."""
    texts: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, BaseModel) and each is not BaseModel:
            texts |= _documented_fields(inspect.getmodule(each)).get(each.__qualname__, {})
    return {field: text for field, text in texts.items() if field in model.model_fields}


@cache
def _documented_fields(module: ModuleType | None) -> dict[str, dict[str, str]]:
    """Return the docstrings under annotated names of each class at the top of a module."""
    tree = ast.parse(inspect.getsource(module)) if module else ast.Module(body=[], type_ignores=[])
    return {each.name: _docstrings(each) for each in tree.body if isinstance(each, ast.ClassDef)}


def _docstrings(definition: ast.ClassDef) -> dict[str, str]:
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for field, below in zip(definition.body, definition.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if isinstance(below.value.value, str)
    }
