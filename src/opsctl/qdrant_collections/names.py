"""Which collection belongs to which alias, and when was it built: the names of generations."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

_GENERATION = re.compile(r"(?P<alias>.+)__g(?P<moment>\d{8}T\d{6})")
_MOMENT = "%Y%m%dT%H%M%S"


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One build of a derived collection."""

    collection: str
    alias: str
    built_at: datetime


def generation_name(alias: str, *, moment: datetime) -> str:
    """Return the name of the generation that is begun now.

    >>> generation_name("au", moment=datetime(2026, 11, 22, 19, 0, 5, tzinfo=UTC))
    'au__g20261122T190005'
    """
    return f"{alias}__g{moment.astimezone(UTC):{_MOMENT}}"


def parse_generation(collection: str) -> Generation | None:
    """Return what the name of a generation says; None for any other collection."""
    match = _GENERATION.fullmatch(collection)
    if match is None:
        return None
    try:
        built_at = datetime.strptime(match["moment"], _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return Generation(collection=collection, alias=match["alias"], built_at=built_at)


def generations_of(alias: str, *, collections: Iterable[str]) -> list[Generation]:
    """Return the generations of an alias, the newest first."""
    parsed = (parse_generation(collection) for collection in collections)
    found = [generation for generation in parsed if generation is not None and generation.alias == alias]
    return sorted(found, key=lambda generation: generation.built_at, reverse=True)
