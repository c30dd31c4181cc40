"""Run every benchmark, one at a time, and make the page of what they found.

    python -m tests.benchmarks [--only NAME ...] [--dry-run] [--render] [--page FILE]

A benchmark that fails, or does not end at its limit, does not keep the others from running. The page is written at the end as
a whole. `--only` runs some benchmarks anew and leaves the figures of the others as they were kept, each with its day.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from tests.benchmarks.causes import CAUSES, UNKNOWN, Causes, missed, read_causes, stale, unmet
from tests.benchmarks.digest import with_digest
from tests.benchmarks.machine import describe_machine
from tests.benchmarks.page import render_page
from tests.benchmarks.results import Result, keep, kept
from tests.benchmarks.rows import ROWS_FILE_VARIABLE, Verdict, read_rows
from tests.benchmarks.steps import STEPS, Step
from tests.benchmarks.supervising import adopt_orphans, supervise

from opsctl.clients.files import write_atomically
from opsctl.clients.git import read_commit
from opsctl.core.exit_codes import ExitCode
from opsctl.core.units import format_duration

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where things are: tests have a folder of their own."""

    root: Path = ROOT
    kept: Path = ROOT / ".opsctl" / "benchmarks"
    page: Path = ROOT / "docs" / "benchmarks.md"
    causes: Path = CAUSES
    package: str = "tests.benchmarks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """What is the same for all benchmarks of a run."""

    commit: str
    load: float
    machine: dict[str, str]


def main(
    words: Sequence[str] | None = None, *, steps: Sequence[Step] = STEPS, places: Places | None = None
) -> int:
    """Do what the arguments say, and return the exit code."""
    arguments = _parse(words, steps=steps)
    places = places or Places()
    chosen = [step for step in steps if not arguments.only or step.name in arguments.only]
    if arguments.dry_run:
        _print_plan(chosen)
        return ExitCode.GOOD
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if not arguments.render:
            _run_all(chosen, places=places)
    except KeyboardInterrupt:
        _complain("interrupted: the page is left as it was")
        return ExitCode.INTERRUPTED
    page = arguments.page or places.page
    return _conclude(steps, chosen, page=page, places=places)


def _run_all(chosen: Sequence[Step], *, places: Places) -> None:
    adopt_orphans()
    places.kept.mkdir(parents=True, exist_ok=True)
    here = Here(
        commit=read_commit(places.root) or "unknown", load=os.getloadavg()[0], machine=describe_machine()
    )
    left = sum(step.expected_seconds for step in chosen)
    print(
        f"{len(chosen)} benchmarks, about {format_duration(left)}; load average {here.load:.2f}", flush=True
    )
    for number, step in enumerate(chosen, 1):
        print(
            f"{number:>2} of {len(chosen)}  {step.name:22} about {format_duration(step.expected_seconds):>9}"
            f" of {format_duration(left):>10} left ...",
            end="",
            flush=True,
        )
        result = _run(step, here=here, places=places)
        keep(result, folder=places.kept)
        left -= step.expected_seconds
        print(f" took {format_duration(result.seconds):>10}: {_summary(result)}", flush=True)


def _run(step: Step, *, here: Here, places: Places) -> Result:
    rows_file = places.kept / f"{step.name}.jsonl"
    rows_file.unlink(missing_ok=True)
    begun = datetime.now(UTC).isoformat(timespec="seconds")
    ended = supervise(
        [sys.executable, "-m", f"{places.package}.{step.module}", *step.arguments],
        root=places.root,
        output=places.kept / f"{step.name}.txt",
        limit_seconds=step.limit_seconds,
        environment={ROWS_FILE_VARIABLE: str(rows_file)},
    )
    if ended.left_behind:
        _complain(f"`{step.name}` left processes behind, {ended.left_behind} in all; they were ended")
    rows = read_rows(rows_file)
    return Result(
        name=step.name,
        failure=ended.failure or ("" if rows else "told no figure"),
        begun=begun,
        seconds=ended.seconds,
        commit=here.commit,
        load_before=here.load,
        machine=here.machine,
        rows=rows,
    )


def _summary(result: Result) -> str:
    parts = [f"{len(result.rows)} figures"]
    if missing := len(result.rows_that(Verdict.MISSED)):
        parts.append(f"{missing} missed")
    return ", ".join([*parts, result.failure] if result.failure else parts)


def _conclude(steps: Sequence[Step], chosen: Sequence[Step], *, page: Path, places: Places) -> int:
    """Write the page where it would be whole, say what is wrong, and return the exit code."""
    results, causes = kept(steps, folder=places.kept), read_causes(places.causes)
    without = [step.name for step in steps if step.name not in results]
    if without and page.exists():
        _complain(
            f"the page is left as it was: no figures of this machine and its versions are kept of {', '.join(without)}"
        )
        results = {step.name: results[step.name] for step in chosen if step.name in results}
    else:
        write_atomically(page, render_page(steps, results, causes))
        print(f"the page is {_shown(page, places.root)}")
        if page == places.page and not without:
            _write_digest(places.root / "README.md", list(results.values()))
    return _judge(list(results.values()), causes, is_whole=not without)


def _write_digest(readme: Path, results: Sequence[Result]) -> None:
    if not readme.exists():
        return
    try:
        text = with_digest(readme.read_text(encoding="utf-8"), results)
    except LookupError as error:
        _complain(f"the README is left as it was: {error.args[0]}")
        return
    write_atomically(readme, text)


def _judge(results: Sequence[Result], causes: Causes, *, is_whole: bool) -> int:
    rows = [row for result in results for row in result.rows]
    failed = [f"`{result.name}` {result.failure}" for result in results if result.failure]
    unexplained = [
        f"missed, and {UNKNOWN}: {each.row.benchmark}: {each.row.what}"
        for each in missed(rows, causes)
        if each.cause is None
    ]
    unsure = [
        f"cannot tell: {row.benchmark}: {row.what}" for row in rows if row.verdict is Verdict.CANNOT_TELL
    ]
    for line in (*failed, *unexplained, *unsure):
        _complain(line)
    for name in stale(rows, causes):
        _complain(f"stale: causes.yaml says why a target is missed that is held: {name}")
    if is_whole and not failed:
        for name in unmet(rows, causes):
            _complain(f"stale: causes.yaml says why a target is missed that nothing measures: {name}")
    verdicts = [row.verdict for row in rows]
    print(
        f"{len(rows)} figures: {verdicts.count(Verdict.HELD)} targets held, {verdicts.count(Verdict.MISSED)} missed"
    )
    if failed or unexplained:
        return ExitCode.BAD_VERDICT
    return ExitCode.INCONCLUSIVE if unsure or not rows else ExitCode.GOOD


def _print_plan(chosen: Sequence[Step]) -> None:
    for step in chosen:
        words = " ".join((f"python -m tests.benchmarks.{step.module}", *step.arguments))
        times = f"about {format_duration(step.expected_seconds)}, {format_duration(step.limit_seconds)} at the most"
        print(f"{step.name:22} {times:40} {words}")
    print(f"{len(chosen)} benchmarks, about {format_duration(sum(step.expected_seconds for step in chosen))}")


def _shown(page: Path, root: Path) -> str:
    return str(page.relative_to(root) if page.is_relative_to(root) else page)


def _complain(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _parse(words: Sequence[str] | None, *, steps: Sequence[Step]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [step.name for step in steps]
    parser.add_argument(
        "--only", action="append", choices=names, metavar="NAME", help=f"one of {', '.join(names)}"
    )
    parser.add_argument("--dry-run", action="store_true", help="print what would run, and for how long")
    parser.add_argument("--render", action="store_true", help="run nothing: make the page of what is kept")
    parser.add_argument("--page", type=Path, help="write the page here, not into docs/")
    return parser.parse_args(words)
