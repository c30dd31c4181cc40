"""What may stand in a book: JSON Schemas rendered from the models, committed so that editors can use them."""

import json

from pydantic import BaseModel


def render_schema(model: type[BaseModel], *, name: str) -> str:
    """Return the JSON Schema (2020-12) of a book, sorted and ending with a newline."""
    schema = model.model_json_schema()
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"opsctl:{name}", **schema}
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
