"""How does the site get onto the disk: gathered, written beside the old one, and put in its place in one step."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import RefusedError

if TYPE_CHECKING:
    from opsctl.core.events import Listener
    from opsctl.ui.site.built import Built
    from opsctl.ui.site.facts import Facts, GateSeen

_SCHEMA = "opsctl.report.site/1"


def build(out: str | None, *, listener: "Listener") -> "Built":
    """Build the site and return what its first line says.

    Raises:
        RefusedError: FIL007 the folder is somebody else's; FIL002 another build is at work there.
        NotReadyError: FIL001 or FIL003 it cannot be written; what was there is untouched.
    """
    from opsctl.cli import wiring
    from opsctl.cli.rendering import out_folder
    from opsctl.cli.report_facts import gather
    from opsctl.clients.file_locks import FileLock
    from opsctl.clients.folder_swap import replaced_folder
    from opsctl.ui.site.built import Built
    from opsctl.ui.site.headline import headline_of
    from opsctl.ui.site.pages import site_pages

    home = wiring.settings().home
    folder = home / "reports" / "site" if out is None else out_folder(out)
    name = sha256(bytes(folder.resolve())).hexdigest()[:16]
    with FileLock(home / "rendering" / f"{name}.lock", what=f"building {folder}"):
        kept = _require_own(folder)
        facts = gather(listener=listener)
        with replaced_folder(folder) as fresh:
            written = _Written(fresh)
            for name in kept:
                (fresh / name).write_bytes((folder / name).read_bytes())
            facts = _with_runs(facts, written)
            for path, text in site_pages(facts):
                written.add(path, text)
            written.close()
    headline = headline_of(facts)
    return Built(
        folder=str(folder),
        index=str(folder / "index.html"),
        pages=len(written.sizes),
        size_bytes=sum(written.sizes.values()),
        headline=headline.text,
        is_ready=headline.is_ready,
        counts={str(state): count for state, count in headline.counts},
        records=facts.survey.records,
        is_ledger_whole=facts.is_trusted,
    )


def show_in_browser(built: "Built") -> None:
    """Open the first page in the browser of whoever sits here."""
    import webbrowser

    from opsctl.ui.console import warn

    if not webbrowser.open(Path(built.index).resolve().as_uri()):
        warn(f"there is no browser to show it; open `{built.index}` yourself")


def _require_own(folder: Path) -> list[str]:
    """Refuse a folder that is somebody else's, or that holds what no build has made: it is replaced as a whole.

    Returns the files of git in it, which stay.
    """
    import errno
    import os

    from opsctl.cli import wiring
    from opsctl.cli.rendered_folder import LOCK, look_at
    from opsctl.cli.rendering import KEEPS_A_FOLDER, require_own
    from opsctl.clients.files import file_error

    if folder.exists() and not folder.is_dir():
        refused = NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        raise file_error(refused, path=folder, doing="build")
    found = look_at(folder, {LOCK: _lock({})})
    require_own(found, wiring.settings())
    strangers = [each for each in found.holds if each not in KEEPS_A_FOLDER]
    if strangers:
        raise RefusedError(
            f"`{folder}` holds `{strangers[0]}`, which no build has made",
            code="FIL007",
            why="the folder is replaced as a whole, so it would be gone",
            fix="move it elsewhere, or name another folder",
        )
    return [each for each in found.holds if each in KEEPS_A_FOLDER]


class _Written:
    """The files of a site as they are written, one by one; none of them is kept in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digests: dict[str, str] = {}
        self.sizes: dict[str, int] = {}

    def add(self, path: str, text: str) -> None:
        """Write one page."""
        content = text.encode(errors="backslashreplace")
        place = self._folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        self._digests[path] = sha256(content).hexdigest()
        self.sizes[path] = len(content)

    def close(self) -> None:
        """Write the list of all pages, by which the next build knows that the folder is its own."""
        from opsctl.cli.rendered_folder import LOCK

        (self._folder / LOCK).write_text(_lock(self._digests), encoding="utf-8")


def _with_runs(facts: "Facts", written: _Written) -> "Facts":
    """Write the pages of single runs, and return the facts that know of them."""
    from opsctl.cli.report_runs import run_pages

    places: dict[tuple[str, str], str] = {}
    gates: dict[str, tuple[GateSeen, ...]] = {}
    for page in run_pages(facts.survey):
        written.add(page.path, page.text)
        places |= page.places
        gates |= page.gates
    return replace(facts, run_pages=places, gates=gates)


def _lock(digests: dict[str, str]) -> str:
    body = {"schema": _SCHEMA, "files": dict(sorted(digests.items()))}
    return json.dumps(body, indent=1, sort_keys=True) + "\n"
