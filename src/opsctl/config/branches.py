"""Which complaints does the user need when a value may have several kinds: those about the kind that was meant."""

from collections.abc import Container, Sequence
from typing import Any, NamedTuple

Path = tuple[str | int, ...]
Detail = dict[str, Any]


class Complaint(NamedTuple):
    """What pydantic says about one place of the document; `tags` names the kinds it tried there."""

    path: Path
    owner: Path
    tags: tuple[str, ...]
    detail: Detail


def meant(details: Sequence[Detail], keys: Container[Path]) -> list[tuple[Path, Detail]]:
    """Return each complaint with its place, and of a value with several kinds only those of the best kind.

    Pydantic tries every kind and tells what each of them misses; a person meant one of them.
    """
    kept: list[tuple[Path, Detail]] = []
    kinds: dict[Path, dict[tuple[str, ...], list[Complaint]]] = {}
    for detail in details:
        complaint = _placed(detail, keys)
        if complaint.tags:
            kinds.setdefault(complaint.owner, {}).setdefault(complaint.tags, []).append(complaint)
        else:
            kept.append((complaint.path, detail))
    for owner, found in kinds.items():
        kept += _of_best_kind(owner, list(found.values()))
    return kept


def _placed(detail: Detail, keys: Container[Path]) -> Complaint:
    """Tell the keys of the document from the tags that pydantic puts between them."""
    path: Path = ()
    owner: Path | None = None
    tags: list[str] = []
    for index, part in enumerate(detail["loc"]):
        is_last = index == len(detail["loc"]) - 1
        if (*path, str(part)) in keys:  # a key such as `1` stands in the document as text
            path = (*path, str(part))
        elif isinstance(part, int) or (is_last and detail["type"] == "missing"):
            path = (*path, part)
        else:
            owner = path if owner is None else owner
            tags.append(part)
    return Complaint(path, path if owner is None else owner, tuple(tags), detail)


def _of_best_kind(owner: Path, kinds: list[list[Complaint]]) -> list[tuple[Path, Detail]]:
    fitting = [kind for kind in kinds if not any(_is_other_kind(complaint, owner) for complaint in kind)]
    if fitting or len(kinds) == 1:
        return [(complaint.path, complaint.detail) for complaint in min(fitting or kinds, key=len)]
    wanted = dict.fromkeys(_wanted(complaint.detail) for kind in kinds for complaint in kind)
    message = f"Input should be {' or '.join(wanted)}"
    return [(owner, {**kinds[0][0].detail, "type": "no_kind_fits", "msg": message})]


def _is_other_kind(complaint: Complaint, owner: Path) -> bool:
    """Tell whether the value as a whole is not of the kind: a list where a text belongs."""
    return complaint.path == owner and complaint.detail["type"].endswith(("_type", "_parsing"))


def _wanted(detail: Detail) -> str:
    if detail["type"] in ("model_type", "dict_type"):
        return "a map"
    if detail["type"] in ("list_type", "tuple_type"):
        return "a list"
    return str(detail["msg"]).removeprefix("Input should be ").partition(",")[0].replace("a valid ", "a ")
