"""What Locust runs for a book's mix: a locustfile, which `locust -f - --worker` also gets from its master."""

from collections.abc import Sequence

from opsctl.bench.load.checks import Checks
from opsctl.bench.load.ports import PlannedRequest
from opsctl.bench.load.sources import source_of
from opsctl.bench.locust.answers import Answer
from opsctl.bench.locust.open_loop_user import OpenLoopUser
from opsctl.bench.locust.session import Check, Session


class MixUser(OpenLoopUser):
    """Sends the requests of the book, each when it is due."""

    def on_start(self) -> None:
        """Work out what can be worked out before the run begins."""
        job = self.job
        self._source = source_of(job)
        self._names = self._source.endpoints
        self._methods = [endpoint.method for endpoint in job.book.mix.values()]
        inspects = Checks(job.book, folder=job.folder)
        self._checks = [_check_of(inspects, endpoint) for endpoint in range(len(self._names))]

    def prepare(self, arrivals: Sequence[int]) -> Sequence[PlannedRequest]:
        """Return the requests of these arrivals."""
        return self._source.batch(arrivals)

    def arrive(self, session: Session, what: PlannedRequest) -> None:
        """Send one request and look at its answer."""
        endpoint, request = what
        method, check = self._methods[endpoint], self._checks[endpoint]
        session.exchange(self._names[endpoint], request, method=method, check=check)

    def name_of(self, what: PlannedRequest) -> str:
        """Return the endpoint's name."""
        return self._names[what[0]]


def _check_of(inspects: Checks, endpoint: int) -> Check:
    def check(answer: Answer) -> str | None:
        return inspects.inspect(endpoint, status=answer.status, head=answer.head, body=answer.body)

    return check
