"""What SEC101 makes of a limit that counts well and says odd things about itself."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import unquote

import pytest
from tests.security.audited_project import AuditedProject
from tests.security.spoiling_proxy import Passing
from tests.security.test_probes_of_nothing import asked

from opsctl.security.checks import sec101_rate_limit
from opsctl.security.model import State

REQUESTS = 200


@dataclass
class Limit:
    """A service that only limits: so many requests for each reader, then refusals."""

    retry_after: str
    policy: str = f"{REQUESTS};w=3600"
    seen: Counter[int] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, passing: Passing) -> None:
        """Answer."""
        if passing.status:
            return
        reader = int(unquote(passing.path).partition("?")[0].rpartition("/")[2])
        with self.lock:
            self.seen[reader] += 1
            count = self.seen[reader]
        passing.answer_headers = [("RateLimit-Policy", self.policy), ("Retry-After", self.retry_after)]
        passing.answer_with(429 if count > REQUESTS else 200)


@pytest.mark.parametrize(
    ("retry_after", "state", "said"),
    [
        ("86400", State.FAIL, "come again after 86400 s; the window is 3600 s"),
        ("90", State.UNKNOWN, "come again after 90 s, and nobody waited"),
        ("0", State.FAIL, "refused again after the 0 s that it said"),
        ("²", State.FAIL, "does not say when to come again"),
        ("9" * 5000, State.FAIL, "does not say when to come again"),
    ],
)
def test_what_nobody_waited_for_is_no_pass(
    project: AuditedProject, retry_after: str, state: State, said: str
) -> None:
    """A refusal promises that one more passes; a promise of tomorrow is none, and a long one was not tried."""
    found = asked(sec101_rate_limit.CHECK, project, Limit(retry_after))

    assert found.state is state, [each.title for each in found.troubles]
    assert said in " ".join([found.reason, *(each.title for each in found.troubles)])


@pytest.mark.parametrize("policy", ["10;w=0", "²;w=60", f"{'9' * 5000};w=60"])
def test_a_policy_that_is_none_is_no_defect_of_the_check(project: AuditedProject, policy: str) -> None:
    """It could not tell, and says why."""
    found = asked(sec101_rate_limit.CHECK, project, Limit("1", policy=policy))

    assert (found.state, found.reason) == (State.UNKNOWN, "the service states no `RateLimit-Policy`")
