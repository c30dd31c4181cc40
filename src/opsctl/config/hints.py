"""How is it spelled right: the nearest key that is known, and how a value is written that was meant otherwise."""

import difflib
import json
import re
import typing
from types import UnionType
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from opsctl.config.model import StrictModel

Path = tuple[str | int, ...]

_PERCENT = re.compile(r"\s*(?P<number>\d{1,9}(\.\d{1,9})?)\s*%\s*")
_LONGEST_VALUE = 80


def nearest_key(model: type[BaseModel], path: Path) -> str | None:
    """Return the known key that an unknown one at `path` resembles."""
    close = difflib.get_close_matches(str(path[-1]), sorted(known_keys(model, path[:-1])), n=1)
    return close[0] if close else None


def known_keys(model: type[BaseModel], path: Path) -> set[str]:
    """Return the keys that the model at the end of `path` knows, looking through lists, maps and unions."""
    return {key for current in _models_at(model, path) for key in _keys(current)}


def retired_key(model: type[BaseModel], path: Path) -> str | None:
    """Return what to write instead of a key that an earlier version knew; None where none did."""
    models = [each for each in _models_at(model, path[:-1]) if issubclass(each, StrictModel)]
    return next((each.retired[str(path[-1])] for each in models if path[-1] in each.retired), None)


def right_value(detail: dict[str, Any], *, path: Path, model: type[BaseModel]) -> str | None:
    """Return how a value is written of which pydantic says in `detail` that it is none; None where nobody can tell."""
    match detail["type"]:
        case "model_type" | "dict_type" | "no_kind_fits":
            return _right_map(detail["input"], models=_own_models(model, path))
        case "list_type" | "tuple_type":
            return _right_list(detail["input"], models=_own_models(model, path))
        case "less_than" | "less_than_equal" | "float_parsing":
            return _right_share(detail)
        case _:
            return None


def _right_map(value: object, *, models: list[type[BaseModel]]) -> str | None:
    """Write a bare value as the map that it stands for: `vectors_down` as `{fault: vectors_down, lasts: ...}`."""
    for model in models:
        required = _required(model)
        if required and isinstance(value, str) and _fits(value, model=model, key=required[0]):
            return f"write `{_map(required, first=value)}`"
    keys = sorted({key for model in models for key in _keys(model)})
    return f"known keys here: {', '.join(keys)}" if keys else None


def _right_list(value: object, *, models: list[type[BaseModel]]) -> str | None:
    if not models:
        return f"write `[{_scalar(value)}]`" if isinstance(value, str | int | float) else None
    right = _right_map(value, models=models)
    if right is not None and right.startswith("write `"):
        return f"write `[{right.removeprefix('write `')[:-1]}]`"
    required = _required(models[0])
    return f"write `[{_map(required, first='...')}]`" if required else None


def _right_share(detail: dict[str, Any]) -> str | None:
    """Write percent as a part of one."""
    value, bounds = detail["input"], detail.get("ctx", {})
    if isinstance(value, str):
        found = _PERCENT.fullmatch(value)
        return f"not in percent: write `{float(found['number']) / 100:.10g}`" if found else None
    highest = bounds.get("lt", bounds.get("le"))
    if (
        highest != 1
        or not isinstance(value, int | float)
        or value > 100
        or value / 100 >= bounds.get("lt", 2)
    ):
        return None
    return f"a part of one belongs here, not percent: write `{value / 100:.10g}`"


def _fits(value: str, *, model: type[BaseModel], key: str) -> bool:
    """Tell whether the model would take the value under this key."""
    try:
        model.model_validate({key: value})
    except ValidationError as error:
        return all(detail["loc"][:1] != (key,) for detail in error.errors())
    return True


def _map(keys: list[str], *, first: str) -> str:
    others = "".join(f", {key}: ..." for key in keys[1:])
    return f"{{{keys[0]}: {_scalar(first)}{others}}}"


def _scalar(value: object) -> str:
    """Write a scalar as YAML would have it inside brackets."""
    text = str(value)
    if len(text) > _LONGEST_VALUE:
        return "..."
    return text if not isinstance(value, str) or text == "..." or _is_plain(text) else json.dumps(text)


def _is_plain(text: str) -> bool:
    """Tell whether a text stays one without quotes, as `10s` does and `yes` does not."""
    try:
        return bool(yaml.safe_load(f"[{text}]") == [text])
    except (yaml.YAMLError, ValueError):
        return False


def _models_at(model: type[BaseModel], path: Path) -> list[type[BaseModel]]:
    models = [model]
    for part in path:
        following = [found for field in _fields(models, part) for found in _models_in(field.annotation)]
        models = following or models
    return models


def _own_models(model: type[BaseModel], path: Path) -> list[type[BaseModel]]:
    """Return the models that the value at `path` may be of, or its items; none where it is of no model."""
    fields = _fields(_models_at(model, path[:-1]), path[-1]) if path else []
    if not fields:
        return _models_at(model, path)
    return list(dict.fromkeys(found for field in fields for found in _models_in(field.annotation)))


def _fields(models: list[type[BaseModel]], part: str | int) -> list[Any]:
    """Return the field of this name of each model that has one."""
    found = []
    for current in models:
        found += [field for name, field in current.model_fields.items() if part in (name, field.alias)][:1]
    return found


def _keys(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _required(model: type[BaseModel]) -> list[str]:
    return [key for key, field in _keys(model).items() if field.is_required()]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if isinstance(annotation, UnionType) or typing.get_origin(annotation) is not None:
        return [found for part in typing.get_args(annotation) for found in _models_in(part)]
    return []
