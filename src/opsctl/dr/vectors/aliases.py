"""How do readers get back to the collections: the aliases, last of all and as one change."""

from collections.abc import Mapping
from dataclasses import dataclass

from opsctl.clients.qdrant_values import AliasAction, DropAlias, SetAlias
from opsctl.core.errors import FailedError, RefusedError
from opsctl.dr.vectors.ports import ReadableStore, VectorStore


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasesPutBack:
    """Which aliases were set, and which led to the right place already; others of the server are left alone."""

    changed: tuple[str, ...]
    unchanged: tuple[str, ...]


def lost_aliases(wanted: Mapping[str, str], *, store: ReadableStore) -> dict[str, str | None]:
    """Return the aliases that lead elsewhere, with where; None where there is no such alias."""
    there = store.aliases()
    return {alias: there.get(alias) for alias, target in sorted(wanted.items()) if there.get(alias) != target}


def put_back_aliases(wanted: Mapping[str, str], *, store: VectorStore) -> AliasesPutBack:
    """Let every alias lead where it led, all by one change, and see that they do.

    Raises:
        RefusedError: DRC049 when an alias cannot be set; nothing was changed.
        FailedError: DRC050 when they lead elsewhere afterwards.
    """
    lost = lost_aliases(wanted, store=store)
    _require_targets({alias: wanted[alias] for alias in lost}, store=store)
    actions: list[AliasAction] = []
    for alias, target in lost.items():
        actions += [DropAlias(alias=alias)] if target is not None else []
        actions += [SetAlias(alias=alias, collection=wanted[alias])]
    if actions:
        store.change_aliases(actions)
    still = lost_aliases(wanted, store=store)
    if still:
        raise FailedError(
            f"{len(still)} aliases do not lead where they led",
            code="DRC050",
            why="; ".join(f"`{alias}` leads to {target or 'nothing'}" for alias, target in still.items()),
            fix="somebody else moves them: look at `opsctl collections status`, then run the restore again",
        )
    return AliasesPutBack(
        changed=tuple(lost), unchanged=tuple(alias for alias in sorted(wanted) if alias not in lost)
    )


def _require_targets(wanted: Mapping[str, str], *, store: VectorStore) -> None:
    collections = set(store.collections())
    bad = [
        f"`{alias}` is to lead to `{target}`, which is not there"
        for alias, target in wanted.items()
        if target not in collections
    ]
    bad += [f"a collection itself is called `{alias}`" for alias in wanted if alias in collections]
    if bad:
        raise RefusedError(
            f"{len(bad)} aliases cannot be put back",
            code="DRC049",
            why="; ".join(bad),
            fix="put the collections back first; the aliases are set when all of them can be",
        )
