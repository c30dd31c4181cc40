"""How does a Locust user keep to planned arrivals: it starts each on time, whether or not answers come back."""

import gc
import itertools
import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from locust import User, task
from locust.exception import StopUser
from locust.runners import WorkerRunner

from opsctl.bench.load.book import Limits
from opsctl.bench.load.phases import Phase
from opsctl.bench.load.plan import ArrivalPlan
from opsctl.bench.load.ports import Address, Arrivals, LoadJob
from opsctl.bench.load.sources import arrivals_of, source_of
from opsctl.bench.locust.open_loop import OpenLoop, Serving
from opsctl.bench.locust.raw_client import RawClient
from opsctl.bench.locust.reporting import REPORTER, Share, StopArrivalsError
from opsctl.bench.locust.session import Session

if TYPE_CHECKING:
    from locust.env import Environment

_STOPPED_DRAIN_SECONDS = 2.0
"""What is out when a test is ended early may still come back for a moment."""

_logger = logging.getLogger(__name__)


class OpenLoopUser(User):
    """Starts `arrive` at planned moments, many at a time; derive from it and say what an arrival does.

    One such user is one sender: Locust runs one in each process, and each takes its share of the arrivals. Under
    `opsctl bench load` the book says when they come; under Locust alone, `arrivals` does.
    """

    abstract = True
    is_open_loop: ClassVar[bool] = True

    arrivals: ClassVar[Sequence[Phase]] = ()
    """When requests start, where there is no book."""
    seed: ClassVar[int] = 1
    limits: ClassVar[Limits] = Limits()
    """Connections, timeout and drain, where there is no book. `most_waiting=0` drops what finds no free connection."""

    def arrive(self, session: Session, what: Any) -> None:
        """Do what one arrival is; `what` is the arrival's number, or what `prepare` made of it."""
        raise NotImplementedError(f"{type(self).__name__} does not say what an arrival does")

    def prepare(self, arrivals: Sequence[int]) -> Sequence[Any]:
        """Return what `arrive` is given for some arrivals; called just before they are due."""
        return arrivals

    def name_of(self, what: Any) -> str:  # noqa: ARG002 - others look at it
        """Return what an arrival counts under that was never sent."""
        return type(self).__name__

    @property
    def job(self) -> LoadJob:
        """Return what `opsctl bench load` was asked to do."""
        if REPORTER.job is None:
            raise StopUser
        return REPORTER.job

    @task
    def run_the_plan(self) -> None:
        """Start all arrivals of this process, wait for what is out, and end."""
        if not REPORTER.opened(type(self).__name__):
            _logger.warning(
                "one %s a process sends all its arrivals; another one has nothing to do", type(self).__name__
            )
            raise StopUser
        client = RawClient(self._address(), timeout_seconds=self._limits.timeout_seconds)
        loop = OpenLoop(
            [self._session(client) for _ in range(self._limits.connections)],
            serving=Serving(
                prepare=self.prepare, serve=self.arrive, name_of=self.name_of, on_error=self._on_error
            ),
            rows=REPORTER.rows,
            most_waiting=self._limits.most_waiting,
        )
        REPORTER.watch(loop)
        try:
            self._send_all(loop)
        except StopArrivalsError:
            loop.drain(seconds=_STOPPED_DRAIN_SECONDS)
        finally:
            loop.close()
            client.close()
        REPORTER.finished(type(self).__name__)
        raise StopUser

    def _send_all(self, loop: OpenLoop) -> None:
        plan, share = self._plan(), _share_of(self.environment)
        _settle_memory()
        REPORTER.ready()
        REPORTER.go.wait()
        if REPORTER.job is not None and REPORTER.job.book.loop == "closed":
            numbers = itertools.count(share.process, share.of)
            loop.dispatch_closed(numbers, until=REPORTER.began + plan.seconds)
        else:
            loop.dispatch(_listed(plan, share), began=REPORTER.began)
        loop.drain(seconds=self._limits.drain_seconds)

    def _plan(self) -> Arrivals:
        if REPORTER.job is not None:
            return arrivals_of(REPORTER.job, source_of(REPORTER.job))
        return ArrivalPlan(self.arrivals, seed=self.seed)

    @property
    def _limits(self) -> Limits:
        return self.limits if REPORTER.job is None else REPORTER.job.book.limits

    def _address(self) -> Address:
        return address_of(self.host or "") if REPORTER.job is None else REPORTER.job.address

    def _session(self, client: RawClient) -> Session:
        address = client.address
        host = f"[{address.host}]" if ":" in address.host else address.host
        headers = {} if REPORTER.job is None else REPORTER.job.headers
        lines = {"Host": f"{host}:{address.port}", "User-Agent": "opsctl-load", "Accept": "*/*", **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return Session(client, rows=REPORTER.rows, request_event=self.environment.events.request, head=head)

    def _on_error(self, error: Exception) -> None:
        REPORTER.failed(error, where=type(self).__name__)
        self.environment.events.user_error.fire(user_instance=self, exception=error, tb=error.__traceback__)


def address_of(url: str) -> Address:
    """Return the address of Locust's `--host`."""
    parts = urlsplit(url)
    is_tls = parts.scheme == "https"
    return Address(host=parts.hostname or "", port=parts.port or (443 if is_tls else 80), is_tls=is_tls)


def _settle_memory() -> None:
    """Let the collector of garbage pass over all that was made up to now: its pauses would be lag of the sender."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _share_of(environment: "Environment") -> Share:
    runner, options = environment.runner, environment.parsed_options
    if REPORTER.share.of == 1 and isinstance(runner, WorkerRunner) and options is not None:
        # A master that knows nothing of opsctl says how many workers it waits for, and which one this is.
        return Share(process=runner.worker_index, of=max(1, options.expect_workers))
    return REPORTER.share


def _listed(plan: Arrivals, share: Share) -> Iterator[tuple[Sequence[int], Sequence[float]]]:
    for numbers, seconds in plan.share(share.process, of=share.of):
        yield numbers.tolist(), seconds.tolist()
