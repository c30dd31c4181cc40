"""The base of everything that people write in YAML: strict, frozen, and documented under each field."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from opsctl.config.numbers import refuse_truth


class StrictModel(BaseModel):
    """A model that refuses unknown keys; the docstring under a field becomes its description in the schema.

    Built when it is first asked: a book is asked as a whole, so that its parts need no validator of their own.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        defer_build=True,
        allow_inf_nan=False,
        validate_default=True,
    )
    retired: ClassVar[Mapping[str, str]] = {}
    """Keys that an earlier version knew, with what to write instead; a book that has one is told so."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler, /) -> CoreSchema:
        """Return how the model is checked: as pydantic does, but a number is never `yes`."""
        schema = handler(source)
        refuse_truth(handler.resolve_ref_schema(schema))
        return schema
