"""What happens before anything is counted: every user asks once, then the first rate for a moment."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from opsctl.bench.load.book import LoadBook
from opsctl.bench.load.checks import Checks, outcome_of
from opsctl.bench.load.phases import Phase, Spike, Steady
from opsctl.bench.load.plan import ArrivalPlan
from opsctl.bench.load.ports import Engine, LoadJob
from opsctl.bench.load.requests import MixSource
from opsctl.bench.load.tally import Frame, Outcome
from opsctl.bench.load.tls import connection_fault, context_for
from opsctl.bench.load.validity import WarmUpReport
from opsctl.clients.http_answer import Answer, AnswerReader, BadAnswerError
from opsctl.core.clock import Clock
from opsctl.core.events import Listener, PhaseAdvanced, PhaseFinished, PhaseStarted
from opsctl.core.units import parse_duration

_PHASE = "warm-up"
_LARGEST_BODY_BYTES = 64 * 1024 * 1024
_MOST_ERRORS_SHARE = 0.01
_GIVE_UP_AFTER = 200
"""So many errors without one good answer: nobody is there, and a timeout for each user would take hours."""


def warm_up(
    job: LoadJob, *, engine: Engine, listener: Listener, clock: Clock, stopped: Callable[[], str]
) -> WarmUpReport:
    """Do what the book says, and tell what came of it; more than one error in a hundred is a complaint.

    A recorded log is sent once, at its own times, and nothing before it.
    """
    seconds = parse_duration(job.book.warm_up.duration)
    if job.replay is not None or (seconds <= 0 and not job.book.warm_up.every_user):
        return WarmUpReport()
    began = clock.monotonic()
    outcomes: Counter[str] = Counter()
    users = 0
    if job.book.warm_up.every_user:
        users = job.book.users.count
        listener(PhaseStarted(subject=job.name, phase=_PHASE, total=users, unit="users"))
        outcomes = asyncio.run(_EveryUser(job, listener=listener, stopped=stopped).run())
    complaint = complaint_of(outcomes)
    if seconds > 0 and not complaint and not stopped():
        result = engine.run(_uncounted(job), watch=_watch(stopped))
        outcomes.update(result.total.outcomes)
        complaint = "; ".join(result.errors) or complaint_of(result.total.outcomes)
    errors = outcomes.total() - outcomes[Outcome.OK]
    took = clock.monotonic() - began
    figures: dict[str, str | int | float] = {"answers": outcomes[Outcome.OK], "errors": errors}
    listener(PhaseFinished(subject=job.name, phase=_PHASE, duration_seconds=took, figures=figures))
    return WarmUpReport(
        users=users, answered=outcomes[Outcome.OK], errors=errors, seconds=took, complaint=complaint
    )


def complaint_of(outcomes: "Counter[str]") -> str:
    """Return in a few words why requests that should have warmed a service did not; empty when they did."""
    total = outcomes.total()
    errors = Counter({name: count for name, count in outcomes.items() if name != Outcome.OK})
    if errors.total() <= _MOST_ERRORS_SHARE * total:
        return ""
    named = ", ".join(f"{name} {count:,}" for name, count in errors.most_common(3))
    return f"{errors.total():,} of {total:,} requests went wrong: {named}"


def first_endpoint(book: LoadBook) -> int:
    """Return the place of the endpoint that a warm-up asks: the first GET of a user's own, else the first GET."""
    gets = [place for place, each in enumerate(book.mix.values()) if each.method == "GET"]
    own = [place for place in gets if "{user}" in list(book.mix.values())[place].path]
    return next(iter([*own, *gets]), 0)


def _uncounted(job: LoadJob) -> LoadJob:
    """Return a job that sends the first phase's rate for a moment, to others than the counted one does."""
    rate = ArrivalPlan(job.book.arrivals, seed=job.book.seed).rate_at(0.0)
    phase = Steady(
        shape="poisson", rate=max(rate, _least(job.book.arrivals[0])), duration=job.book.warm_up.duration
    )
    book = job.book.model_copy(update={"arrivals": [phase], "gates": [], "abort": [], "shadow": None})
    return replace(job, book=book, is_warm_up=True)


def _least(phase: Phase) -> float:
    """Return the rate at which a phase begins."""
    if isinstance(phase, Steady):
        return phase.rate
    return phase.base if isinstance(phase, Spike) else phase.start


def _watch(stopped: Callable[[], str]) -> Callable[[Frame], str]:
    return lambda _frame: stopped()


class _EveryUser:
    """Asks once for every user, with a bounded number of requests at a time."""

    def __init__(self, job: LoadJob, *, listener: Listener, stopped: Callable[[], str]) -> None:
        self._job = job
        self._listener = listener
        self._stopped = stopped
        self._source = MixSource(job)
        self._endpoint = first_endpoint(job.book)
        self._checks = Checks(job.book, folder=job.folder)
        self._users: Iterator[int] = iter(range(1, job.book.users.count + 1))
        self._outcomes: Counter[str] = Counter()

    async def run(self) -> "Counter[str]":
        """Ask, and return what became of the requests."""
        concurrency = min(self._job.book.warm_up.concurrency, self._job.book.users.count)
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(self._ask_in_turn())
        return self._outcomes

    async def _ask_in_turn(self) -> None:
        connection = _Connection(self._job)
        try:
            for user in self._users:
                if self._stopped() or self._is_hopeless():
                    return
                outcome = await self._ask(connection, user)
                self._outcomes[outcome] += 1
                self._listener(PhaseAdvanced(subject=self._job.name, phase=_PHASE, advance=1))
        finally:
            connection.close()

    def _is_hopeless(self) -> bool:
        return self._outcomes.total() >= _GIVE_UP_AFTER and not self._outcomes[Outcome.OK]

    async def _ask(self, connection: "_Connection", user: int) -> Outcome:
        request = self._source.request_of(self._endpoint, user=user)
        try:
            async with asyncio.timeout(self._job.book.limits.timeout_seconds):
                answer = await connection.ask(request)
        except TimeoutError:
            connection.close()
            return Outcome.TIMED_OUT
        except BadAnswerError:
            connection.close()
            return Outcome.MALFORMED
        except OSError as error:
            connection.close()
            return Outcome.RESET if connection.was_open else connection_fault(error)[0]
        head = b"".join(b"\r\n%b: %b" % row for row in answer.headers.items())
        return outcome_of(
            self._checks.inspect(self._endpoint, status=answer.status, head=head, body=answer.body)
        )


class _Connection:
    """One connection, opened when it is needed and kept."""

    def __init__(self, job: LoadJob) -> None:
        self._address = job.address
        self._tls = context_for(job.address)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.was_open = False

    async def ask(self, request: bytes) -> Answer:
        """Send a request and return its answer."""
        if self._streams is None:
            self.was_open = False
            self._streams = await asyncio.open_connection(
                self._address.host, self._address.port, ssl=self._tls
            )
            self.was_open = True
        reader, writer = self._streams
        writer.write(request)
        answers = AnswerReader(largest_body_bytes=_LARGEST_BODY_BYTES)
        while True:
            data = await reader.read(65536)
            answer = answers.feed(data) if data else answers.end()
            if answer is not None:
                if not answer.keeps_connection:
                    self.close()
                return answer
            if not data:
                raise ConnectionResetError("the connection ended before its answer was whole")

    def close(self) -> None:
        """Close it; the next request opens another."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None
