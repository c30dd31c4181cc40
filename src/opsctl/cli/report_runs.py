"""Which stored runs get a page of their own beside the chapters: the ones that the newest evidence tells of."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from opsctl.cli.run_journals import kept_runs
from opsctl.core.errors import OpsError

if TYPE_CHECKING:
    from opsctl.bench.load.model import LoadReport
    from opsctl.evidence.model import Record
    from opsctl.evidence.survey import Survey
    from opsctl.ui.site.facts import GateSeen

AnyJournal = TypeVar("AnyJournal")

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
    from opsctl.chaos.journal import Journal, read_journal
    from opsctl.cli.chaos_journals import runs_folder
    from opsctl.ui.chaos_page import render_chaos_page

    def held(journal: Journal) -> Iterator[tuple[str, float]]:
        yield from ((entry.report.drill, entry.report.started_at) for entry in journal.entries)

    kept = _Kept(folder=runs_folder(), read=read_journal, held=held, render=render_chaos_page)
    yield from _drill_pages(survey, "chaos.drill", kept, chapter="drills")


def _losses(survey: "Survey") -> Iterator[RunPage]:
    from opsctl.cli.dr_drilling import runs_folder
    from opsctl.dr.drill.journal import Journal, read_journal
    from opsctl.ui.dr_page import render_dr_page

    def held(journal: Journal) -> Iterator[tuple[str, float]]:
        yield from ((entry.run.scenario, entry.run.started_at) for entry in journal.entries)

    kept = _Kept(folder=runs_folder(), read=read_journal, held=held, render=render_dr_page)
    yield from _drill_pages(survey, "dr.drill", kept, chapter="recovery")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept(Generic[AnyJournal]):
    """Where the journals of a kind of drills are, and how one is read; `held` tells what began when in it."""

    folder: Path
    read: Callable[[Path], AnyJournal]
    held: Callable[[AnyJournal], Iterator[tuple[str, float]]]
    render: Callable[[AnyJournal], str]


def _drill_pages(survey: "Survey", kind: str, kept: _Kept[AnyJournal], *, chapter: str) -> Iterator[RunPage]:
    """Yield a page for each journal that some newest record tells of, the newest first."""
    wanted = {record.subject: record for record in survey.of(kind)}
    for path in islice(reversed(kept_runs(kept.folder)), _MOST_JOURNALS):
        if not wanted:
            return
        try:
            journal = kept.read(path)
        except OpsError:
            continue
        names = [name for name, started_at in kept.held(journal) if _is_of(wanted, name, started_at)]
        if names:
            place = f"runs/{kind.partition('.')[0]}-{path.stem}.html"
            places = {(kind, name): place for name in names}
            yield _page(place, kept.render(journal), chapter=chapter, places=places)


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


def _is_of(wanted: "dict[str, Record]", name: str, started_at: float) -> bool:
    """Tell whether a drill of a journal is the one that the newest record tells of, and look for it no longer."""
    record = wanted.get(name)
    if record is None or record.started_at != datetime.fromtimestamp(started_at, tz=UTC):
        return False
    del wanted[name]
    return True
