"""What a payload index is called by the engine, and how the engine's answer is shown."""

from typing import TYPE_CHECKING, Any

from opsctl.stack.vector_node.engine_values import engine_enum

if TYPE_CHECKING:
    import qdrant_edge as edge
    from qdrant_client.http import models

_SHOWN_FIELDS = (
    "is_tenant", "is_principal", "lookup", "range", "on_disk", "enable_hnsw", "prefix", "nested",
    "min_token_len", "max_token_len", "lowercase", "ascii_folding", "phrase_matching",
)  # fmt: skip


def engine_index(asked: "models.PayloadFieldSchema") -> Any:
    """Return the engine's kind or parameters of a payload index."""
    import qdrant_edge as edge
    from qdrant_client.http import models

    if isinstance(asked, models.PayloadSchemaType):
        return engine_enum(edge.PayloadSchemaType, asked)
    kinds: dict[type, type] = {
        models.KeywordIndexParams: edge.KeywordIndexParams,
        models.IntegerIndexParams: edge.IntegerIndexParams,
        models.FloatIndexParams: edge.FloatIndexParams,
        models.GeoIndexParams: edge.GeoIndexParams,
        models.BoolIndexParams: edge.BoolIndexParams,
        models.DatetimeIndexParams: edge.DatetimeIndexParams,
        models.UuidIndexParams: edge.UuidIndexParams,
        models.TextIndexParams: edge.TextIndexParams,
    }
    values: dict[str, Any] = {name: value for name, value in asked if value is not None and name != "type"}
    if "memory" in values:
        values["memory"] = engine_enum(edge.Memory, values["memory"])
    if isinstance(asked, models.TextIndexParams):
        values |= _text_values(asked)
    return kinds[type(asked)](**values)


def shown_index(info: "edge.PayloadIndexInfo") -> dict[str, Any]:
    """Return the entry of `payload_schema` for one field."""
    kind = repr(info.data_type).rpartition(".")[2].lower()
    shown: dict[str, Any] = {"data_type": kind, "points": info.points}
    if info.params is None:
        return shown
    values = {name: getattr(info.params, name, None) for name in _SHOWN_FIELDS}
    params = {name: value for name, value in values.items() if value is not None}
    if kind == "text":
        params["tokenizer"] = repr(info.params.tokenizer).rpartition(".")[2].lower()  # type: ignore[union-attr]
    return shown | {"params": {"type": kind} | params}


def _text_values(asked: "models.TextIndexParams") -> dict[str, Any]:
    import qdrant_edge as edge
    from qdrant_client.http import models

    values: dict[str, Any] = {}
    if asked.tokenizer is not None:
        values["tokenizer"] = engine_enum(edge.TokenizerType, asked.tokenizer)
    if isinstance(asked.stopwords, models.Language):
        values["stopwords"] = engine_enum(edge.Language, asked.stopwords)
    elif asked.stopwords is not None:
        languages = {engine_enum(edge.Language, each) for each in asked.stopwords.languages or []}
        values["stopwords"] = edge.StopwordsSet(languages=languages, custom=set(asked.stopwords.custom or []))
    if isinstance(asked.stemmer, models.SnowballParams):
        values["stemmer"] = edge.SnowballParams(engine_enum(edge.SnowballLanguage, asked.stemmer.language))
    elif asked.stemmer is not None:
        values["stemmer"] = edge.DisabledStemmer()
    if isinstance(asked.scoring, models.TextScoringParams):
        values["scoring"] = edge.TextScoringParams()
    return values
