"""`opsctl report build` as a whole command: a site on the disk, as a whole or not at all, and the truth in its first line."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.bench.load.reports import holding
from tests.chaos.drills import drill, held, named
from tests.cli.command import run_opsctl
from tests.fakes.drill_world import SIMPLE, DrillWorld
from tests.ui.experiments_shown import reported
from tests.ui.site.records import HOSTILE, checklist, item, proof

from opsctl.bench.load.record import load_evidence
from opsctl.bench.registry import Registry
from opsctl.chaos.evidence import Circumstances, drill_evidence
from opsctl.chaos.journal import Entry, Journal, entry_of, write_journal
from opsctl.cli import reporting, wiring
from opsctl.cli.report_expected import expected
from opsctl.core.clock import SystemClock
from opsctl.core.errors import OpsError
from opsctl.core.events import ignore
from opsctl.evidence.ledger import Ledger
from opsctl.evidence.model import GENESIS, Evidence, Verdict, canonical_json, record_from_line
from opsctl.experiments.analysis.document import analysis_evidence
from opsctl.ui.experiment_page import render_experiment_page
from opsctl.ui.site.built import Built

SITE = Path(".opsctl") / "reports" / "site"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Give the ledger of a project with a project file, so that the starter books count."""
    (tmp_path / "opsctl.yaml").write_text("{}\n")
    return Ledger(tmp_path / ".opsctl" / "evidence", clock=SystemClock())


def build(folder: Path, *arguments: str, **others):
    """Build the site."""
    return run_opsctl("report", "build", *arguments, folder=folder, **others)


def write_book(folder: Path) -> None:
    """Write a checklist with one item, that of the checklists of these tests."""
    (folder / "ops").mkdir()
    (folder / "ops" / "checklist.yaml").write_text(
        "items: {CHK001: {name: a, title: A, why: Readers, all: [{kind: bench.load, subject: feed}]}}\n"
    )


@pytest.fixture
def build_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Built]]:
    """Build without a process of its own, which is faster: what `reporting.build` does is what the command does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(wiring, "_chosen", {"root": tmp_path})
    wiring.settings.cache_clear()
    yield lambda out=None: reporting.build(out, listener=ignore)
    wiring.settings.cache_clear()


def test_a_site_is_built_and_its_place_and_first_line_are_printed(tmp_path: Path, ledger: Ledger):
    """Exit 0 also where nothing is ready: that verdict is the checklist's."""
    write_book(tmp_path)
    record = ledger.append(proof("bench.load", started_at=datetime.now(UTC)))
    ledger.append(
        checklist(item("a", "pass", record), item("b", "fail", reason="it broke"), verdict=Verdict.FAIL)
    )

    outcome = build(tmp_path)

    assert outcome.exit_code == 0
    assert outcome.stdout == "Not ready: 1 failed of 2\n.opsctl/reports/site/index.html\n"
    assert "it broke" in (tmp_path / SITE / "index.html").read_text()
    assert len(list((tmp_path / SITE).glob("*.html"))) == 9


@pytest.mark.slow
def test_as_json_it_says_the_same(tmp_path: Path, ledger: Ledger):
    """With counts, and whether the ledger is whole."""
    write_book(tmp_path)
    ledger.append(checklist(item("a", "pass", ledger.append(proof("bench.load")))))

    data = json.loads(build(tmp_path, "--json", "--out", "public").stdout)["data"]

    assert data["index"] == "public/index.html"
    assert (data["is_ready"], data["counts"], data["is_ledger_whole"]) == (True, {"pass": 1}, True)
    assert data["pages"] == len(list((tmp_path / "public").rglob("*.html")))
    assert data["size_bytes"] == sum(path.stat().st_size for path in (tmp_path / "public").rglob("*.html"))


@pytest.mark.slow
def test_without_the_checklists_book_nobody_can_tell_what_is_ready(tmp_path: Path, ledger: Ledger):
    """A list that passed once is no pass of one that is gone, and the site names no folder of this machine."""
    ledger.append(checklist(item("a", "pass")))

    outcome = build(tmp_path)

    assert outcome.stdout.startswith("Not ready: 1 unknown of 1\n")
    index = (tmp_path / SITE / "index.html").read_text()
    assert "there is no checklist" in index
    assert "ops/checklist.yaml" in index
    assert str(tmp_path) not in index


@pytest.mark.slow
def test_a_project_without_any_evidence_gets_a_site_that_says_what_to_do(tmp_path: Path):
    """In an empty folder, too."""
    outcome = build(tmp_path)

    assert outcome.exit_code == 0
    assert outcome.stdout.startswith("Not ready: the checklist was never run\n")
    assert "opsctl checklist run" in (tmp_path / SITE / "index.html").read_text()


def test_a_broken_ledger_is_told_on_stderr(tmp_path: Path, ledger: Ledger):
    """And in the first line."""
    ledger.append(proof("bench.load"))
    (tmp_path / ".opsctl" / "evidence" / "ledger.jsonl").write_bytes(b"")

    outcome = build(tmp_path)

    assert outcome.exit_code == 0
    assert outcome.stdout.startswith("Not ready: the evidence ledger is broken")
    assert "the evidence ledger is broken: nothing counts as passed" in outcome.stderr


@pytest.mark.parametrize("damage", ["changed", "cut", "torn", "garbage", "headless"])
def test_a_broken_ledger_makes_a_site_that_says_so_on_every_page(
    tmp_path: Path, ledger: Ledger, build_here, damage: str
):
    """However it was broken, nothing counts as passed."""
    for subject in "abc":
        ledger.append(proof("bench.load", subject))
    ledger.append(checklist(item("a", "pass")))
    path, head = (tmp_path / ".opsctl" / "evidence" / name for name in ("ledger.jsonl", "head"))
    lines = path.read_bytes().splitlines(keepends=True)
    if damage == "changed":
        path.write_bytes(b"".join(lines).replace(b'"subject":"b"', b'"subject":"x"'))
    elif damage == "cut":
        path.write_bytes(b"".join(lines[:2]))
    elif damage == "torn":
        path.write_bytes(b"".join([lines[0], lines[1][:50] + b"\n", *lines[2:]]))
    elif damage == "garbage":
        path.write_bytes(b"".join([lines[0], b"\xff\xfe[[[[\n", *lines[1:]]))
    else:
        head.unlink()

    built = build_here()

    assert not built.is_ready
    assert not built.is_ledger_whole
    for page in (tmp_path / SITE).glob("*.html"):
        text = page.read_text()
        assert "The evidence ledger is broken" in text
        assert "</span> passed</span>" not in text


def test_a_ledger_that_another_command_adds_to_is_not_called_broken(
    tmp_path: Path, ledger: Ledger, build_here
):
    """A head that is one record behind, as a crash leaves it, is none either."""
    ledger.append(proof("bench.load"))
    (tmp_path / ".opsctl" / "evidence" / "head").write_text(f"0 {GENESIS}\n")

    assert build_here().is_ledger_whole
    assert "the head is one record behind the ledger" in (tmp_path / SITE / "evidence.html").read_text()


def test_hostile_subjects_are_text(tmp_path: Path, ledger: Ledger, build_here):
    """In the real ledger, as in the pages."""
    ledger.append(proof("chaos.drill", HOSTILE, figures={"reasons": HOSTILE}))
    build_here()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in (tmp_path / SITE / "drills.html").read_text()
    assert "<script>alert" not in "".join(page.read_text() for page in (tmp_path / SITE).glob("*.html"))


def test_building_again_replaces_the_whole_folder(tmp_path: Path, ledger: Ledger, build_here):
    """Pages that are not made any more are gone."""
    build_here()
    lock = tmp_path / SITE / "lock.json"
    body = json.loads(lock.read_text())
    body["files"]["evidence-9.html"] = "0"
    lock.write_text(json.dumps(body))
    (tmp_path / SITE / "evidence-9.html").write_text("old")

    build_here()

    assert not (tmp_path / SITE / "evidence-9.html").exists()
    assert [path.name for path in (tmp_path / SITE).parent.iterdir()] == ["site"]


@pytest.mark.parametrize("out", ["other", ".", "", "file", "file/site"])
def test_a_folder_of_somebody_else_is_refused_and_stays(tmp_path: Path, ledger: Ledger, build_here, out: str):
    """The project itself, one with other files, one that is a file, none at all, one below a file."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")

    with pytest.raises(OpsError) as raised:
        build_here(out)

    assert raised.value.code in ("FIL003", "FIL007")
    assert raised.value.fix
    assert (tmp_path / "other" / "thesis.txt").read_text() == (tmp_path / "file").read_text() == "mine"


def test_what_somebody_has_put_into_the_site_is_not_thrown_away(tmp_path: Path, ledger: Ledger, build_here):
    """The folder is replaced as a whole, so the build refuses until it is moved."""
    build_here()
    (tmp_path / SITE / "notes.txt").write_text("mine")

    outcome = build(tmp_path)

    assert outcome.exit_code == 4
    assert "`notes.txt`, which no build has made" in outcome.stderr
    assert (tmp_path / SITE / "notes.txt").read_text() == "mine"


def test_what_git_needs_to_keep_a_folder_stays(tmp_path: Path, ledger: Ledger, build_here):
    """In a folder without a site, and in one with."""
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / ".gitkeep").write_text("kept")

    for _ in range(2):
        build_here("public")

    assert (tmp_path / "public" / ".gitkeep").read_text() == "kept"
    assert (tmp_path / "public" / "index.html").exists()


def test_runs_that_are_stored_have_pages_that_lead_back(tmp_path: Path, ledger: Ledger, build_here):
    """A load whose run is there, one whose run is gone, and an experiment that was reported."""
    registry = Registry(tmp_path / ".opsctl" / "runs", clock=SystemClock())
    run_id = registry.add_load(holding(load="standard"))
    ledger.append(load_evidence(holding(load="standard"), run_id=run_id, started_at=datetime.now(UTC)))
    ledger.append(
        load_evidence(holding(load="gone"), run_id="20260101T000000-gone-0000", started_at=datetime.now(UTC))
    )
    ledger.append(analysis_evidence(reported().analysis, seconds=1.0))
    reports = tmp_path / ".opsctl" / "reports" / "experiments"
    reports.mkdir(parents=True)
    (reports / "agents.html").write_text(render_experiment_page(reported()))

    build_here()

    page = (tmp_path / SITE / "benchmarks.html").read_text()
    assert f'<a href="runs/{run_id}.html">standard</a>' in page
    assert ">gone</a>" not in page
    assert '<a href="../benchmarks.html">' in (tmp_path / SITE / "runs" / f"{run_id}.html").read_text()
    assert (
        '<a href="runs/experiment-agents.html">agents</a>'
        in (tmp_path / SITE / "experiments.html").read_text()
    )
    assert sorted(path.name for path in (tmp_path / SITE / "runs").iterdir()) == [
        f"{run_id}.html",
        "experiment-agents.html",
    ]
    gates = re.findall(r'data-name="95 % interval"><div>\s*([^<\n]+)', page)
    assert any(" to " in each for each in gates), gates


@pytest.mark.parametrize("changed", ["<script>alert(1)</script>", ""])
def test_a_page_that_somebody_has_changed_is_not_taken_over(
    tmp_path: Path, ledger: Ledger, build_here, changed: str
):
    """One with a script, or without the policy that keeps it from fetching anything."""
    ledger.append(analysis_evidence(reported().analysis, seconds=1.0))
    reports = tmp_path / ".opsctl" / "reports" / "experiments"
    reports.mkdir(parents=True)
    page = render_experiment_page(reported())
    (reports / "agents.html").write_text(
        page + changed if changed else page.replace("default-src 'none'", "")
    )

    build_here()

    assert not (tmp_path / SITE / "runs").exists()


def test_drills_whose_journal_is_there_have_pages(tmp_path: Path, ledger: Ledger, build_here):
    """Only of the run that the newest record tells of; a journal that cannot be read is passed over."""
    entries = {name: _held(name) for name in ("vectors_down", "l2_down")}
    runs = tmp_path / ".opsctl" / "chaos" / "runs"
    for number, (name, (entry, evidence)) in enumerate(entries.items()):
        write_journal(runs / f"2026112{number}T120000Z.json", Journal(run_id=f"r{number}", entries=(entry,)))
        ledger.append(evidence if name == "vectors_down" else replace(evidence, started_at=datetime.now(UTC)))
    (runs / "20261130T120000Z.json").write_text("{")

    build_here()

    page = (tmp_path / SITE / "drills.html").read_text()
    assert '<a href="runs/chaos-20261120T120000Z.html">vectors_<wbr>down</a>' in page
    assert [path.name for path in (tmp_path / SITE / "runs").iterdir()] == ["chaos-20261120T120000Z.html"]


def _held(name: str) -> tuple[Entry, Evidence]:
    made = drill()
    report, verdict = held(DrillWorld(during={"vectors_down": (SIMPLE,)}), made, name=name)
    circumstances = Circumstances(tools={})
    evidence = drill_evidence(
        named(made, name=name), report=report, verdict=verdict, circumstances=circumstances
    )
    return entry_of(named(made, name=name), report=report, verdict=verdict), evidence


@pytest.mark.slow
def test_the_browser_is_given_the_first_page(tmp_path: Path, ledger: Ledger):
    """The one that the user has chosen."""
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/shown\n')
    browser.chmod(0o755)

    outcome = build(tmp_path, "--open", environment={"BROWSER": f"{browser} %s"})

    assert outcome.exit_code == 0
    assert (tmp_path / "shown").read_text().strip() == (tmp_path / SITE / "index.html").as_uri()


@pytest.mark.slow
def test_a_build_that_is_killed_leaves_the_old_site(tmp_path: Path, ledger: Ledger, build_here):
    """Whole, by its own list of digests; the next one clears up."""
    build_here()
    before = (tmp_path / SITE / "lock.json").read_bytes()
    ledger.append(proof("bench.load"))
    environment = os.environ | {"HOME": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "opsctl", "report", "build"], cwd=tmp_path, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while process.poll() is None and not list((tmp_path / SITE).parent.glob(".site.*.new")):
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)

    after = (tmp_path / SITE / "lock.json").read_bytes()
    assert after == before or process.returncode == 0
    assert _matches_its_list(tmp_path / SITE)
    build_here()
    assert [path.name for path in (tmp_path / SITE).parent.iterdir()] == ["site"]


def _matches_its_list(site: Path) -> bool:
    from hashlib import sha256

    files: dict[str, str] = json.loads((site / "lock.json").read_text())["files"]
    there = {str(path.relative_to(site)): path.read_bytes() for path in site.rglob("*.html")}
    return files == {name: sha256(content).hexdigest() for name, content in there.items()}


@pytest.mark.slow
def test_a_disk_that_is_full_leaves_the_old_site(tmp_path: Path, ledger: Ledger, build_here):
    """And says so; a limit on the size of files is the same to whoever writes."""
    build_here()
    ledger.append(proof("bench.load"))

    process = subprocess.run(
        [sys.executable, "-m", "opsctl", "report", "build"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"HOME": str(tmp_path)}, timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000)),
    )  # fmt: skip

    assert process.returncode == 3
    assert "FIL001" in process.stderr
    assert _matches_its_list(tmp_path / SITE)


def test_books_that_cannot_be_read_do_not_stop_the_report(tmp_path: Path, ledger: Ledger, build_here):
    """The pages say that they know less."""
    (tmp_path / "alerts").mkdir()
    (tmp_path / "alerts" / "broken.yaml").write_text("rules: [")

    build_here()

    assert "The alert books cannot be read" in (tmp_path / SITE / "alerts.html").read_text()


@pytest.mark.drill
def test_a_hundred_thousand_records_take_no_more_memory_than_ten_thousand(tmp_path: Path):
    """And a site of the same size; the walk is the one thing that takes longer."""
    used = {}
    for count in (10_000, 100_000):
        folder = tmp_path / str(count)
        _long_ledger(folder / ".opsctl" / "evidence", count=count)
        done = subprocess.run(
            ["/usr/bin/env", "python3", "-c", _MEASURED, sys.executable], cwd=folder, capture_output=True, text=True,
            check=True, timeout=600,
        )  # fmt: skip
        used[count] = int(done.stdout.split()[-1])
        size = sum(path.stat().st_size for path in (folder / SITE).rglob("*.html"))
        assert size < 10_000_000

    assert used[100_000] < used[10_000] * 1.3


_MEASURED = """
import resource, subprocess, sys
subprocess.run([sys.argv[1], "-m", "opsctl", "report", "build"], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def _long_ledger(folder: Path, *, count: int) -> None:
    """Write a whole ledger of so many records, faster than one by one."""
    one = Ledger(folder, clock=SystemClock())
    first = one.append(proof("bench.load", figures={"response.p99_ms": 12.5, "run": "r"}))
    record, lines = record_from_line(first.to_line()), [first.to_line()]
    import hashlib
    from dataclasses import asdict

    body = asdict(record)
    for name in ("started_at", "recorded_at", "expires_at"):
        body[name] = (body[name] + timedelta(0)).astimezone(UTC).isoformat()
    for sequence in range(2, count + 1):
        body |= {
            "sequence": sequence,
            "id": f"r{sequence}",
            "subject": f"s{sequence % 3000}",
            "previous": body["digest"],
        }
        del body["digest"]
        body["digest"] = hashlib.sha256(canonical_json(body).encode()).hexdigest()
        lines.append((canonical_json(body) + "\n").encode())
    (folder / "ledger.jsonl").write_bytes(b"".join(lines))
    (folder / "head").write_text(f"{count} {body['digest']}\n")


def test_every_book_that_proofs_are_held_against_is_known_by_its_digest(monkeypatch: pytest.MonkeyPatch):
    """Without one a proof of an older book would stand as passed."""
    monkeypatch.setattr(wiring, "_chosen", {"root": Path(__file__).parents[2]})
    wiring.settings.cache_clear()
    try:
        found, troubles = expected()
    finally:
        wiring.settings.cache_clear()

    assert troubles == {}
    assert set(found) == {"alerts.prove", "chaos.drill", "dr.drill", "experiments.analyze"}
    assert [each.name for of in found.values() for each in of if not each.digest] == []
    assert all(found.values())
