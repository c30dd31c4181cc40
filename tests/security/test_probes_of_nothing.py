"""A service that answers everything alike gives a probe nothing to look at, which is no pass."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.fakes.clock import FakeClock
from tests.security.audited_project import AuditedProject
from tests.security.probed_service import Logs
from tests.security.spoiling_proxy import Passing, Vice, spoiling

from opsctl.clients.programs import ProgramEnd
from opsctl.core.events import ignore
from opsctl.security.audit import Checked, audit
from opsctl.security.checks import (
    sec101_rate_limit,
    sec102_cors,
    sec103_headers,
    sec104_contract,
    sec105_fuzz,
    sec106_sql_injection,
    sec109_leaks,
    sec110_log_secrets,
    sec111_limits,
)
from opsctl.security.model import SecurityCheck, State

NOWHERE = "http://127.0.0.1:9"
SECRET = ("q7Rk2mVx" + "9TzL4bWc") * 2


@dataclass(frozen=True)
class Anybody:
    """A service with keys that no database holds (`security.context.LiveService`)."""

    base_url: str

    def key(self, *, plan: str = "free", scopes: Sequence[str] = (), lives_seconds: float = 900.0) -> str:
        """Return a key."""
        return f"opk_Xk29fQ4z_{SECRET}"

    def revoke(self, key: str) -> None:
        """Do nothing."""


def asked(
    check: SecurityCheck, project: AuditedProject, *vices: Vice, logs: tuple[Path, ...] = ()
) -> Checked:
    """Return what a check says of a service whose answers are all made up."""
    with spoiling(NOWHERE, *vices) as url:
        context = replace(project.context(), service=Anybody(url), machine=Logs(logs))
        return audit([check], context=context, waivers=(), clock=FakeClock(), listener=ignore).checked[0]


def always(status: int, answer: bytes = b"{}") -> Vice:
    """Return the vice of one answer to everything."""

    def vice(passing: Passing) -> None:
        if not passing.status:
            passing.answer_with(status, answer)

    return vice


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    "module",
    [
        sec102_cors,
        sec103_headers,
        sec105_fuzz,
        sec106_sql_injection,
        sec109_leaks,
        sec110_log_secrets,
        sec111_limits,
    ],
    ids=lambda module: module.CHECK.code,
)
def test_a_service_that_refuses_honest_requests_too_tells_nothing(
    module: object, status: int, project: AuditedProject
):
    """It asks another database about keys: that it refuses the others as well is no merit."""
    check: SecurityCheck = module.CHECK  # type: ignore[attr-defined]

    found = asked(check, project, always(status))

    assert found.state is State.UNKNOWN, found.reason
    assert f"answered with {status} instead of 200" in found.reason


def test_a_service_that_is_broken_has_no_good_cors(project: AuditedProject):
    """A 500 without any header allows nobody anything, and says nothing of the answers that count."""
    found = asked(sec102_cors.CHECK, project, always(500))

    assert (found.state, "answered with 500" in found.reason) == (State.UNKNOWN, True)


@pytest.mark.parametrize(("policy", "state"), [("6000;w=3600", State.FAIL), ("6000;w=36000", State.UNKNOWN)])
def test_a_plan_that_is_too_large_to_be_used_up_fails_where_it_is_more_than_promised(
    policy: str, state: State, project: AuditedProject
):
    """Six thousand an hour are too many, enforced or not; in ten hours nobody can tell without asking so often."""

    def states_it(passing: Passing) -> None:
        if not passing.status:
            passing.answer_headers = [("RateLimit-Policy", policy)]
            passing.answer_with(200)

    assert asked(sec101_rate_limit.CHECK, project, states_it).state is state


def test_a_contract_of_which_nothing_was_asked_is_not_kept(project: AuditedProject):
    """Schemathesis ends well without a request, where the document has no operation that reads."""
    said = "No operations\n0 generated\n"
    project.answering = lambda argv: ProgramEnd(code=0, stdout=said, stderr="")

    found = asked(sec104_contract.CHECK, project, always(200, b'{"paths": {}}'))

    assert found.state is State.UNKNOWN, found.reason


def test_a_log_that_is_behind_is_waited_for(project: AuditedProject, tmp_path: Path):
    """What was sent last may leak as well; the first lines of the audit are no sign that all of them are there."""
    log = tmp_path / "service.log"
    log.write_text("begun\n")

    def leaks_bodies_late(passing: Passing) -> None:
        passing.answer_with(200 if passing.path.startswith("/v1/trending") else 404)
        said = passing.headers.get("x-request-id", "")
        if passing.method == "POST":
            threading.Timer(0.5, _append, (log, passing.body.decode())).start()
        elif passing.path == "/nowhere":
            threading.Timer(0.6, _append, (log, said)).start()
        elif said.startswith("audit-"):
            _append(log, said)

    found = asked(sec110_log_secrets.CHECK, project, leaks_bodies_late, logs=(log,))

    assert (found.state, [each.place for each in found.troubles]) == (State.FAIL, ["service.log"])


def _append(log: Path, line: str) -> None:
    with log.open("a") as file:
        file.write(line + "\n")
