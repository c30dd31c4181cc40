"""What SEC101 makes of a limit that counts well and says odd things about itself."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import unquote

import pytest
from tests.security.audited_project import AuditedProject
from tests.security.spoiling_proxy import Passing
from tests.security.test_probes_of_nothing import asked

from opsctl.clients.wire import WireAnswer
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


_KEYS = ["first", "second"]


@pytest.mark.parametrize("requests", [1, 10, 50, 99, 1000])
def test_every_way_to_ask_is_tried_with_each_key_after_the_allowance_is_used_up(requests: int) -> None:
    """A pass says so; of an allowance of ten a fifth more would be two requests."""
    batches = sec101_rate_limit._batches(7, _KEYS, requests=requests)

    beyond = Counter(
        (trick.name, key) for trick, key in [each for batch in batches for each in batch][requests:]
    )
    ways = {(trick.name, key) for trick in sec101_rate_limit._tricks(7) for key in _KEYS}
    assert set(beyond) == ways
    assert min(beyond.values()) >= 2
    assert len(batches) >= 16
    assert max(map(len, batches)) <= 25


def _answered(status: int, *, began: float, ended: float) -> sec101_rate_limit._Asked:
    answer = WireAnswer(status=status, headers=(), body=b"", seconds=ended - began)
    return sec101_rate_limit._Asked(trick="plain", answer=answer, began=began, ended=ended)


def _titles(asked: list[sec101_rate_limit._Asked], *, requests: int) -> list[str]:
    found = sec101_rate_limit._miscounted(asked, requests=requests, refilled=0.5)
    return [each.title for each in found]


def test_a_request_that_others_overtook_was_not_refused_early() -> None:
    """The slow one began first, and came when three others had used up the three that are allowed."""
    slow = _answered(429, began=0.0, ended=9.0)
    quick = [_answered(200, began=float(n), ended=n + 0.5) for n in range(1, 4)]

    assert _titles([slow, *quick], requests=3) == []


def test_a_refusal_before_so_many_had_begun_is_early() -> None:
    """However small the allowance is."""
    asked = [_answered(200, began=0.0, ended=0.5), _answered(429, began=1.0, ended=1.5)]
    asked += [_answered(200, began=float(n), ended=n + 0.5) for n in range(2, 4)]

    assert _titles(asked, requests=3) == ["plain: refused before the allowance was used up"]
