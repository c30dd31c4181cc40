"""Which stored runs get a page of their own beside the chapters: the ones that the newest evidence tells of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import OpsError

if TYPE_CHECKING:
    from opsctl.bench.load.model import LoadReport
    from opsctl.evidence.model import Record
    from opsctl.evidence.survey import Survey
    from opsctl.ui.site.facts import GateSeen

_MOST_PAGES = 30
_MOST_JOURNALS = 50
"""So many runs of drills are looked through, the newest first."""

_MOST_BYTES = 4 * 1024**2
"""No page of an experiment is so large."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""What every page of ours says to the browser."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """A page, by kind and subject what it is the newest run of, and by load the gates of that."""

    path: str
    text: str
    places: Mapping[tuple[str, str], str]
    gates: Mapping[str, "tuple[GateSeen, ...]"] = field(default_factory=dict)


def run_pages(survey: "Survey") -> Iterator[RunPage]:
    """Yield the pages one by one; a run that is gone or damaged has none, and its evidence stands without it."""
    yield from islice(_loads(survey), _MOST_PAGES)
    yield from islice(_chaos(survey), _MOST_PAGES)
    yield from islice(_losses(survey), _MOST_PAGES)
    yield from islice(_experiments(survey), _MOST_PAGES)


def _loads(survey: "Survey") -> Iterator[RunPage]:
    from opsctl.bench.registry import StoredLoadRun
    from opsctl.cli.bench_runs import registry
    from opsctl.ui.load_page import render_load_page

    for record in survey.of("bench.load"):
        try:
            run = registry().get(str(record.figures.get("run") or "no run"))
        except OpsError:
            continue
        if isinstance(run, StoredLoadRun) and run.subject == record.subject:
            path = f"runs/{run.id}.html"
            page = _page(
                path,
                render_load_page({run.id: run.load}),
                chapter="benchmarks",
                places={(record.kind, record.subject): path},
            )
            yield replace(page, gates={record.subject: _gates(run.load)})


def _gates(report: "LoadReport") -> "tuple[GateSeen, ...]":
    from opsctl.ui.load_tables import gate_rows
    from opsctl.ui.site.facts import GateSeen

    return tuple(GateSeen(**row) for row in gate_rows(report))


def _chaos(survey: "Survey") -> Iterator[RunPage]:
    from opsctl.chaos.journal import read_journal
    from opsctl.cli import wiring
    from opsctl.ui.chaos_page import render_chaos_page

    wanted = _wanted(survey, "chaos.drill")
    for path in _newest(wiring.settings().home / "chaos" / "runs"):
        try:
            journal = read_journal(path)
        except OpsError:
            continue
        names = [
            entry.report.drill
            for entry in journal.entries
            if _is_of(wanted, entry.report.drill, entry.report.started_at)
        ]
        if names:
            place = f"runs/chaos-{path.stem}.html"
            places = {("chaos.drill", name): place for name in names}
            yield _page(place, render_chaos_page(journal), chapter="drills", places=places)
        if not wanted:
            return


def _losses(survey: "Survey") -> Iterator[RunPage]:
    from opsctl.cli import dr_place
    from opsctl.dr.drill.journal import read_journal
    from opsctl.ui.dr_page import render_dr_page

    wanted = _wanted(survey, "dr.drill")
    if not wanted:
        return
    try:
        folder = dr_place.notes_folder() / "drills"
    except OpsError:
        return
    for path in _newest(folder):
        try:
            journal = read_journal(path)
        except OpsError:
            continue
        names = [
            entry.run.scenario
            for entry in journal.entries
            if _is_of(wanted, entry.run.scenario, entry.run.started_at)
        ]
        if names:
            place = f"runs/dr-{path.stem}.html"
            places = {("dr.drill", name): place for name in names}
            yield _page(place, render_dr_page(journal), chapter="recovery", places=places)
        if not wanted:
            return


def _experiments(survey: "Survey") -> Iterator[RunPage]:
    """Yield the pages that `opsctl experiments report` wrote, as they are: to make one anew would be a look at it."""
    from opsctl.cli import wiring
    from opsctl.clients.files import read_text

    folder = wiring.settings().home / "reports" / "experiments"
    for record in survey.of("experiments.analyze"):
        if not record.subject.replace("_", "").isalnum():
            continue
        try:
            text = read_text(folder / f"{record.subject}.html", most_bytes=_MOST_BYTES)
        except OpsError:
            continue
        if _POLICY not in text or "<script" in text:
            continue  # not as it was written, and the site fetches and runs nothing
        path = f"runs/experiment-{record.subject}.html"
        yield _page(path, text, chapter="experiments", places={(record.kind, record.subject): path})


def _page(path: str, text: str, *, chapter: str, places: Mapping[tuple[str, str], str]) -> RunPage:
    from opsctl.ui.site.way_back import with_way_back

    return RunPage(path=path, text=with_way_back(text, chapter=chapter), places=places)


def _wanted(survey: "Survey", kind: str) -> "dict[str, Record]":
    return {record.subject: record for record in survey.of(kind)}


def _is_of(wanted: "dict[str, Record]", name: str, started_at: float) -> bool:
    """Tell whether a drill of a journal is the one that the newest record tells of, and look for it no longer."""
    record = wanted.get(name)
    if record is None or record.started_at != datetime.fromtimestamp(started_at, tz=UTC):
        return False
    del wanted[name]
    return True


def _newest(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"), reverse=True)[:_MOST_JOURNALS]
