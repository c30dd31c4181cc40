"""What does a Locust process tell of its load, and to whom: frames to its master, and from there to the command."""

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event
from locust import events, runners
from locust.runners import (
    STATE_MISSING,
    STATE_RUNNING,
    STATE_SPAWNING,
    LocalRunner,
    MasterRunner,
    Runner,
    WorkerRunner,
)

from opsctl.bench.load.tally import Frame
from opsctl.bench.load.usage import Usage
from opsctl.bench.locust.foreign import head_of, outcome_of, seconds_of, status_of
from opsctl.bench.locust.open_loop import OpenLoop
from opsctl.bench.locust.rows import Rows, tier_of
from opsctl.bench.locust.session import OURS
from opsctl.bench.locust.wire import Plain, frame_to_plain, job_from_plain, job_to_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from locust.env import Environment

    from opsctl.bench.load.ports import LoadJob

_FRAME_SECONDS = 1.0
_REPORT_KEY = "opsctl"
_LOST_AFTER = 3
"""Looks, one a second, at which a worker must be missing: on a busy machine a sign of life may come late."""


class StopArrivalsError(Exception):
    """Thrown at a user with planned arrivals when its test ends early: start nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Which part of the arrivals this process sends: number i where i mod `of` is `process`."""

    process: int = 0
    of: int = 1


class Reporter:
    """The one of this process: hears Locust's events, keeps what was recorded, passes it on once a second.

    The master tells each worker its share and its job, waits until all are ready, and lets them go together.
    """

    def __init__(self) -> None:
        self.job: LoadJob | None = None
        self.share = Share()
        self.rows = Rows()
        self.go = Event()
        """Set when the run begins; `began` is its moment then."""
        self.began = 0.0
        self.tell: Callable[[Plain], None] | None = None
        """Set where the command listens: in the only process, or in the master."""
        self._usage = Usage()
        self._errors: list[str] = []
        self._open_users: set[str] = set()
        self._ended_users: set[str] = set()
        self._senders: list[gevent.Greenlet] = []
        self._loops: list[OpenLoop] = []
        self._workers: dict[str, int] = {}
        self._ready: set[str] = set()
        self._done: set[str] = set()
        self._is_open = False
        self._environment: Environment | None = None

    def on_init(self, environment: "Environment", runner: Runner, **_rest: Any) -> None:
        """Listen to all that this kind of process has to say."""
        self._environment = environment
        self._usage = Usage()  # anew: this process may have been forked since
        hear = environment.events
        hear.quit.add_listener(self._on_quit)
        if isinstance(runner, MasterRunner):
            runner.register_message("opsctl_ready", self._on_ready)
            runner.register_message("opsctl_done", self._on_done)
            hear.test_start.add_listener(self._on_master_start)
            hear.worker_report.add_listener(self._on_worker_report)
        else:
            hear.request.add_listener(self._on_request)
            hear.test_stopping.add_listener(self._on_stopping)
        if isinstance(runner, WorkerRunner):
            runner.register_message("opsctl_job", self._on_job)
            runner.register_message("opsctl_go", self._on_go)
            hear.report_to_master.add_listener(self._on_report_to_master)
        if isinstance(runner, LocalRunner):
            hear.test_start.add_listener(self._on_local_start)
            gevent.spawn(self._tell_each_second)
        self._say_which_loop(environment)

    def opened(self, name: str) -> bool:
        """Count a user that begins with its planned arrivals; False where one of its class did already."""
        if name in self._open_users:
            return False
        self._open_users.add(name)
        self._senders.append(gevent.getcurrent())
        return True

    def ready(self) -> None:
        """Hear that a user has prepared its arrivals: all begin together as soon as every process has."""
        runner = None if self._environment is None else self._environment.runner
        if isinstance(runner, WorkerRunner):
            runner.send_message("opsctl_ready", None)
        elif not self.go.is_set():
            self._start()

    def finished(self, name: str) -> None:
        """Count a user that ended with its planned arrivals; the last one ends the test."""
        self._ended_users.add(name)
        if self._ended_users < self._open_users:
            return
        runner = None if self._environment is None else self._environment.runner
        if isinstance(runner, WorkerRunner):
            runner.send_message("opsctl_done", {_REPORT_KEY: self.frame()})
        else:
            gevent.spawn(self.end_test)  # which kills users, this one among them

    def watch(self, loop: OpenLoop) -> None:
        """Tell in frames how many arrivals of this loop are under way and waiting."""
        self._loops.append(loop)

    def failed(self, error: BaseException, *, where: str) -> None:
        """Keep what went wrong in a scenario; a run with such errors is invalid."""
        text = f"{type(error).__name__} in {where}: {error}"[:200]
        if text not in self._errors and len(self._errors) < 20:
            self._errors.append(text)

    def end_test(self) -> None:
        """End Locust, its page too."""
        if self._environment is None or self._environment.runner is None:
            return
        self._environment.runner.quit()
        if self._environment.web_ui is not None:
            self._environment.web_ui.stop()

    def frame(self, *, is_last: bool = False) -> Plain:
        """Return all that is new since the last frame."""
        cpu_seconds, starved_seconds, resident_bytes = self._usage.take()
        return frame_to_plain(
            Frame(
                process=self.share.process,
                seconds=time.perf_counter() - self.began if self.go.is_set() else 0.0,
                in_flight=sum(loop.in_flight for loop in self._loops),
                waiting=sum(loop.waiting for loop in self._loops),
                new=self.rows.take(),
                cpu_seconds=cpu_seconds,
                starved_seconds=starved_seconds,
                resident_bytes=resident_bytes,
                is_last=is_last,
                error="; ".join(self._errors),
            )
        )

    def _say_which_loop(self, environment: "Environment") -> None:
        is_open = self._is_open = any(
            getattr(each, "is_open_loop", False) for each in environment.user_classes
        )
        is_asked_to_close = self.job is not None and self.job.book.loop == "closed"
        if self.tell is not None:
            self.tell({"kind": "loop", "loop": "open" if is_open and not is_asked_to_close else "closed"})
        if self.job is not None and not is_open and environment.parsed_options is not None:
            # Users of a plain locustfile go on for ever; those with planned arrivals end with their plan.
            environment.parsed_options.run_time = self.job.book.duration_seconds

    def _start(self) -> None:
        self.began = time.perf_counter()
        self.rows.begin(self.began)
        self._usage.take()
        self.go.set()

    def _on_local_start(self, **_rest: Any) -> None:
        if not self._is_open:
            self._start()

    def _on_master_start(self, environment: "Environment", **_rest: Any) -> None:
        runner = environment.runner
        if not isinstance(runner, MasterRunner) or self._workers:
            return
        ids = sorted((node.id for node in runner.clients.ready), key=runner.get_worker_index)
        self._workers = {each: place for place, each in enumerate(ids)}
        self._start()
        job = None if self.job is None else job_to_plain(self.job)
        for each, place in self._workers.items():
            runner.send_message("opsctl_job", {"process": place, "of": len(ids), "job": job}, client_id=each)
        gevent.spawn(self._watch_workers, runner)

    def _watch_workers(self, runner: MasterRunner) -> None:
        """Tell when a worker is gone: Locust goes on without it, and nobody else would send its arrivals."""
        missed: Counter[str] = Counter()
        while True:
            gevent.sleep(_FRAME_SECONDS)
            if runner.state not in (STATE_RUNNING, STATE_SPAWNING):
                continue
            for each in self._workers.keys() - self._done:
                node = runner.clients.get(each)
                missed[each] = missed[each] + 1 if node is None or node.state == STATE_MISSING else 0
                if missed[each] >= _LOST_AFTER and self.tell is not None:
                    self.tell({"kind": "lost", "process": self._workers[each]})
                    return

    def _on_job(self, msg: Any, **_rest: Any) -> None:
        self.share = Share(process=msg.data["process"], of=msg.data["of"])
        if msg.data["job"] is not None:
            self.job = job_from_plain(msg.data["job"])
        if not self._is_open:
            self._start()

    def _on_ready(self, environment: "Environment", msg: Any, **_rest: Any) -> None:
        self._ready.add(msg.node_id)
        if environment.runner is not None and self._ready >= set(self._workers):
            environment.runner.send_message("opsctl_go", None)

    def _on_go(self, **_rest: Any) -> None:
        self._start()

    def _on_done(self, msg: Any, **_rest: Any) -> None:
        self._pass_on(msg.data)
        self._done.add(msg.node_id)
        if self._done >= set(self._workers):
            gevent.spawn(self.end_test)

    def _on_stopping(self, **_rest: Any) -> None:
        for sender in self._senders:
            sender.kill(StopArrivalsError, block=False)  # nothing happens to those that have ended

    def _on_report_to_master(self, data: Plain, **_rest: Any) -> None:
        if self.go.is_set():
            data[_REPORT_KEY] = self.frame()

    def _on_worker_report(self, data: Plain, **_rest: Any) -> None:
        self._pass_on(data)

    def _pass_on(self, data: Plain) -> None:
        frame = data.get(_REPORT_KEY)
        if frame is not None and self.tell is not None:
            self.tell({"kind": "frame", "frame": frame})

    def _on_request(
        self,
        name: str,
        response_time: float,
        response_length: int = 0,
        exception: BaseException | None = None,
        context: Any = None,
        response: Any = None,
        **_rest: Any,
    ) -> None:
        """Record what a client of Locust's own did, which waited for its answer: nothing of it was planned before."""
        if context is OURS:
            return
        ended = time.perf_counter()
        sent = ended - seconds_of(response_time)
        status = status_of(response)
        outcome, reason = outcome_of(exception, status=status)
        moments = (sent, sent, sent, ended)
        tier = tier_of(head_of(response))
        self.rows.add(name, moments, outcome=outcome, status=status, tier=tier)
        self.rows.add_received(int(response_length or 0))
        if reason:
            self.rows.add_reason(f"{name}: {reason}")

    def _tell_each_second(self) -> None:
        while True:
            gevent.sleep(_FRAME_SECONDS)
            if self.go.is_set():
                self._pass_on({_REPORT_KEY: self.frame()})

    def _on_quit(self, **_rest: Any) -> None:
        if self.tell is None or self._environment is None:
            return
        if isinstance(self._environment.runner, LocalRunner):
            self._pass_on({_REPORT_KEY: self.frame(is_last=True)})
        self.tell({"kind": "end"})


runners.WORKER_REPORT_INTERVAL = _FRAME_SECONDS
REPORTER = Reporter()
events.init.add_listener(REPORTER.on_init)
