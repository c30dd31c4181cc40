"""Which collections and aliases exist: one small file, replaced as a whole and synced at every change."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from opsctl.clients.files import write_atomically
from opsctl.stack.vector_node.api_error import ApiError

if TYPE_CHECKING:
    from qdrant_client.http import models

_LONGEST_NAME = 255
_FORBIDDEN_IN_NAMES = frozenset('<>:"/\\|?*\0\x1f')


@dataclass(slots=True, kw_only=True)
class Catalog:
    """The names that this node knows; every change is on disk before the method returns.

    Args:
        path: the file.
        collections: the directory of each collection; a recovered snapshot comes in by a change of this one word.
        aliases: the collection behind each alias.
    """

    path: Path
    collections: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path) -> "Catalog":
        """Read the catalogue; a missing file is an empty one."""
        if not path.exists():
            return cls(path=path)
        content: dict[str, Any] = orjson.loads(path.read_bytes())
        return cls(path=path, collections=content["collections"], aliases=content["aliases"])

    def resolve(self, name: str) -> str:
        """Return the collection that a name means, itself or through an alias."""
        target = self.aliases.get(name, name)
        if target not in self.collections:
            raise ApiError(404, f"Not found: Collection `{name}` doesn't exist!")
        return target

    def check_new_name(self, name: str) -> None:
        """Refuse a collection name that is taken, or that cannot be a directory."""
        check_name(name)
        if name in self.collections:
            raise ApiError(409, f"Wrong input: Collection `{name}` already exists!")
        if name in self.aliases:
            raise ApiError(
                400,
                f"Wrong input: Can't create collection with name `{name}`. Alias with the same name already exists",
            )

    def put(self, name: str, *, directory: str) -> None:
        """Make a collection known, or let it have another directory."""
        self._replace(collections=self.collections | {name: directory}, aliases=self.aliases)

    def remove(self, name: str) -> None:
        """Forget a collection and every alias that leads to it."""
        kept = {alias: target for alias, target in self.aliases.items() if target != name}
        rest = {each: directory for each, directory in self.collections.items() if each != name}
        self._replace(collections=rest, aliases=kept)

    def change_aliases(self, request: "models.ChangeAliasesOperation") -> None:
        """Apply a list of alias actions as one change: all of them, or none."""
        from qdrant_client.http import models

        aliases = dict(self.aliases)
        for action in request.actions:
            match action:
                case models.CreateAliasOperation(create_alias=create):
                    self._check_alias(create.alias_name, collection=create.collection_name)
                    aliases[create.alias_name] = create.collection_name
                case models.DeleteAliasOperation(delete_alias=delete):
                    _take(aliases, delete.alias_name)
                case models.RenameAliasOperation(rename_alias=rename):
                    target = _take(aliases, rename.old_alias_name)
                    self._check_alias(rename.new_alias_name, collection=target)
                    aliases[rename.new_alias_name] = target
        self._replace(collections=self.collections, aliases=aliases)

    def _check_alias(self, alias: str, *, collection: str) -> None:
        check_name(alias)
        if collection not in self.collections:
            raise ApiError(404, f"Not found: Collection `{collection}` doesn't exist!")
        if alias in self.collections:
            raise ApiError(409, f"Wrong input: Collection `{alias}` already exists!")

    def _replace(self, *, collections: dict[str, str], aliases: dict[str, str]) -> None:
        content = {"version": 1, "collections": collections, "aliases": aliases}
        write_atomically(self.path, orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
        self.collections = collections
        self.aliases = aliases


def check_name(name: str) -> None:
    """Refuse a name of a collection or alias that Qdrant refuses, or that has a meaning for the file system."""
    if not name or len(name.encode()) > _LONGEST_NAME:
        raise ApiError(422, f"Wrong input: a name must have 1 to {_LONGEST_NAME} bytes")
    bad = sorted(_FORBIDDEN_IN_NAMES.intersection(name))
    if bad or name in {".", ".."}:
        raise ApiError(
            422, f"Wrong input: the name {name!r} contains or is something that names must not: {bad or name}"
        )


def _take(aliases: dict[str, str], alias: str) -> str:
    if alias not in aliases:
        raise ApiError(404, f"Not found: Alias {alias} does not exists!")
    return aliases.pop(alias)
