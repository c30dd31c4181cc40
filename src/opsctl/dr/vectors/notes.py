"""What does a collection note about itself: its embedding, and how far it follows the outbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opsctl.clients.qdrant_values import CollectionState

# A derived generation keeps the notes of its source below this key.
_DERIVED = "opsctl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What the metadata of a collection says; None where it says nothing, as on a server older than 1.16."""

    embedding_model: str | None
    dimension: int | None
    watermark: str | None


def notes_of(state: CollectionState) -> Notes:
    """Return the notes of a source collection or of a derived generation.

    `dimension` is that of the vectors themselves.
    """
    derived = state.metadata.get(_DERIVED)
    places = [state.metadata, derived if isinstance(derived, Mapping) else {}]
    models = [_text(_mapping(place.get("embedding")).get("model")) for place in places]
    watermarks = [_text(place.get("watermark")) for place in places]
    sizes = [int(params["size"]) for _, params in sorted(state.vectors.items())]
    return Notes(
        embedding_model=next((model for model in models if model), None),
        dimension=sizes[0] if sizes else None,
        watermark=next((watermark for watermark in watermarks if watermark), None),
    )


def schema_of(state: CollectionState) -> dict[str, Any]:
    """Return the payload indexes without their counts, which change by themselves."""
    return {
        field: {key: value for key, value in schema.items() if key != "points"}
        for field, schema in sorted(state.payload_schema.items())
    }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
