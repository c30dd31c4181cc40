"""How is a book of an experiment simulated from here: its worlds on several processes, its variants, and what is recorded?"""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.cli.study_folders import folder_of, replace_folder, scratch_of

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from opsctl.core.events import Listener
    from opsctl.experiments.load_experiments import NamedExperiment
    from opsctl.experiments.studies.model import Study, Variant, WorldResult
    from opsctl.experiments.studies.run import Job

_DRIFTS = {"no drift": 0.0, "drift": None, "strong drift": 0.05}
"""Shares of the way that a taste goes with a click; None is the book's own."""
_VARIANT_USERS = 400
"""Readers of a world in which only signs are looked at."""


def chosen(names: Sequence[str]) -> "tuple[NamedExperiment, ...]":
    """Return the experiments of these names, or all that can be simulated.

    Raises:
        UsageError: EXP003 there is no such experiment, EXP127 its book says nothing of a simulation.
    """
    from opsctl.cli import experimenting
    from opsctl.core.errors import UsageError

    found = experimenting.chosen(names)
    if not names:
        return tuple(each for each in found if each.experiment.simulation is not None)
    for each in found:
        if each.experiment.simulation is None:
            raise UsageError(
                f"the book of `{each.name}` says nothing of a simulation",
                code="EXP127",
                fix="add `simulation: {users: 1000, days: 14}`",
            )
    return found


def simulated(
    named: "NamedExperiment",
    *,
    seeds: int | None,
    with_variants: bool,
    processes: int | None,
    listener: "Listener",
) -> "Study":
    """Simulate a book, write everything down, and record its start and its figures.

    What an earlier run left is replaced once the new one is whole.
    """
    from opsctl.cli import wiring
    from opsctl.clients.files import write_atomically
    from opsctl.experiments.registry import start_now
    from opsctl.experiments.simulator.calendar import STARTED_AT
    from opsctl.experiments.start_records import start_evidence
    from opsctl.experiments.studies.arms import check_arms
    from opsctl.experiments.studies.binding import bind
    from opsctl.experiments.studies.document import FILE, study_evidence, to_text
    from opsctl.experiments.studies.model import SIMULATED
    from opsctl.experiments.studies.summary import figures_of

    check_arms(named.experiment)  # here, and not in the first of many processes
    began, clock = wiring.clock().now(), time.monotonic()
    folder = folder_of(named.name)
    with scratch_of(folder) as scratch:
        worlds, variants = _run(
            named,
            seeds=seeds,
            with_variants=with_variants,
            scratch=scratch,
            processes=processes,
            listener=listener,
        )
        study = _study(named, worlds, variants)
        write_atomically(scratch / FILE, to_text(study))
        events = bind(scratch)  # the last one that is written
        replace_folder(folder, by=scratch)
        started = start_now(named.experiment, name=named.name, at=STARTED_AT, simulated=SIMULATED)
        wiring.record(start_evidence(started))
    seconds = time.monotonic() - clock
    wiring.record(
        study_evidence(study, figures=figures_of(study), events=events, started_at=began, seconds=seconds)
    )
    return study


def _study(
    named: "NamedExperiment", worlds: "tuple[WorldResult, ...]", variants: "tuple[Variant, ...]"
) -> "Study":
    from opsctl.experiments.simulator.calendar import STARTED_AT
    from opsctl.experiments.studies.model import Study
    from opsctl.experiments.studies.run import world_of_book
    from opsctl.experiments.studies.spaces import has_sentence_bert

    wants_sentences = any(
        arm.settings.get("embedding") == "sentence_bert" for arm in named.experiment.arms.values()
    )
    return Study(
        name=named.name,
        digest=named.digest,
        world=world_of_book(named.experiment).digest,
        started_at=STARTED_AT,
        worlds=worlds,
        variants=variants,
        stands=("hashed texts in place of all-MiniLM-L6-v2",)
        if wants_sentences and not has_sentence_bert()
        else (),
    )


def _run(
    named: "NamedExperiment",
    *,
    seeds: int | None,
    with_variants: bool,
    scratch: Path,
    processes: int | None,
    listener: "Listener",
) -> "tuple[tuple[WorldResult, ...], tuple[Variant, ...]]":
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    simulation = named.experiment.simulation
    assert simulation is not None  # noqa: S101 - `chosen` refuses others
    count = seeds or simulation.seeds
    jobs = [
        _job(named, seed=simulation.seed + number, folder=scratch if number == 0 else None)
        for number in range(count)
    ]
    workers = min(processes or len(os.sched_getaffinity(0)), count + 8)
    # spawned, so that a process has no more of this one than its job; each computes on one core
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker) as pool:
        try:
            return _followed(pool, named, jobs, with_variants=with_variants, listener=listener)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():  # the pool knows of no way to end them
                process.terminate()
            raise


def _followed(
    pool: "Executor",
    named: "NamedExperiment",
    jobs: "Sequence[Job]",
    *,
    with_variants: bool,
    listener: "Listener",
) -> "tuple[tuple[WorldResult, ...], tuple[Variant, ...]]":
    """Return the results of all worlds in the order of their seeds, however long each took."""
    from concurrent.futures import FIRST_EXCEPTION, Future, wait

    from opsctl.core.events import PhaseAdvanced, PhaseFinished, PhaseStarted
    from opsctl.experiments.studies.model import Variant
    from opsctl.experiments.studies.run import run_world, true_differences

    kinds = list(_kinds(named)) if with_variants else []
    small = _job(_with_users(named, _VARIANT_USERS), seed=jobs[0].seed, folder=None)
    began = time.monotonic()
    listener(PhaseStarted(subject=named.name, phase="simulate", total=len(jobs) + len(kinds), unit="worlds"))
    worlds = [pool.submit(run_world, job) for job in jobs]
    others = [pool.submit(true_differences, small, changes=changes) for _, changes in kinds]
    futures: list[Future[Any]] = [*worlds, *others]
    for future in futures:
        future.add_done_callback(
            lambda _: listener(PhaseAdvanced(subject=named.name, phase="simulate", advance=1))
        )
    done, waiting = wait(futures, return_when=FIRST_EXCEPTION)
    for future in waiting:
        future.cancel()
    for future in done:
        future.result()
    seconds = time.monotonic() - began
    listener(PhaseFinished(subject=named.name, phase="simulate", duration_seconds=seconds))
    variants = tuple(
        Variant(name=name, differences=future.result())
        for (name, _), future in zip(kinds, others, strict=True)
    )
    return tuple(future.result() for future in worlds), variants


def _kinds(named: "NamedExperiment") -> Iterator[tuple[str, dict[str, object]]]:
    """Yield the kinds of worlds in which a winner has to stay one: three ways to choose, three levels of drift."""
    from opsctl.experiments.simulator.world_book import Choice
    from opsctl.experiments.studies.run import world_of_book

    usual = world_of_book(named.experiment)
    for choice in Choice:
        for words, drift in _DRIFTS.items():
            yield (
                f"{choice}, {words}",
                {"choice": str(choice), "drift": usual.drift if drift is None else drift},
            )


def _job(named: "NamedExperiment", *, seed: int, folder: Path | None) -> "Job":
    from opsctl.experiments.studies.run import Job

    return Job(name=named.name, experiment=named.experiment, seed=seed, folder=folder)


def _with_users(named: "NamedExperiment", users: int) -> "NamedExperiment":
    from dataclasses import replace

    simulation = named.experiment.simulation
    assert simulation is not None  # noqa: S101
    fewer = simulation.model_copy(update={"users": min(users, simulation.users)})
    return replace(named, experiment=named.experiment.model_copy(update={"simulation": fewer}))


def _begin_worker() -> None:
    """Keep linear algebra from threads of its own, there is a process for every core; and outlive nobody.

    Ctrl-C is for the main process, which ends this one. One that is killed can end nothing, so this one looks after it.
    """
    import multiprocessing
    import signal
    import threading

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"


def _end_with(sentinel: int) -> None:
    from multiprocessing.connection import wait

    wait([sentinel])
    os._exit(1)
