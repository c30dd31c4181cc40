"""Loads that Locust sends, in processes of its own, to a real small server."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from tests.bench.locust.target import job_for, running_target

from opsctl.bench.load.plan import ArrivalPlan
from opsctl.bench.locust.engine import LocustEngine
from opsctl.bench.locust.settings import LocustSettings
from opsctl.core.errors import FailedError, NotReadyError, UsageError


@pytest.fixture(scope="module")
def target():
    """Run one server for all loads of this file."""
    with running_target() as running:
        yield running


def _planned(job) -> int:
    plan = ArrivalPlan(job.book.arrivals, seed=job.book.seed)
    return sum(times.size for _, times in plan.chunks())


def _run(job, settings=None, watch=lambda _frame: ""):
    return LocustEngine(settings=settings or LocustSettings()).run(job, watch=watch)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_every_arrival_of_the_plan_is_sent_once(target, processes):
    """One process or several: together they send exactly the plan, and everything has an outcome."""
    target.paths.clear()
    job = job_for(target.port, rate=300, processes=processes)
    frames = []

    def watch(frame):
        frames.append(frame)
        return ""

    result = _run(job, watch=watch)

    total = result.total
    assert total.planned == total.sent == total.outcomes["ok"] == target.paths["/ok"] == _planned(job)
    assert total.timings.response.count == total.timings.service.count == total.planned
    assert total.timings.generator_lag.count == total.timings.queue_wait.count == total.planned
    assert sum(block.planned for block in total.blocks.values()) == total.planned
    assert total.tiers["HIT-L1"].count == total.planned
    assert {frame.process for frame in frames} == set(range(processes))
    assert sum(frame.new.planned for frame in frames) == total.planned
    assert result.loop == "open"
    assert result.cpu_cores > 0
    assert result.resident_bytes > 0
    assert not result.errors


@pytest.mark.slow
def test_what_goes_wrong_is_counted_under_its_name(target):
    """Each way in which a server can fail is an outcome of its own, and none is lost."""
    paths = [
        "ok", "missing", "redirect", "chunked", "malformed", "long", "truncated", "reset", "silent", "closing",
    ]  # fmt: skip
    job = job_for(
        target.port,
        paths={name: f"/{name}" for name in paths},
        rate=150,
        limits={"timeout": "300ms", "drain": "3s", "connections": 64},
    )

    result = _run(job)

    total = result.total
    by_name = {name: block.planned for name, block in total.endpoints.items()}
    assert dict(total.outcomes) == {
        "ok": by_name["ok"] + by_name["chunked"] + by_name["closing"],
        "bad_status": by_name["missing"],
        "redirect": by_name["redirect"],
        "malformed": by_name["malformed"] + by_name["long"],
        "truncated": by_name["truncated"],
        "reset": by_name["reset"],
        "timed_out": by_name["silent"],
    }
    assert total.planned == total.outcomes.total() == _planned(job)


@pytest.mark.slow
def test_nobody_there_is_refused_and_nothing_is_lost():
    """A port where nobody listens: each request is refused."""
    with running_target() as gone:
        port = gone.port

    result = _run(job_for(port, rate=100))

    assert dict(result.total.outcomes) == {"refused": result.total.planned}
    assert result.total.sent == 0


@pytest.mark.drill
def test_what_is_still_out_at_the_end_is_censored(target):
    """A server that never answers: requests are unfinished, those that found no connection too."""
    job = job_for(target.port, paths="/silent", rate=50, limits={"connections": 4, "drain": "200ms"})

    result = _run(job)

    assert dict(result.total.outcomes) == {"unfinished": _planned(job)}
    assert result.total.sent == 4
    assert result.total.timings.response.count == result.total.planned


@pytest.mark.drill
def test_arrivals_that_find_no_place_in_the_line_are_dropped_and_counted(target):
    """With one place in the line and one connection, the rest is dropped, and said to be."""
    limits = {"connections": 1, "drain": "200ms", "most_waiting": 1}

    result = _run(job_for(target.port, paths="/silent", rate=50, limits=limits))

    assert result.total.outcomes["unfinished"] == 2
    assert result.total.outcomes["dropped"] == result.total.planned - 2


@pytest.mark.drill
def test_waiting_for_a_connection_counts_as_latency(target):
    """One connection and a service time of 20 ms at 100 requests a second: the wait is in the response time."""
    job = job_for(target.port, paths="/fixed", rate=100, limits={"connections": 1})

    result = _run(job)

    timings = result.total.timings
    assert dict(result.total.outcomes) == {"ok": _planned(job)}
    assert timings.response.value_at(0.5) > 3 * timings.service.value_at(0.5)
    assert timings.queue_wait.value_at(0.5) > timings.generator_lag.value_at(0.5)


@pytest.mark.drill
def test_a_closed_loop_book_is_sent_as_one_and_says_so(target):
    """Each of two connections waits for its answers: no more than 1 / 20 ms each a second."""
    job = job_for(target.port, paths="/fixed", loop="closed", limits={"connections": 2})

    result = _run(job)

    assert result.loop == "closed"
    assert 0 < result.total.outcomes["ok"] <= 2 * 1 / 0.02 + 2
    assert result.total.planned == result.total.outcomes.total()


@pytest.mark.drill
def test_a_watcher_ends_the_run_early(target):
    """The reason is kept, what was out is counted, and Locust is gone."""
    job = job_for(target.port, rate=100, seconds=30)
    began = time.monotonic()

    result = _run(job, watch=lambda frame: "enough" if frame.seconds > 0.5 else "")

    assert result.aborted == "enough"
    assert 0 < result.total.planned < _planned(job) / 2
    assert result.total.planned == result.total.outcomes.total()
    assert time.monotonic() - began < 25


@pytest.mark.slow
def test_ctrl_c_ends_the_run_with_what_was_measured_so_far(target):
    """The first one is heard as a wish to end early."""
    frames = []

    def watch(frame):
        frames.append(frame)
        if len(frames) == 1:
            signal.raise_signal(signal.SIGINT)
        return ""

    result = _run(job_for(target.port, rate=100, seconds=30), watch=watch)

    assert result.aborted == "interrupted"
    assert result.total.planned == result.total.outcomes.total() > 0


@pytest.mark.drill
def test_a_worker_that_dies_makes_an_error_and_ends_the_run(target):
    """Locust itself would go on with the other one, and half of the plan would look like all of it."""
    killed: list[int] = []

    def watch(frame):
        if not killed and frame.process == 1:
            killed.append(_a_worker())
            os.kill(killed[0], signal.SIGKILL)
        return ""

    result = _run(job_for(target.port, rate=100, seconds=60, processes=2), watch=watch)

    assert len(killed) == 1
    assert len(result.errors) == 1
    assert result.errors[0].endswith("is gone, and its arrivals with it")
    assert result.aborted == "a worker is gone"
    assert 0 < result.seconds < 40


def _a_worker() -> int:
    """Return the process of a worker: a child of Locust's process, which is a child of this one."""
    for locust in _children(os.getpid()):
        if b"locust_worker" in Path(f"/proc/{locust}/cmdline").read_bytes():
            return _children(locust)[-1]
    raise AssertionError("Locust does not run")


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


@pytest.mark.drill
def test_an_existing_locustfile_runs_unchanged_in_a_closed_loop(target, tmp_path):
    """HttpUser, FastHttpUser, tasks and waits: as Locust runs them; the output says that the loop is closed."""
    locustfile = tmp_path / "locustfile.py"
    locustfile.write_text(
        textwrap.dedent("""
        from locust import FastHttpUser, HttpUser, constant, task

        class Slow(HttpUser):
            wait_time = constant(0.05)

            @task
            def ask(self):
                self.client.get("/ok", name="through requests")

        class Quick(FastHttpUser):
            wait_time = constant(0.05)

            @task
            def ask(self):
                self.client.get("/missing", name="not there")
        """)
    )

    result = _run(
        job_for(target.port, seconds=2), LocustSettings(locustfile=locustfile, users=2, spawn_rate=10)
    )

    total = result.total
    assert result.loop == "closed"
    assert set(total.endpoints) == {"through requests", "not there"}
    assert total.outcomes["ok"] == total.endpoints["through requests"].planned > 5
    assert total.outcomes["bad_status"] == total.endpoints["not there"].planned > 5
    assert total.tiers["HIT-L1"].count == total.outcomes["ok"]


@pytest.mark.drill
def test_a_scenario_follows_its_answers_and_begins_on_time(target, tmp_path):
    """Two requests for each arrival: the journeys that begin are exactly the plan's."""
    scenario = tmp_path / "journey.py"
    scenario.write_text(
        textwrap.dedent("""
        from opsctl.bench.locust.open_loop_user import OpenLoopUser

        class Journey(OpenLoopUser):
            def arrive(self, session, number):
                if session.get("/ok", name="first").is_good:
                    session.post("/missing", body={"number": number}, name="second")
                if number == 7:
                    raise ValueError("seven")
        """)
    )
    job = job_for(target.port)

    result = _run(job, LocustSettings(locustfile=scenario))

    assert result.loop == "open"
    assert result.total.endpoints["first"].planned == result.total.endpoints["second"].errors == _planned(job)
    assert result.errors == ("ValueError in Journey: seven",)


@pytest.mark.drill
def test_what_a_locustfile_starts_and_leaves_neither_holds_up_the_run_nor_outlives_it(target, tmp_path):
    """It inherits the pipe over which the results come, and the run ends before it would close."""
    scenario = tmp_path / "leaves.py"
    scenario.write_text(
        "import subprocess\n"
        "from pathlib import Path\n"
        "from locust import HttpUser, constant, task\n"
        "left = subprocess.Popen(['sleep', '300'], close_fds=False)\n"
        "Path(__file__).with_suffix('.pid').write_text(str(left.pid))\n"
        "class Asks(HttpUser):\n"
        "    wait_time = constant(0.1)\n"
        "    @task\n"
        "    def ask(self):\n"
        "        self.client.get('/ok')\n"
    )

    result = _run(job_for(target.port), LocustSettings(locustfile=scenario))

    assert result.total.sent > 0
    state = Path(f"/proc/{scenario.with_suffix('.pid').read_text()}/stat")
    deadline = time.monotonic() + 30  # a killed process takes its time to go where many others run
    while not _has_ended(state):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _has_ended(state: Path) -> bool:
    """Tell whether a process is gone, or a zombie: nobody has asked yet how it ended."""
    try:
        return state.read_text().rpartition(")")[2].split()[0] in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_broken_locustfile_is_shown_with_its_error(target, tmp_path):
    """What Locust says is in the error."""
    locustfile = tmp_path / "broken.py"
    locustfile.write_text("import nothing_of_this_name\n")

    with pytest.raises(FailedError) as caught:
        _run(job_for(target.port), LocustSettings(locustfile=locustfile))

    assert caught.value.code == "BEN051"
    assert "nothing_of_this_name" in (caught.value.why or "")


def test_options_that_make_no_sense_are_refused_at_once(tmp_path):
    """No such locustfile; users without a locustfile; processes beside workers."""
    job = job_for(1)

    for settings, processes in [
        (LocustSettings(locustfile=tmp_path / "none.py"), 1),
        (LocustSettings(users=3), 1),
        (LocustSettings(expect_workers=2), 2),
    ]:
        with pytest.raises(UsageError):
            _run(job_for(1, processes=processes), settings)
    assert job.book.processes == 1


def test_without_the_package_the_error_names_the_extra(monkeypatch):
    """Not installed: what to type is in the error."""
    monkeypatch.setattr("opsctl.bench.locust.engine.find_spec", lambda _name: None)

    with pytest.raises(NotReadyError) as caught:
        _run(job_for(1))

    assert "opsctl[locust]" in (caught.value.fix or "")


@pytest.mark.drill
def test_one_master_and_two_workers_send_exactly_the_plan(target, tmp_path):
    """Workers that were started by hand, with Locust alone, get file, job and shares from their master."""
    target.paths.clear()
    job = job_for(target.port, rate=300)
    workers: list[subprocess.Popen[bytes]] = []

    def start_workers(note: str) -> None:
        arguments = note.partition("`locust ")[2].partition("`")[0].split()
        for machine in ("one", "other"):
            (tmp_path / machine).mkdir()
            # Locust keeps the file it was sent under one name: as on two machines, each has a folder of its own.
            environment = {**os.environ, "TMPDIR": str(tmp_path / machine)}
            command = [sys.executable, "-m", "locust", *arguments]
            workers.append(
                subprocess.Popen(
                    command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            )

    try:
        engine = LocustEngine(settings=LocustSettings(expect_workers=2), on_note=start_workers)
        result = engine.run(job, watch=lambda _frame: "")
        codes = [worker.wait(20) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()

    assert result.total.outcomes["ok"] == result.total.planned == target.paths["/ok"] == _planned(job)
    assert codes == [0, 0]


@pytest.mark.drill
def test_locust_ends_when_its_parent_dies(target, tmp_path):
    """A parent that is killed leaves no process behind."""
    program = tmp_path / "parent.py"
    program.write_text(
        textwrap.dedent(f"""
        from opsctl.bench.locust.engine import LocustEngine
        from tests.bench.locust.target import job_for

        def watch(frame):
            print("frame", flush=True)
            return ""

        LocustEngine().run(job_for({target.port}, rate=50, seconds=60, processes=2), watch=watch)
        """)
    )
    parent = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, env=_environment())
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"frame\n"
    family = _descendants(parent.pid)
    assert len(family) >= 3

    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    deadline = time.monotonic() + 20
    while any(_is_alive(pid) for pid in family) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in family if _is_alive(pid)]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(["src", "."])}


def _descendants(pid: int) -> set[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = {int(child) for child in children}
    return found.union(*(_descendants(child) for child in found))


def _is_alive(pid: int) -> bool:
    path = Path(f"/proc/{pid}/stat")
    return path.exists() and path.read_text().rpartition(")")[2].split()[0] != "Z"
