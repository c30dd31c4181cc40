"""How are the files of a ground changed and given back: configurations, rules, books and caches."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from opsctl.cli.ground_place import nothing_to_break
from opsctl.cli.ground_processes import GroundProcesses
from opsctl.core.errors import FailedError
from opsctl.stack.model import PartName

RULES = "rules"
_BEFORE = ".before"
_TRIES = 3
_AGAIN_SECONDS = 0.5


class GroundFiles(GroundProcesses):
    """A ground whose parts can be given other files."""

    def edit(self, part: str, change: Callable[[str], str]) -> None:
        """Change the configuration of a watcher, or the rules, and have it read again, even where it refuses."""
        from opsctl.clients.files import write_atomically

        path = self._configuration(part)
        text = path.read_text(encoding="utf-8")
        before = path.with_name(path.name + _BEFORE)
        if not before.exists():
            write_atomically(before, text)
        with suppress(FailedError):  # to be refused is the fault
            self._write(part, path, change(text))

    def unedit(self, part: str) -> None:
        """Give a watcher the configuration back that it had."""
        path = self._configuration(part)
        before = path.with_name(path.name + _BEFORE)
        if before.is_file():
            self._give_back(part, path, before.read_text(encoding="utf-8"))
            before.unlink()  # not before it was read again: else nobody would know that it was not

    @contextmanager
    def other_books(
        self, *, service: Mapping[str, Any] | None = None, cache: Mapping[str, Any] | None = None
    ) -> Iterator[None]:
        """Run the service with changed books until the block ends, and with those that it had afterwards."""
        changes = {"service": service or {}, "cache": cache or {}}
        paths = {book: self.root / "ops" / f"{book}.yaml" for book in changes}
        before = {book: path.read_text(encoding="utf-8") for book, path in paths.items()}
        try:
            for book, changed in changes.items():
                self._change_file(paths[book], changed)
            self.restart("service")
            yield
        finally:
            for book, path in paths.items():
                path.write_text(before[book], encoding="utf-8")
            self.restart("service")

    def change_settings(self, **changes: Any) -> None:
        """Change opsctl.yaml of this project; what starts from now on reads it."""
        self._change_file(self.root / "opsctl.yaml", changes)

    def change_book(self, book: str, **changes: Any) -> None:
        """Change `service` or `cache`, the books of this project."""
        self._change_file(self.root / "ops" / f"{book}.yaml", changes)

    def forget_what_is_popular(self) -> None:
        """Remove the file from which a starting worker knows what is popular."""
        from opsctl.service.cache.places import service_folder

        (service_folder(self.home) / "trending.json").unlink(missing_ok=True)

    def poison_shared_cache(self) -> None:
        """Put the bytes of one entry of L2 under the key of another, and noise under a third."""
        from opsctl.cli.ground_poison import poison

        if not poison(self.root):
            raise nothing_to_break("the shared cache holds nothing")

    def cleanse_shared_cache(self) -> None:
        """Remove what was put there."""
        from opsctl.cli.ground_poison import cleanse

        cleanse(self.root)

    def damage_shared_cache(self) -> None:
        """Cut the file of L2 off in the middle."""
        from opsctl.service.cache.places import store_folder

        path = store_folder(self.home) / "l2.lmdb"
        os.truncate(path, path.stat().st_size // 2)

    def _change_file(self, path: Path, changes: Mapping[str, Any]) -> None:
        import yaml

        from opsctl.clients.files import write_atomically

        known = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        write_atomically(path, yaml.safe_dump(_merged(known, changes)))

    def _configuration(self, part: str) -> Path:
        from opsctl.stack.watch_files import alertmanager_file, prometheus_file, rules_folder

        files = {
            PartName.PROMETHEUS: prometheus_file(self.home),
            PartName.ALERTMANAGER: alertmanager_file(self.home),
        }
        return files[PartName(part)] if part != RULES else min(rules_folder(self.home).glob("*.yml"))

    def _write(self, part: str, path: Path, text: str) -> None:
        from opsctl.clients.files import write_atomically
        from opsctl.stack.record import read_stack_record
        from opsctl.stack.watch_tower import ask_to_reload

        write_atomically(path, text)
        watcher = _watcher_of(part)
        ask_to_reload(watcher, read_stack_record(self.home).places[watcher])

    def _give_back(self, part: str, path: Path, text: str) -> None:
        """Write a file as it was and have it read; a watcher that does not run reads it when it starts."""
        from opsctl.stack.record import runs

        for left in reversed(range(_TRIES)):
            try:
                self._write(part, path, text)
            except FailedError:
                if not runs(self.home, _watcher_of(part)):
                    return
                if not left:
                    raise
                time.sleep(_AGAIN_SECONDS)
            else:
                return


def _watcher_of(part: str) -> PartName:
    return PartName.PROMETHEUS if part == RULES else PartName(part)


def _merged(known: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was known with the changes, mapping by mapping."""
    merged = dict(known)
    for name, value in changes.items():
        is_deeper = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = _merged(merged[name], value) if is_deeper else value
    return merged
